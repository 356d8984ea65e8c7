-- The names that accounts had before. What was said under one is still the account's, and an exported history that has
-- the name finds it. at_ms: when the account got another name.

CREATE TABLE former_names (
    account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    folded     TEXT    NOT NULL,
    at_ms      INTEGER NOT NULL,
    PRIMARY KEY (account_id, folded)
) STRICT, WITHOUT ROWID;

CREATE INDEX former_names_by_name ON former_names (folded);
