-- How often the password was replaced: a session that has logged in with an earlier one must not stay.

ALTER TABLE accounts ADD COLUMN password_changes BIGINT NOT NULL DEFAULT 0;
