-- The log of changes names the table hooks too. SQLite changes no CHECK, so the log is made anew, and its ids go on.
CREATE TABLE new_changes (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    tbl    TEXT    NOT NULL CHECK (tbl IN ('accounts', 'bans', 'channels', 'filters', 'hooks')),
    row_id INTEGER NOT NULL,
    origin TEXT    NOT NULL
) STRICT;

INSERT INTO new_changes (id, tbl, row_id, origin) SELECT id, tbl, row_id, origin FROM changes;
DELETE FROM sqlite_sequence WHERE name = 'new_changes';
INSERT INTO sqlite_sequence (name, seq) SELECT 'new_changes', seq FROM sqlite_sequence WHERE name = 'changes';
DROP TABLE changes;
ALTER TABLE new_changes RENAME TO changes;

-- Hooks: outgoing ones have what is said in a channel sent to a URL, incoming ones let a program say something there.
-- secret signs what an outgoing hook sends, so it is kept as it is; token_hash is as in invites. events: words with
-- spaces between them. last_number: the number of its newest event; done: how many were delivered, or said;
-- failing_since_ms is NULL while deliveries succeed.

CREATE TABLE hooks (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    direction        TEXT    NOT NULL CHECK (direction IN ('out', 'in')),
    channel          TEXT    NOT NULL,
    folded           TEXT    NOT NULL,
    name             TEXT    NOT NULL DEFAULT '',
    url              TEXT    NOT NULL DEFAULT '',
    secret           TEXT    NOT NULL DEFAULT '',
    token_hash       TEXT    NOT NULL DEFAULT '',
    events           TEXT    NOT NULL DEFAULT '',
    prefix           TEXT    NOT NULL DEFAULT '',
    mention          TEXT    NOT NULL DEFAULT '',
    hears_hooks      INTEGER NOT NULL DEFAULT 0 CHECK (hears_hooks IN (0, 1)),
    paused           INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
    created_by       TEXT    NOT NULL,
    created_ms       INTEGER NOT NULL,
    last_number      INTEGER NOT NULL DEFAULT 0,
    done             INTEGER NOT NULL DEFAULT 0,
    dropped          INTEGER NOT NULL DEFAULT 0,
    done_ms          INTEGER,
    failing_since_ms INTEGER,
    failure          TEXT    NOT NULL DEFAULT '',
    CHECK ((direction = 'out') = (url <> '')),
    CHECK ((direction = 'out') = (secret <> '')),
    CHECK ((direction = 'in') = (length(token_hash) = 64))
) STRICT;

CREATE INDEX hooks_by_channel ON hooks (folded);

-- What waits to be delivered, oldest first. The numbers of a hook go up by one, so a gap is an event that was dropped.
CREATE TABLE hook_events (
    hook_id    INTEGER NOT NULL REFERENCES hooks (id) ON DELETE CASCADE,
    number     INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    time_ms    INTEGER NOT NULL,
    kind       TEXT    NOT NULL,
    nick       TEXT    NOT NULL,
    account    TEXT    NOT NULL,
    text       TEXT    NOT NULL,
    refusals   INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (hook_id, number)
) STRICT, WITHOUT ROWID;

-- For messages that are deleted from the history: they are not delivered.
CREATE INDEX hook_events_by_message ON hook_events (message_id);
