-- AIs that callers talk with. `sealed_engine_key` is encrypted (HASHDIAL_SECRET_KEYS), '' where there is none. `parameter`,
-- `vad_config`, `silence_prompts`, `tool_names`, `variable_names`, `stored_tools`, `destinations`, `fallback_ai_ids` and `budget` are JSON. Times are
-- in milliseconds.
CREATE TABLE ais (
  id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  customer_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name VARCHAR(255) NOT NULL,
  detail VARCHAR(1024) NOT NULL,
  mode VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  engine_type VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  engine_model VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  engine_url VARCHAR(2048) NOT NULL,
  sealed_engine_key TEXT CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  init_prompt MEDIUMTEXT NOT NULL,
  parameter MEDIUMTEXT NOT NULL,
  tts_type VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  tts_voice_id VARCHAR(255) NOT NULL,
  stt_type VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  stt_language VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  vad_config TEXT NOT NULL,
  tool_names TEXT NOT NULL,
  variable_names TEXT NOT NULL,
  stored_tools MEDIUMTEXT NOT NULL,
  destinations TEXT NOT NULL,
  fallback_ai_ids TEXT NOT NULL,
  budget TEXT NOT NULL,
  max_duration INT UNSIGNED NOT NULL,
  greeting VARCHAR(1024) NOT NULL,
  silence_prompts TEXT NOT NULL,
  `sensitive` TINYINT UNSIGNED NOT NULL DEFAULT 0,
  tm_create DATETIME(6) NOT NULL,
  tm_update DATETIME(6) NULL,
  PRIMARY KEY (id),
  KEY ais_newest (customer_id, tm_create, id),
  CONSTRAINT ais_customer FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE ON UPDATE NO ACTION
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- AIs that hand a caller over to each other. `members` is JSON, with the transitions of each; so is `parameter`.
CREATE TABLE teams (
  id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  customer_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name VARCHAR(255) NOT NULL,
  detail VARCHAR(1024) NOT NULL,
  start_member_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  members MEDIUMTEXT NOT NULL,
  parameter MEDIUMTEXT NOT NULL,
  tm_create DATETIME(6) NOT NULL,
  tm_update DATETIME(6) NULL,
  PRIMARY KEY (id),
  KEY teams_newest (customer_id, tm_create, id),
  CONSTRAINT teams_customer FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE ON UPDATE NO ACTION
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- A conversation of a caller with an AI or a team, until it is `terminated`. `ai_id` is the AI that talks, `current_member_id`
-- the member of a team that it is; `variables` is JSON: what the AI has collected.
CREATE TABLE aicalls (
  id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  customer_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  assistance_type VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  assistance_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  ai_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  current_member_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  activeflow_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  reference_type VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  reference_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  node VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  status VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  end_reason VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  variables TEXT NOT NULL,
  summary TEXT NOT NULL,
  tm_end DATETIME(6) NULL,
  tm_create DATETIME(6) NOT NULL,
  tm_update DATETIME(6) NULL,
  PRIMARY KEY (id),
  KEY aicalls_newest (customer_id, tm_create, id),
  KEY aicalls_reference (reference_id),
  KEY aicalls_ai (ai_id, tm_create),
  KEY aicalls_live (node, tm_end),
  KEY aicalls_old (tm_end),
  CONSTRAINT aicalls_customer FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE ON UPDATE NO ACTION
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- What was said in one, in its order: `sequence` counts from 1. Of the AI `content` is what was heard of it. `tool_calls` and
-- `timing` are JSON; a message of the role `tool` has the result of the tool call with the id `tool_call_id`.
CREATE TABLE aimessages (
  id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  customer_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  aicall_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  sequence INT UNSIGNED NOT NULL,
  member_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  role VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  direction VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  content MEDIUMTEXT NOT NULL,
  interrupted TINYINT UNSIGNED NOT NULL DEFAULT 0,
  tool_calls TEXT NOT NULL,
  tool_call_id VARCHAR(255) NOT NULL,
  timing TEXT NOT NULL,
  tm_create DATETIME(6) NOT NULL,
  PRIMARY KEY (id),
  KEY aimessages_newest (customer_id, tm_create, id),
  KEY aimessages_aicall (aicall_id, sequence),
  CONSTRAINT aimessages_customer FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE ON UPDATE NO ACTION,
  CONSTRAINT aimessages_owner FOREIGN KEY (aicall_id) REFERENCES aicalls (id) ON DELETE CASCADE ON UPDATE NO ACTION
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
