-- Which process carries which Asterisk. `name` is host:port of its ARI, as in calls.node; `identity` is what Asterisk says of
-- itself, so that two URLs of one Asterisk are not carried twice. `holder` is a process of ours: it carries the Asterisk while
-- its lease lasts, by the clock of the database. `tm_lost`: since when the holder has not reached the Asterisk. `tm_seen`: when
-- a process last had this Asterisk in its configuration.
CREATE TABLE nodes (
  name VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  identity VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NULL,
  holder CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  holder_host VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  holder_url VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  tm_expire DATETIME(6) NOT NULL,
  tm_lost DATETIME(6) NULL,
  tm_seen DATETIME(6) NOT NULL,
  PRIMARY KEY (name),
  UNIQUE KEY nodes_identity (identity)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
