-- An outgoing call may end with another one, its master.
ALTER TABLE calls
  ADD COLUMN master_call_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  ADD KEY calls_groupcall (groupcall_id);

-- One order to call several destinations, of whom the first who answers is wanted. `state` (JSON) is what each of its
-- calls gets: the actions, and how they are to be made. Its calls have the Asterisk in common (`node`).
CREATE TABLE groupcalls (
  id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  customer_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  flow_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  master_call_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  answer_call_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  node VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  source TEXT NOT NULL,
  destinations TEXT NOT NULL,
  ring_method VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  status VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  hangup_by VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  hangup_reason VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  state MEDIUMTEXT NOT NULL,
  tm_progressing DATETIME(6) NULL,
  tm_hangup DATETIME(6) NULL,
  tm_create DATETIME(6) NOT NULL,
  tm_update DATETIME(6) NULL,
  PRIMARY KEY (id),
  KEY groupcalls_newest (customer_id, tm_create, id),
  KEY groupcalls_live (node, tm_hangup),
  KEY groupcalls_old (tm_hangup),
  CONSTRAINT groupcalls_customer FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE ON UPDATE NO ACTION
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
