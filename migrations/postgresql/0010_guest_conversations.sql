-- The direct messages between an account (low_id) and a guest's nick, kept for the account; high_id is NULL. The nick is
-- as it was first written. A guest has no identity beside the nick, so nobody reads them by having the nick later.

ALTER TABLE conversations ADD COLUMN guest TEXT COLLATE "C";

CREATE UNIQUE INDEX conversations_by_guest ON conversations (low_id, lower(guest)) WHERE guest IS NOT NULL;
