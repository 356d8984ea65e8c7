-- Accounts, bans, audit, channels, and the log of changes that a running daemon follows.
--
-- Moments (…_ms) are Unix milliseconds, UTC. Ids are AUTOINCREMENT: SQLite gives a plain rowid out again after a
-- deletion, and an id in the audit or in a message must never come to mean somebody else.
-- NOCASE folds A to Z and nothing else, which is how names are compared (CASEMAPPING=ascii).

CREATE TABLE migrations (
    number     INTEGER PRIMARY KEY,
    name       TEXT    NOT NULL,
    applied_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE accounts (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    name          TEXT    NOT NULL,
    folded        TEXT    NOT NULL UNIQUE,
    role          TEXT    NOT NULL CHECK (role IN ('user', 'moderator', 'admin')),
    disabled      INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
    created_ms    INTEGER NOT NULL,
    last_login_ms INTEGER
) STRICT;

CREATE TABLE credentials (
    account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    kind       TEXT    NOT NULL,
    value      TEXT    NOT NULL,
    PRIMARY KEY (account_id, kind)
) STRICT, WITHOUT ROWID;

-- A ban is never deleted: it is lifted, or runs out. A name ban has folded; an address ban has version, network
-- (the first address, packed, network byte order) and prefix.
CREATE TABLE bans (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    kind       TEXT    NOT NULL CHECK (kind IN ('name', 'ip')),
    target     TEXT    NOT NULL,
    folded     TEXT,
    version    INTEGER,
    network    BLOB,
    prefix     INTEGER,
    reason     TEXT    NOT NULL DEFAULT '',
    created_by TEXT    NOT NULL,
    created_ms INTEGER NOT NULL,
    until_ms   INTEGER,
    lifted_ms  INTEGER,
    lifted_by  TEXT,
    CHECK ((lifted_ms IS NULL) = (lifted_by IS NULL)),
    CHECK (CASE kind
        WHEN 'name' THEN folded IS NOT NULL AND version IS NULL AND network IS NULL AND prefix IS NULL
        ELSE folded IS NULL AND network IS NOT NULL AND prefix IS NOT NULL AND CASE version
            WHEN 4 THEN length(network) = 4 AND prefix BETWEEN 0 AND 32
            WHEN 6 THEN length(network) = 16 AND prefix BETWEEN 0 AND 128
            ELSE 0 END
        END)
) STRICT;

-- Not UNIQUE: a ban that ran out is not lifted, and must not stand in the way of the next one.
CREATE INDEX bans_not_lifted ON bans (kind, folded, network, prefix) WHERE lifted_ms IS NULL;

CREATE TABLE audit (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms  INTEGER NOT NULL,
    actor  TEXT    NOT NULL COLLATE NOCASE,
    origin TEXT    NOT NULL,
    action TEXT    NOT NULL,
    target TEXT    NOT NULL COLLATE NOCASE,
    detail TEXT    NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX audit_by_actor ON audit (actor);
CREATE INDEX audit_by_target ON audit (target);
CREATE INDEX audit_by_moment ON audit (at_ms);

CREATE TABLE channels (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    name         TEXT    NOT NULL,
    folded       TEXT    NOT NULL UNIQUE,
    founder_id   INTEGER REFERENCES accounts (id) ON DELETE SET NULL,
    created_ms   INTEGER NOT NULL,
    flags        TEXT    NOT NULL DEFAULT '',
    key          TEXT,
    member_limit INTEGER CHECK (member_limit > 0),
    topic        TEXT    NOT NULL DEFAULT '',
    topic_by     TEXT    NOT NULL DEFAULT '',
    topic_ms     INTEGER
) STRICT;

CREATE INDEX channels_by_founder ON channels (founder_id);

-- Ban (b), exception (e) and invite-exception (I) masks, in the order in which they are listed.
CREATE TABLE channel_lists (
    channel_id INTEGER NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    position   INTEGER NOT NULL,
    mode       TEXT    NOT NULL CHECK (mode IN ('b', 'e', 'I')),
    mask       TEXT    NOT NULL,
    set_by     TEXT    NOT NULL,
    set_ms     INTEGER NOT NULL,
    PRIMARY KEY (channel_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE channel_access (
    channel_id INTEGER NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    level      TEXT    NOT NULL CHECK (level IN ('founder', 'o', 'v')),
    PRIMARY KEY (channel_id, account_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX channel_access_by_account ON channel_access (account_id);

-- One row for each account, ban or channel that a transaction touched, written in that transaction. PRAGMA
-- data_version says when to look here; origin tells a daemon its own changes from others'.
CREATE TABLE changes (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    tbl    TEXT    NOT NULL CHECK (tbl IN ('accounts', 'bans', 'channels')),
    row_id INTEGER NOT NULL,
    origin TEXT    NOT NULL
) STRICT;

-- Random bytes that the server needs to be the same after a restart, such as the one that hosts are hidden by.
CREATE TABLE server_keys (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
