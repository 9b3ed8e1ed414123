-- How much a customer may do: calls at once, and how many it may begin in a second.
ALTER TABLE customers
  ADD COLUMN max_calls INT UNSIGNED NOT NULL DEFAULT 200,
  ADD COLUMN calls_per_second INT UNSIGNED NOT NULL DEFAULT 20;
