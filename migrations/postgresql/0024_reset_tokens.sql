-- Tokens with which an account gets a new password once, made by an admin. token_hash is as in invites. An account has one
-- at most, and none after its password was replaced in any way. No changes rows: no daemon has them in memory.

CREATE TABLE reset_tokens (
    account_id BIGINT PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    token_hash TEXT COLLATE "C" NOT NULL CHECK (length(token_hash) = 64),
    created_by TEXT COLLATE "C" NOT NULL,
    created_ms BIGINT NOT NULL,
    until_ms BIGINT NOT NULL
);
