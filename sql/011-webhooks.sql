-- Where a customer wants to be told what happens. The secrets sign, so they are kept, encrypted: see src/database/secrets.ts.
-- `tm_failing` is when the failures began after which nothing was delivered any more.
CREATE TABLE webhooks (
  id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  customer_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name VARCHAR(255) NOT NULL,
  detail VARCHAR(1024) NOT NULL,
  uri VARCHAR(2048) NOT NULL,
  event_types TEXT NOT NULL,
  status VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  disabled_reason VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  sealed_secret VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  sealed_old_secret VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NULL,
  tm_old_secret_expire DATETIME(6) NULL,
  tm_failing DATETIME(6) NULL,
  tm_create DATETIME(6) NOT NULL,
  tm_update DATETIME(6) NULL,
  PRIMARY KEY (id),
  KEY webhooks_newest (customer_id, tm_create, id),
  KEY webhooks_status (status),
  CONSTRAINT webhooks_customer FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE ON UPDATE NO ACTION
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- One event for one webhook, made by the relay. `tm_next` is when it is tried, and NULL where an earlier one of the same
-- resource has to be done before. Whoever tries it has it until `tm_claim`.
CREATE TABLE webhook_deliveries (
  id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  customer_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  webhook_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  event_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  event_type VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  resource_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  sequence BIGINT UNSIGNED NOT NULL,
  status VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  attempts INT UNSIGNED NOT NULL DEFAULT 0,
  response_status INT UNSIGNED NULL,
  response_body VARCHAR(1024) NOT NULL DEFAULT '',
  error VARCHAR(255) NOT NULL DEFAULT '',
  duration_ms INT UNSIGNED NULL,
  tm_attempt DATETIME(6) NULL,
  tm_next DATETIME(6) NULL,
  tm_claim DATETIME(6) NULL,
  tm_create DATETIME(6) NOT NULL,
  tm_update DATETIME(6) NULL,
  PRIMARY KEY (id),
  UNIQUE KEY webhook_deliveries_event (webhook_id, event_id),
  KEY webhook_deliveries_newest (webhook_id, tm_create, id),
  KEY webhook_deliveries_due (webhook_id, tm_next, sequence),
  KEY webhook_deliveries_resource (webhook_id, resource_id, status, sequence),
  KEY webhook_deliveries_old (tm_create),
  CONSTRAINT webhook_deliveries_webhook FOREIGN KEY (webhook_id) REFERENCES webhooks (id) ON DELETE CASCADE ON UPDATE NO ACTION
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
