-- Invites: tokens with which their holders register accounts. token_hash is the SHA-256 of the token's secret, as 64
-- hexadecimal digits: nobody can make a token out of the database. uses: how many accounts it is for; used: how many
-- were made. channel is empty, or the channel that lets these accounts in. No changes rows: no daemon has them in memory.

CREATE TABLE invites (
    id BIGINT PRIMARY KEY DEFAULT next_id('invites'),
    token_hash TEXT COLLATE "C" NOT NULL CHECK (length(token_hash) = 64),
    uses BIGINT NOT NULL CHECK (uses > 0),
    used BIGINT NOT NULL DEFAULT 0 CHECK (used BETWEEN 0 AND uses),
    channel TEXT COLLATE "C" NOT NULL DEFAULT '',
    created_by TEXT COLLATE "C" NOT NULL,
    created_ms BIGINT NOT NULL,
    until_ms BIGINT NOT NULL,
    used_ms BIGINT
);
