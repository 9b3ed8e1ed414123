-- Where callers wait for agents. Times are in milliseconds, `priority_seconds` says what one point of priority is worth.
-- `agent_ids` and `skill_steps` are JSON. The counters are of all its life; `in_level` counts what was answered, or given
-- up, within `service_level`. `last_agent_id` was offered a caller last (round_robin).
CREATE TABLE queues (
  id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  customer_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name VARCHAR(255) NOT NULL,
  detail VARCHAR(1024) NOT NULL,
  routing_method VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  agent_ids TEXT NOT NULL,
  skill_steps TEXT NOT NULL,
  wait_flow_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  wait_timeout INT UNSIGNED NOT NULL,
  service_timeout INT UNSIGNED NOT NULL,
  ring_timeout INT UNSIGNED NOT NULL,
  wrap_up INT UNSIGNED NOT NULL,
  max_waiting INT UNSIGNED NOT NULL,
  join_empty TINYINT UNSIGNED NOT NULL DEFAULT 0,
  leave_when_empty TINYINT UNSIGNED NOT NULL DEFAULT 0,
  max_misses INT UNSIGNED NOT NULL,
  no_answer_delay INT UNSIGNED NOT NULL,
  reject_delay INT UNSIGNED NOT NULL,
  busy_delay INT UNSIGNED NOT NULL,
  priority_seconds INT UNSIGNED NOT NULL,
  service_level INT UNSIGNED NOT NULL,
  recording VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  whisper VARCHAR(1024) NOT NULL,
  on_timeout_flow_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  on_empty_flow_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  on_full_flow_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  last_agent_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  total_incoming_count INT UNSIGNED NOT NULL,
  total_serviced_count INT UNSIGNED NOT NULL,
  total_abandoned_count INT UNSIGNED NOT NULL,
  serviced_in_level_count INT UNSIGNED NOT NULL,
  abandoned_in_level_count INT UNSIGNED NOT NULL,
  tm_create DATETIME(6) NOT NULL,
  tm_update DATETIME(6) NULL,
  PRIMARY KEY (id),
  KEY queues_newest (customer_id, tm_create, id),
  CONSTRAINT queues_customer FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE ON UPDATE NO ACTION,
  CONSTRAINT queues_wait_flow FOREIGN KEY (wait_flow_id) REFERENCES flows (id) ON DELETE SET NULL ON UPDATE NO ACTION,
  CONSTRAINT queues_on_timeout FOREIGN KEY (on_timeout_flow_id) REFERENCES flows (id) ON DELETE SET NULL ON UPDATE NO ACTION,
  CONSTRAINT queues_on_empty FOREIGN KEY (on_empty_flow_id) REFERENCES flows (id) ON DELETE SET NULL ON UPDATE NO ACTION,
  CONSTRAINT queues_on_full FOREIGN KEY (on_full_flow_id) REFERENCES flows (id) ON DELETE SET NULL ON UPDATE NO ACTION
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- Which tags an agent needs to serve a queue, and how good it has to be at each.
CREATE TABLE queue_tags (
  queue_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  tag_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  level INT UNSIGNED NOT NULL,
  PRIMARY KEY (queue_id, tag_id),
  KEY queue_tags_tag (tag_id),
  CONSTRAINT queue_tags_queue FOREIGN KEY (queue_id) REFERENCES queues (id) ON DELETE CASCADE ON UPDATE NO ACTION,
  CONSTRAINT queue_tags_tag FOREIGN KEY (tag_id) REFERENCES tags (id) ON DELETE CASCADE ON UPDATE NO ACTION
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- One caller in a queue, from the first moment to the end; it outlives its queue. `tm_rank` is when they came, less what
-- their priority is worth: who has the earliest is next. `skills` is JSON, as tags with levels. Durations are in milliseconds.
CREATE TABLE queuecalls (
  id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  customer_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  queue_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  activeflow_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  reference_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  node VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  status VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  end_reason VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  service_agent_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  priority INT NOT NULL,
  skills TEXT NOT NULL,
  offers INT UNSIGNED NOT NULL,
  duration_waiting INT UNSIGNED NOT NULL,
  duration_service INT UNSIGNED NOT NULL,
  tm_enter DATETIME(6) NOT NULL,
  tm_rank DATETIME(6) NOT NULL,
  tm_service DATETIME(6) NULL,
  tm_end DATETIME(6) NULL,
  tm_create DATETIME(6) NOT NULL,
  tm_update DATETIME(6) NULL,
  PRIMARY KEY (id),
  KEY queuecalls_newest (customer_id, tm_create, id),
  KEY queuecalls_rank (queue_id, status, tm_rank, id),
  KEY queuecalls_ended (queue_id, tm_end),
  KEY queuecalls_reference (reference_id),
  KEY queuecalls_live (node, tm_end),
  KEY queuecalls_old (tm_end),
  CONSTRAINT queuecalls_customer FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE ON UPDATE NO ACTION
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- That a caller was offered to an agent, and what became of it ('' while it rings). `ringing_agent_id` is the agent while it
-- rings: nobody is offered two callers at once.
CREATE TABLE queue_offers (
  id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  queuecall_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  agent_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  ringing_agent_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  number INT UNSIGNED NOT NULL,
  result VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  tm_create DATETIME(6) NOT NULL,
  tm_end DATETIME(6) NULL,
  PRIMARY KEY (id),
  UNIQUE KEY queue_offers_ringing (ringing_agent_id),
  KEY queue_offers_call (queuecall_id, tm_create),
  KEY queue_offers_agent (agent_id, tm_create),
  CONSTRAINT queue_offers_owner FOREIGN KEY (queuecall_id) REFERENCES queuecalls (id) ON DELETE CASCADE ON UPDATE NO ACTION
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- What calls make of an agent. `queuecall_id`: the caller that it is offered or serves. `tm_idle`: since when it has had
-- nothing to do. `next_status`: what a person said meanwhile it is to be afterwards ('' is available). `missed`: offers in a
-- row that it did not answer. `tm_wrap_up`: until when it is busy after a call.
ALTER TABLE agents
  ADD COLUMN queuecall_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  ADD COLUMN next_status VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  ADD COLUMN next_reason VARCHAR(255) NOT NULL DEFAULT '',
  ADD COLUMN missed INT UNSIGNED NOT NULL DEFAULT 0,
  ADD COLUMN serviced INT UNSIGNED NOT NULL DEFAULT 0,
  ADD COLUMN tm_idle DATETIME(6) NOT NULL DEFAULT '2000-01-01 00:00:00.000000',
  ADD COLUMN tm_wrap_up DATETIME(6) NULL,
  ADD KEY agents_queuecall (queuecall_id),
  ADD KEY agents_wrap_up (tm_wrap_up);

-- The calls of agents that no queue has brought them, by the channel of their device: `aor` is that of the extension.
CREATE TABLE agent_calls (
  node VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  channel_id VARCHAR(96) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  agent_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  aor VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  tm_create DATETIME(6) NOT NULL,
  PRIMARY KEY (node, channel_id, agent_id),
  KEY agent_calls_agent (agent_id),
  CONSTRAINT agent_calls_owner FOREIGN KEY (agent_id) REFERENCES agents (id) ON DELETE CASCADE ON UPDATE NO ACTION
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
