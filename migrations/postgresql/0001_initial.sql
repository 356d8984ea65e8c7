-- Accounts, bans, audit, channels, and the log of changes that a running daemon follows.
--
-- These are the tables of migrations/sqlite, with the same numbers. An INTEGER there is a BIGINT here, truth values too
-- (0 or 1): so the same SQL and the same values serve both. Text has the collation "C" in every column: it is sorted by
-- its code points, and lower() changes A to Z and nothing else, which is how names are compared (CASEMAPPING=ascii).
-- Moments (…_ms) are Unix milliseconds, UTC.

-- The highest id that was ever given to a row of a table. PostgreSQL's own sequences do not take part in transactions:
-- they leave gaps, and tell of ids whose rows are not committed. An id in the audit or in a message must never come to
-- mean somebody else, so no id comes again.
CREATE TABLE given_ids (
    name TEXT COLLATE "C" PRIMARY KEY,
    highest BIGINT NOT NULL
);

CREATE FUNCTION next_id(wanted TEXT) RETURNS BIGINT LANGUAGE sql VOLATILE AS $$
    INSERT INTO given_ids (name, highest) VALUES (wanted, 1)
        ON CONFLICT (name) DO UPDATE SET highest = given_ids.highest + 1 RETURNING highest
$$;

CREATE TABLE migrations (
    number BIGINT PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    applied_ms BIGINT NOT NULL
);

-- It tells our tables from those of another program.
COMMENT ON TABLE migrations IS 'chatroom';

CREATE TABLE accounts (
    id BIGINT PRIMARY KEY DEFAULT next_id('accounts'),
    name TEXT COLLATE "C" NOT NULL,
    folded TEXT COLLATE "C" NOT NULL UNIQUE,
    role TEXT COLLATE "C" NOT NULL CHECK (role IN ('user', 'moderator', 'admin')),
    disabled BIGINT NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
    created_ms BIGINT NOT NULL,
    last_login_ms BIGINT
);

CREATE TABLE credentials (
    account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    kind TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account_id, kind)
);

-- A ban is never deleted: it is lifted, or runs out. A name ban has folded; an address ban has version, network
-- (the first address, packed, network byte order) and prefix.
CREATE TABLE bans (
    id BIGINT PRIMARY KEY DEFAULT next_id('bans'),
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('name', 'ip')),
    target TEXT COLLATE "C" NOT NULL,
    folded TEXT COLLATE "C",
    version BIGINT,
    network BYTEA,
    prefix BIGINT,
    reason TEXT COLLATE "C" NOT NULL DEFAULT '',
    created_by TEXT COLLATE "C" NOT NULL,
    created_ms BIGINT NOT NULL,
    until_ms BIGINT,
    lifted_ms BIGINT,
    lifted_by TEXT COLLATE "C",
    CHECK ((lifted_ms IS NULL) = (lifted_by IS NULL)),
    CHECK (CASE kind
        WHEN 'name' THEN folded IS NOT NULL AND version IS NULL AND network IS NULL AND prefix IS NULL
        ELSE folded IS NULL AND network IS NOT NULL AND prefix IS NOT NULL AND CASE version
            WHEN 4 THEN length(network) = 4 AND prefix BETWEEN 0 AND 32
            WHEN 6 THEN length(network) = 16 AND prefix BETWEEN 0 AND 128
            ELSE false END
        END)
);

-- Not UNIQUE: a ban that ran out is not lifted, and must not stand in the way of the next one.
CREATE INDEX bans_not_lifted ON bans (kind, folded, network, prefix) WHERE lifted_ms IS NULL;

CREATE TABLE audit (
    id BIGINT PRIMARY KEY DEFAULT next_id('audit'),
    at_ms BIGINT NOT NULL,
    actor TEXT COLLATE "C" NOT NULL,
    origin TEXT COLLATE "C" NOT NULL,
    action TEXT COLLATE "C" NOT NULL,
    target TEXT COLLATE "C" NOT NULL,
    detail TEXT COLLATE "C" NOT NULL DEFAULT ''
);

CREATE INDEX audit_by_actor ON audit (lower(actor));
CREATE INDEX audit_by_target ON audit (lower(target));
CREATE INDEX audit_by_moment ON audit (at_ms);

CREATE TABLE channels (
    id BIGINT PRIMARY KEY DEFAULT next_id('channels'),
    name TEXT COLLATE "C" NOT NULL,
    folded TEXT COLLATE "C" NOT NULL UNIQUE,
    founder_id BIGINT REFERENCES accounts (id) ON DELETE SET NULL,
    created_ms BIGINT NOT NULL,
    flags TEXT COLLATE "C" NOT NULL DEFAULT '',
    key TEXT COLLATE "C",
    member_limit BIGINT CHECK (member_limit > 0),
    topic TEXT COLLATE "C" NOT NULL DEFAULT '',
    topic_by TEXT COLLATE "C" NOT NULL DEFAULT '',
    topic_ms BIGINT
);

CREATE INDEX channels_by_founder ON channels (founder_id);

-- Ban (b), exception (e) and invite-exception (I) masks, in the order in which they are listed.
CREATE TABLE channel_lists (
    channel_id BIGINT NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    mode TEXT COLLATE "C" NOT NULL CHECK (mode IN ('b', 'e', 'I')),
    mask TEXT COLLATE "C" NOT NULL,
    set_by TEXT COLLATE "C" NOT NULL,
    set_ms BIGINT NOT NULL,
    PRIMARY KEY (channel_id, position)
);

CREATE TABLE channel_access (
    channel_id BIGINT NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    level TEXT COLLATE "C" NOT NULL CHECK (level IN ('founder', 'o', 'v')),
    PRIMARY KEY (channel_id, account_id)
);

CREATE INDEX channel_access_by_account ON channel_access (account_id);

-- One row for each account, ban or channel that a transaction touched, written in that transaction. A notification says
-- when to look here; origin tells a daemon its own changes from others'.
CREATE TABLE changes (
    id BIGINT PRIMARY KEY DEFAULT next_id('changes'),
    tbl TEXT COLLATE "C" NOT NULL CHECK (tbl IN ('accounts', 'bans', 'channels')),
    row_id BIGINT NOT NULL,
    origin TEXT COLLATE "C" NOT NULL
);

-- Random bytes that the server needs to be the same after a restart, such as the one that hosts are hidden by.
CREATE TABLE server_keys (
    name TEXT COLLATE "C" PRIMARY KEY,
    value BYTEA NOT NULL
);
