-- The names that accounts had before. What was said under one is still the account's, and an exported history that has
-- the name finds it. at_ms: when the account got another name.

CREATE TABLE former_names (
    account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    folded TEXT COLLATE "C" NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (account_id, folded)
);

CREATE INDEX former_names_by_name ON former_names (folded);
