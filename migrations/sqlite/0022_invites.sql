-- Invites: tokens with which their holders register accounts. token_hash is the SHA-256 of the token's secret, as 64
-- hexadecimal digits: nobody can make a token out of the database. uses: how many accounts it is for; used: how many
-- were made. channel is empty, or the channel that lets these accounts in. No changes rows: no daemon has them in memory.

CREATE TABLE invites (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    token_hash TEXT    NOT NULL CHECK (length(token_hash) = 64),
    uses       INTEGER NOT NULL CHECK (uses > 0),
    used       INTEGER NOT NULL DEFAULT 0 CHECK (used BETWEEN 0 AND uses),
    channel    TEXT    NOT NULL DEFAULT '',
    created_by TEXT    NOT NULL,
    created_ms INTEGER NOT NULL,
    until_ms   INTEGER NOT NULL,
    used_ms    INTEGER
) STRICT;
