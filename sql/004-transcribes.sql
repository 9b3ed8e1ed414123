-- A transcribe of a call: what its parties say, as text, until it is `done`. `place` is where in the activeflow it began:
-- the names of its channels are made from it. `direction`: in is what the caller says, out what he hears.
CREATE TABLE transcribes (
  id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  customer_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  activeflow_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  reference_type VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  reference_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  on_end_flow_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  status VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  provider VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  language VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  direction VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  node VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  place VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  tm_end DATETIME(6) NULL,
  tm_create DATETIME(6) NOT NULL,
  tm_update DATETIME(6) NULL,
  PRIMARY KEY (id),
  KEY transcribes_newest (customer_id, tm_create, id),
  KEY transcribes_reference (reference_id),
  KEY transcribes_live (node, tm_end),
  KEY transcribes_old (tm_end),
  CONSTRAINT transcribes_customer FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE ON UPDATE NO ACTION
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- What was said at once. `offset_ms` is when it began, from the moment when the call was answered.
CREATE TABLE transcripts (
  id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  customer_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  transcribe_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  direction VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  message TEXT NOT NULL,
  offset_ms INT UNSIGNED NOT NULL,
  tm_create DATETIME(6) NOT NULL,
  PRIMARY KEY (id),
  KEY transcripts_newest (customer_id, tm_create, id),
  KEY transcripts_transcribe (transcribe_id, tm_create, id),
  CONSTRAINT transcripts_customer FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE ON UPDATE NO ACTION,
  CONSTRAINT transcripts_owner FOREIGN KEY (transcribe_id) REFERENCES transcribes (id) ON DELETE CASCADE ON UPDATE NO ACTION
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- The flow that runs when a recording has ended.
ALTER TABLE recordings ADD COLUMN on_end_flow_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL AFTER reference_id;
