-- Spam filters: patterns that texts of users are compared with. A filter that is removed is deleted: the audit has it.
-- duration_s is NULL for actions that do not last. hit_ms is the moment of the last hit.

CREATE TABLE filters (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    pattern    TEXT    NOT NULL,
    kind       TEXT    NOT NULL CHECK (kind IN ('glob', 'regex')),
    action     TEXT    NOT NULL CHECK (action IN ('refuse', 'mute', 'kick', 'ban')),
    reason     TEXT    NOT NULL DEFAULT '',
    duration_s INTEGER CHECK (duration_s > 0),
    created_by TEXT    NOT NULL,
    created_ms INTEGER NOT NULL,
    hits       INTEGER NOT NULL DEFAULT 0,
    hit_ms     INTEGER,
    UNIQUE (kind, pattern),
    CHECK ((duration_s IS NOT NULL) = (action IN ('mute', 'ban')))
) STRICT;

-- The log of changes names this table too. SQLite changes no CHECK, so the log is made anew, and its ids go on.
CREATE TABLE new_changes (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    tbl    TEXT    NOT NULL CHECK (tbl IN ('accounts', 'bans', 'channels', 'filters')),
    row_id INTEGER NOT NULL,
    origin TEXT    NOT NULL
) STRICT;

INSERT INTO new_changes (id, tbl, row_id, origin) SELECT id, tbl, row_id, origin FROM changes;
DELETE FROM sqlite_sequence WHERE name = 'new_changes';
INSERT INTO sqlite_sequence (name, seq) SELECT 'new_changes', seq FROM sqlite_sequence WHERE name = 'changes';
DROP TABLE changes;
ALTER TABLE new_changes RENAME TO changes;
