-- What happened, in the same transaction as the row that it is about. `insertion` is the order in which events came in, and no
-- number to read on from: a smaller one can become visible later. `sequence` is given by the relay, per customer and without
-- gaps, when the event can be seen by everybody; until then it is NULL. No foreign key: what happened outlives whom it happened to.
CREATE TABLE events (
  insertion BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  customer_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  sequence BIGINT UNSIGNED NULL,
  type VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  resource_type VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  resource_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  data MEDIUMTEXT NOT NULL,
  tm_create DATETIME(6) NOT NULL,
  PRIMARY KEY (insertion),
  UNIQUE KEY events_id (id),
  UNIQUE KEY events_sequence (customer_id, sequence),
  KEY events_unnumbered (sequence, insertion),
  KEY events_newest (customer_id, tm_create, id),
  KEY events_resource (customer_id, resource_id, tm_create, id),
  KEY events_old (tm_create)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- The last number that was given to an event of each customer. The row of nobody is the lock of who gives them.
CREATE TABLE event_counters (
  customer_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  sequence BIGINT UNSIGNED NOT NULL,
  PRIMARY KEY (customer_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
