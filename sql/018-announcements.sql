-- What who waits in a queue is told again and again: so often, in milliseconds (0: never), and this text.
ALTER TABLE queues
  ADD COLUMN announce_interval INT UNSIGNED NOT NULL DEFAULT 0,
  ADD COLUMN announce_text VARCHAR(1024) NOT NULL DEFAULT '';
