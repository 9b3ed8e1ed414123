-- An extension that may call the world by its customer's trunks. Kamailio reads its own table; none may unless it is said:
-- toll fraud begins with one guessed password.
ALTER TABLE extensions ADD COLUMN outbound TINYINT UNSIGNED NOT NULL DEFAULT 0;
ALTER TABLE subscriber ADD COLUMN outbound TINYINT UNSIGNED NOT NULL DEFAULT 0;
