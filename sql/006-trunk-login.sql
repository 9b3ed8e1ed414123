-- A caller who dials a number that is unknown, or another customer's: Kamailio asks whether it is a trunk at all, by its
-- address or by its user name.
ALTER TABLE trunk_addresses ADD KEY trunk_addresses_source (first_address, last_address);
ALTER TABLE trunk_accounts ADD KEY trunk_accounts_login (username);
