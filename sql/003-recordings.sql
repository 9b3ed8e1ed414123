-- A recording of a call. The sound itself is a file of the Asterisk that carried the call (`node`), under the name `file`.
CREATE TABLE recordings (
  id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  customer_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  activeflow_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  reference_type VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  reference_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  status VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  format VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  end_of_key VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  node VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  file VARCHAR(96) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  tm_start DATETIME(6) NOT NULL,
  tm_end DATETIME(6) NULL,
  tm_create DATETIME(6) NOT NULL,
  tm_update DATETIME(6) NULL,
  PRIMARY KEY (id),
  KEY recordings_newest (customer_id, tm_create, id),
  KEY recordings_reference (reference_id),
  KEY recordings_live (node, tm_end),
  CONSTRAINT recordings_customer FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE ON UPDATE NO ACTION
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
