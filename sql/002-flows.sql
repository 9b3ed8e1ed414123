-- A flow is a list of actions (JSON). Whatever runs has its own copy, so a flow can be changed and deleted at any time.
CREATE TABLE flows (
  id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  customer_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name VARCHAR(255) NOT NULL,
  detail VARCHAR(1024) NOT NULL,
  actions MEDIUMTEXT NOT NULL,
  on_complete_flow_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  tm_create DATETIME(6) NOT NULL,
  tm_update DATETIME(6) NULL,
  PRIMARY KEY (id),
  KEY flows_newest (customer_id, tm_create, id),
  KEY flows_on_complete (on_complete_flow_id),
  CONSTRAINT flows_customer FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE ON UPDATE NO ACTION,
  CONSTRAINT flows_on_complete FOREIGN KEY (on_complete_flow_id) REFERENCES flows (id) ON DELETE SET NULL ON UPDATE NO ACTION
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- An inbound number (E.164) belongs to one customer of all; without a flow it leads nowhere (404).
CREATE TABLE numbers (
  id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  customer_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name VARCHAR(255) NOT NULL,
  detail VARCHAR(1024) NOT NULL,
  number VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  call_flow_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  tm_create DATETIME(6) NOT NULL,
  tm_update DATETIME(6) NULL,
  PRIMARY KEY (id),
  UNIQUE KEY numbers_number (number),
  KEY numbers_newest (customer_id, tm_create, id),
  KEY numbers_flow (call_flow_id),
  CONSTRAINT numbers_customer FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE ON UPDATE NO ACTION,
  CONSTRAINT numbers_flow FOREIGN KEY (call_flow_id) REFERENCES flows (id) ON DELETE SET NULL ON UPDATE NO ACTION
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- A trunk brings calls to its customer's numbers, and no others. What lets it in is in the two tables below: they have
-- rows only for what its auth_types name, so whoever looks there need not look here.
CREATE TABLE trunks (
  id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  customer_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name VARCHAR(255) NOT NULL,
  detail VARCHAR(1024) NOT NULL,
  domain_name VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  auth_types VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  username VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  tm_create DATETIME(6) NOT NULL,
  tm_update DATETIME(6) NULL,
  PRIMARY KEY (id),
  KEY trunks_newest (customer_id, tm_create, id),
  CONSTRAINT trunks_customer FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE ON UPDATE NO ACTION
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- Read by Kamailio. A network from its first address to its last, in the hex digits of HEX(INET6_ATON(…)): 8 of IPv4, 32
-- of IPv6. May this source bring a call to this number?
--   SELECT n.id, a.trunk_id FROM numbers n JOIN trunk_addresses a ON a.customer_id = n.customer_id
--   WHERE n.number = ? AND n.call_flow_id IS NOT NULL AND a.first_address <= HEX(INET6_ATON(?))
--     AND a.last_address >= HEX(INET6_ATON(?)) AND LENGTH(a.first_address) = LENGTH(HEX(INET6_ATON(?))) LIMIT 1
CREATE TABLE trunk_addresses (
  trunk_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  first_address VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  last_address VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  network VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  customer_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  PRIMARY KEY (trunk_id, first_address, last_address),
  KEY trunk_addresses_lookup (customer_id, first_address, last_address),
  CONSTRAINT trunk_addresses_trunk FOREIGN KEY (trunk_id) REFERENCES trunks (id) ON DELETE CASCADE ON UPDATE NO ACTION
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- Read by Kamailio, as `subscriber` is. `domain` is the realm (the base domain), ha1 = MD5(username:domain:password).
-- Whose call is it that has these credentials and goes to this number?
--   SELECT n.id, a.ha1, a.trunk_id FROM numbers n JOIN trunk_accounts a ON a.customer_id = n.customer_id AND a.username = ?
--   WHERE n.number = ? AND n.call_flow_id IS NOT NULL
CREATE TABLE trunk_accounts (
  trunk_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  customer_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  username VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  domain VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  ha1 VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  PRIMARY KEY (trunk_id),
  UNIQUE KEY trunk_accounts_username (customer_id, username),
  CONSTRAINT trunk_accounts_trunk FOREIGN KEY (trunk_id) REFERENCES trunks (id) ON DELETE CASCADE ON UPDATE NO ACTION
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
