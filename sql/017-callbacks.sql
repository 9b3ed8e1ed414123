-- Callers whom the queue calls back when it is their turn. Of a queue: the key that asks for it ('': none), how often they are
-- called at most, and the times in milliseconds before the first call and between two. `callback_text` is said when it is
-- promised, `callback_prompt` to whoever answers, who confirms with the same key.
ALTER TABLE queues
  ADD COLUMN callback_key VARCHAR(1) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  ADD COLUMN callback_attempts INT UNSIGNED NOT NULL DEFAULT 3,
  ADD COLUMN callback_delay INT UNSIGNED NOT NULL DEFAULT 10000,
  ADD COLUMN callback_retry_delay INT UNSIGNED NOT NULL DEFAULT 300000,
  ADD COLUMN callback_text VARCHAR(1024) NOT NULL DEFAULT '',
  ADD COLUMN callback_prompt VARCHAR(1024) NOT NULL DEFAULT '';

-- `callback` is JSON: where they are called, and how often they were. It is NULL where the caller is on the line. While nobody
-- calls them `node` is ''; they are not called before `tm_callback`.
ALTER TABLE queuecalls
  ADD COLUMN callback TEXT NULL,
  ADD COLUMN tm_callback DATETIME(6) NULL,
  ADD KEY queuecalls_agent (service_agent_id, tm_create);
