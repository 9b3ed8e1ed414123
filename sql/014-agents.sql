-- What agents are told apart by: a language, a product, a department.
CREATE TABLE tags (
  id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  customer_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name VARCHAR(255) NOT NULL,
  detail VARCHAR(1024) NOT NULL,
  tm_create DATETIME(6) NOT NULL,
  tm_update DATETIME(6) NULL,
  PRIMARY KEY (id),
  KEY tags_newest (customer_id, tm_create, id),
  CONSTRAINT tags_customer FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE ON UPDATE NO ACTION
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- Somebody who takes calls, at one or more addresses (JSON). `password_hash` is scrypt$N$r$p$salt$hash, salt and hash in
-- base64. `tm_status` is when the status became what it is.
CREATE TABLE agents (
  id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  customer_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name VARCHAR(255) NOT NULL,
  detail VARCHAR(1024) NOT NULL,
  username VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  password_hash VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  ring_method VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  status VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  status_reason VARCHAR(255) NOT NULL,
  tm_status DATETIME(6) NOT NULL,
  addresses TEXT NOT NULL,
  tm_create DATETIME(6) NOT NULL,
  tm_update DATETIME(6) NULL,
  PRIMARY KEY (id),
  UNIQUE KEY agents_username (customer_id, username),
  KEY agents_newest (customer_id, tm_create, id),
  CONSTRAINT agents_customer FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE ON UPDATE NO ACTION
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- Which tags an agent has, and how good it is at each: from 1 to 10. A tag that is deleted is taken from its agents.
CREATE TABLE agent_tags (
  agent_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  tag_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  level INT UNSIGNED NOT NULL,
  PRIMARY KEY (agent_id, tag_id),
  KEY agent_tags_tag (tag_id),
  CONSTRAINT agent_tags_agent FOREIGN KEY (agent_id) REFERENCES agents (id) ON DELETE CASCADE ON UPDATE NO ACTION,
  CONSTRAINT agent_tags_tag FOREIGN KEY (tag_id) REFERENCES tags (id) ON DELETE CASCADE ON UPDATE NO ACTION
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- What an agent gets for its password, as SHA-256. Another password ends them all.
CREATE TABLE agent_tokens (
  token_hash VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  agent_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  tm_expire DATETIME(6) NOT NULL,
  tm_create DATETIME(6) NOT NULL,
  PRIMARY KEY (token_hash),
  KEY agent_tokens_agent (agent_id),
  KEY agent_tokens_old (tm_expire),
  CONSTRAINT agent_tokens_agent FOREIGN KEY (agent_id) REFERENCES agents (id) ON DELETE CASCADE ON UPDATE NO ACTION
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
