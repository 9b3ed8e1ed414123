-- Identifiers and everything that is compared exactly (hashes, user names, domains) are ascii_bin: a direct address is
-- matched to the letter, and no collation of the server can make two names equal.
-- Deleting a row deletes what hangs on it (foreign keys), so a direct can never outlive its resource's owner.
-- (ON UPDATE NO ACTION is spelled out because MariaDB and MySQL call their defaults differently.)

CREATE TABLE customers (
  id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name VARCHAR(255) NOT NULL,
  detail VARCHAR(1024) NOT NULL,
  tm_create DATETIME(6) NOT NULL,
  tm_update DATETIME(6) NULL,
  PRIMARY KEY (id),
  KEY customers_newest (tm_create, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE accesskeys (
  id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  customer_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name VARCHAR(255) NOT NULL,
  detail VARCHAR(1024) NOT NULL,
  token_hash CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  token_prefix VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  tm_expire DATETIME(6) NULL,
  tm_create DATETIME(6) NOT NULL,
  tm_update DATETIME(6) NULL,
  PRIMARY KEY (id),
  UNIQUE KEY accesskeys_token_hash (token_hash),
  KEY accesskeys_newest (customer_id, tm_create, id),
  CONSTRAINT accesskeys_customer FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE ON UPDATE NO ACTION
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE extensions (
  id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  customer_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name VARCHAR(255) NOT NULL,
  detail VARCHAR(1024) NOT NULL,
  username VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  domain_name VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  tm_create DATETIME(6) NOT NULL,
  tm_update DATETIME(6) NULL,
  PRIMARY KEY (id),
  UNIQUE KEY extensions_username (customer_id, username),
  KEY extensions_newest (customer_id, tm_create, id),
  CONSTRAINT extensions_customer FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE ON UPDATE NO ACTION
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- Kamailio's standard columns (its auth_db can read this table too), and the extension that a row belongs to.
-- `password` stays empty: ha1 = MD5(username:realm:password), ha1b = MD5(username@domain:realm:password).
CREATE TABLE subscriber (
  id INT UNSIGNED NOT NULL AUTO_INCREMENT,
  username VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  domain VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  password VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  ha1 VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  ha1b VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  extension_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY subscriber_account (username, domain),
  UNIQUE KEY subscriber_extension (extension_id),
  CONSTRAINT subscriber_owner FOREIGN KEY (extension_id) REFERENCES extensions (id) ON DELETE CASCADE ON UPDATE NO ACTION
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- One row is one direct address; `hash` is the 12 (to 32) hex digits without the `direct.` in front.
CREATE TABLE directs (
  resource_type VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  resource_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  customer_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  hash VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  tm_create DATETIME(6) NOT NULL,
  tm_update DATETIME(6) NULL,
  PRIMARY KEY (resource_type, resource_id),
  UNIQUE KEY directs_hash (hash),
  KEY directs_customer (customer_id),
  CONSTRAINT directs_customer FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE ON UPDATE NO ACTION
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- Written by Kamailio, read by both. One device per extension is one row per extension: the primary key is the rule.
-- `contact` is what the device asked to be called at, `received` where its packets came from (sip:ip:port;transport=…),
-- `edge` and `socket` the Kamailio and its socket that the device's NAT knows. tm_probe: the last OPTIONS that was sent;
-- tm_answer: the last that was answered, rtt_ms how long that took. tm_unanswered: the probe before the last one, if no
-- answer came to it: while a new probe is under way, a device that was silent is still known as silent.
CREATE TABLE registrations (
  extension_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  contact VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  received VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  source_address VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  transport VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_agent VARCHAR(255) NOT NULL,
  instance VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  call_id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  cseq INT UNSIGNED NOT NULL,
  path VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  edge VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  socket VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  tm_registered DATETIME(6) NOT NULL,
  tm_expire DATETIME(6) NOT NULL,
  tm_probe DATETIME(6) NULL,
  tm_answer DATETIME(6) NULL,
  tm_unanswered DATETIME(6) NULL,
  rtt_ms INT UNSIGNED NULL,
  PRIMARY KEY (extension_id),
  KEY registrations_expire (tm_expire),
  KEY registrations_probe (edge, tm_probe),
  CONSTRAINT registrations_extension FOREIGN KEY (extension_id) REFERENCES extensions (id) ON DELETE CASCADE ON UPDATE NO ACTION
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- Written by Kamailio: who failed to register an extension, and why (wrong_password, already_registered).
CREATE TABLE registration_failures (
  extension_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  source_address VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  reason VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  count INT UNSIGNED NOT NULL,
  tm_first DATETIME(6) NOT NULL,
  tm_last DATETIME(6) NOT NULL,
  PRIMARY KEY (extension_id, source_address, reason),
  KEY registration_failures_last (tm_last),
  CONSTRAINT registration_failures_extension FOREIGN KEY (extension_id) REFERENCES extensions (id) ON DELETE CASCADE ON UPDATE NO ACTION
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- Written by Kamailio. An edge is one Kamailio: its heartbeat (about once a second) and its totals since it started.
CREATE TABLE edges (
  name VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  tm_start DATETIME(6) NOT NULL,
  tm_seen DATETIME(6) NOT NULL,
  misses INT UNSIGNED NOT NULL,
  auth_failures INT UNSIGNED NOT NULL,
  PRIMARY KEY (name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- Written by Kamailio: a source that dialled too many direct addresses that do not exist.
CREATE TABLE guess_blocks (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  edge VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  source_address VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  misses INT UNSIGNED NOT NULL,
  tm_create DATETIME(6) NOT NULL,
  tm_expire DATETIME(6) NOT NULL,
  PRIMARY KEY (id),
  KEY guess_blocks_newest (tm_create)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- A call is what a customer sees; `node` is the Asterisk that carries it and `channel_id` the channel there.
CREATE TABLE calls (
  id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  customer_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  activeflow_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  groupcall_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  node VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  channel_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  sip_call_id VARCHAR(255) NOT NULL,
  direction VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  source TEXT NOT NULL,
  destination TEXT NOT NULL,
  status VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  hangup_by VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  hangup_reason VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  tm_ringing DATETIME(6) NULL,
  tm_progressing DATETIME(6) NULL,
  tm_hangup DATETIME(6) NULL,
  tm_create DATETIME(6) NOT NULL,
  tm_update DATETIME(6) NULL,
  PRIMARY KEY (id),
  KEY calls_newest (customer_id, tm_create, id),
  KEY calls_live (node, tm_hangup),
  KEY calls_old (tm_hangup),
  CONSTRAINT calls_customer FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE ON UPDATE NO ACTION
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- The engine's memory. `state` (JSON) has the stack of action lists with the cursor in each, and the variables: what is
-- needed to run the current action again after a crash.
CREATE TABLE activeflows (
  id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  customer_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  flow_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  reference_type VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  reference_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  status VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  state MEDIUMTEXT NOT NULL,
  executed_actions MEDIUMTEXT NOT NULL,
  tm_create DATETIME(6) NOT NULL,
  tm_update DATETIME(6) NULL,
  tm_end DATETIME(6) NULL,
  PRIMARY KEY (id),
  KEY activeflows_newest (customer_id, tm_create, id),
  KEY activeflows_reference (reference_id),
  KEY activeflows_old (tm_end),
  CONSTRAINT activeflows_customer FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE ON UPDATE NO ACTION
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- What is done from time to time is done once, also with several processes: the one whose UPDATE moves tm_run does it.
CREATE TABLE jobs (
  name VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  tm_run DATETIME(6) NOT NULL,
  PRIMARY KEY (name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
