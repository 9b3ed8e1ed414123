-- Where callers meet. A PIN is kept as scrypt$N$r$p$salt$hash, '' where there is none. `node` is the Asterisk where the
-- present meeting is, in the bridge `bridge_id`; both are '' while nobody is in it. `timeout` is in seconds.
CREATE TABLE conferences (
  id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  customer_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name VARCHAR(255) NOT NULL,
  detail VARCHAR(1024) NOT NULL,
  type VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  status VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  timeout INT UNSIGNED NOT NULL,
  data MEDIUMTEXT NOT NULL,
  pre_flow_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  post_flow_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  pin_hash VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  moderator_pin_hash VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  max_participants INT UNSIGNED NOT NULL,
  join_muted TINYINT UNSIGNED NOT NULL DEFAULT 0,
  announce VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  music_when_alone TINYINT UNSIGNED NOT NULL DEFAULT 0,
  before_moderator VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  after_moderator VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  recording VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  menu TINYINT UNSIGNED NOT NULL DEFAULT 0,
  locked TINYINT UNSIGNED NOT NULL DEFAULT 0,
  node VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  bridge_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  tm_start DATETIME(6) NULL,
  tm_create DATETIME(6) NOT NULL,
  tm_update DATETIME(6) NULL,
  PRIMARY KEY (id),
  KEY conferences_newest (customer_id, tm_create, id),
  CONSTRAINT conferences_customer FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE ON UPDATE NO ACTION,
  CONSTRAINT conferences_pre_flow FOREIGN KEY (pre_flow_id) REFERENCES flows (id) ON DELETE SET NULL ON UPDATE NO ACTION,
  CONSTRAINT conferences_post_flow FOREIGN KEY (post_flow_id) REFERENCES flows (id) ON DELETE SET NULL ON UPDATE NO ACTION
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- One participant of a conference, from the door to the end. It outlives its conference. Volumes are in dB.
CREATE TABLE conferencecalls (
  id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  customer_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  conference_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  activeflow_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  reference_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  status VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  moderator TINYINT UNSIGNED NOT NULL DEFAULT 0,
  muted TINYINT UNSIGNED NOT NULL DEFAULT 0,
  held TINYINT UNSIGNED NOT NULL DEFAULT 0,
  talking TINYINT UNSIGNED NOT NULL DEFAULT 0,
  volume_heard INT NOT NULL DEFAULT 0,
  volume_spoken INT NOT NULL DEFAULT 0,
  name_file VARCHAR(96) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  node VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  tm_join DATETIME(6) NOT NULL,
  tm_end DATETIME(6) NULL,
  tm_create DATETIME(6) NOT NULL,
  tm_update DATETIME(6) NULL,
  PRIMARY KEY (id),
  KEY conferencecalls_newest (customer_id, tm_create, id),
  KEY conferencecalls_conference (conference_id, tm_end),
  KEY conferencecalls_reference (reference_id),
  KEY conferencecalls_live (node, tm_end),
  KEY conferencecalls_old (tm_end),
  CONSTRAINT conferencecalls_customer FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE ON UPDATE NO ACTION
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- The recording of a conference belongs to no single activeflow.
ALTER TABLE recordings MODIFY COLUMN activeflow_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL;
