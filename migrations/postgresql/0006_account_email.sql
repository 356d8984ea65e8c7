-- The mail address that a user gave at the registration of an account. Nothing is sent to it. NULL: none was given.
-- Only the operator reads it, so it is apart from what a running daemon has in memory.

ALTER TABLE accounts ADD COLUMN email TEXT COLLATE "C";
