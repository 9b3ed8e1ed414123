-- What Kamailio tells becomes events: see src/registrar/edge-events.ts.

-- When this registration began: another time where the device, its contact or its address is another one, and where the one
-- before had ended. A refresh leaves it alone. It names the registration in the ids of its events.
ALTER TABLE registrations ADD COLUMN tm_begin DATETIME(6) NOT NULL DEFAULT '1970-01-01 00:00:00.000000';

-- Written by Kamailio right after `registrations`: a registration that has begun, as it was then, or that a device has
-- ended. Whoever tells of it removes the row.
CREATE TABLE registration_changes (
  number BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  extension_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  status VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  tm_begin DATETIME(6) NOT NULL,
  contact VARCHAR(1500) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '',
  source_address VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  transport VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  user_agent VARCHAR(255) NOT NULL DEFAULT '',
  tm_registered DATETIME(6) NULL,
  tm_expire DATETIME(6) NULL,
  tm_create DATETIME(6) NOT NULL,
  PRIMARY KEY (number)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- What was told last of the registration of each extension, written in the transaction of the event. Where it is not what
-- `registrations` says, an event is missing.
CREATE TABLE registration_states (
  extension_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  status VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  tm_begin DATETIME(6) NOT NULL,
  PRIMARY KEY (extension_id),
  KEY registration_states_status (status),
  CONSTRAINT registration_states_extension FOREIGN KEY (extension_id) REFERENCES extensions (id) ON DELETE CASCADE ON UPDATE NO ACTION
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- What is registered when these tables are made is no news.
INSERT INTO registration_states (extension_id, status, tm_begin) SELECT extension_id, 'registered', tm_begin FROM registrations;

-- Kamailio says since when there is something to tell; who tells it empties that, and says when it was.
ALTER TABLE registration_failures
  ADD COLUMN tm_due DATETIME(6) NULL,
  ADD COLUMN tm_told DATETIME(6) NULL,
  ADD KEY registration_failures_due (tm_due);

ALTER TABLE guess_blocks
  ADD COLUMN told TINYINT UNSIGNED NOT NULL DEFAULT 0,
  ADD KEY guess_blocks_told (told, id);
UPDATE guess_blocks SET told = 1;
