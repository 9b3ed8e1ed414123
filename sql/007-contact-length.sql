-- A phone with push notifications (RFC 8599) has a Contact of many pn- parameters. Kamailio refuses more than 1500
-- characters.
ALTER TABLE registrations MODIFY contact VARCHAR(1500) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL;
