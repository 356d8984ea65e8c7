-- Requests: accounts that people want, and that wait for a moderator. A request that is decided is deleted: the audit has
-- it. origin is the address that it came from. No changes rows: a running daemon decides itself, also for the shell.

CREATE TABLE requests (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT    NOT NULL,
    folded     TEXT    NOT NULL UNIQUE,
    email      TEXT,
    origin     TEXT    NOT NULL,
    created_ms INTEGER NOT NULL
) STRICT;

-- The verifiers of the passwords that were chosen, as in credentials.
CREATE TABLE request_credentials (
    request_id INTEGER NOT NULL REFERENCES requests (id) ON DELETE CASCADE,
    kind       TEXT    NOT NULL,
    value      TEXT    NOT NULL,
    PRIMARY KEY (request_id, kind)
) STRICT, WITHOUT ROWID;
