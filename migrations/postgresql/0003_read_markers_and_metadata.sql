-- How far an account has read (IRCv3 read-marker), and the metadata of accounts and channels (IRCv3 metadata).
-- A target is a channel's or a person's name, casefolded. No changes rows: nobody but the daemon writes these.

CREATE TABLE read_markers (
    account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    target TEXT COLLATE "C" NOT NULL,
    read_ms BIGINT NOT NULL,
    PRIMARY KEY (account_id, target)
);

CREATE TABLE account_metadata (
    account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    key TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account_id, key)
);

CREATE TABLE channel_metadata (
    channel_id BIGINT NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    key TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (channel_id, key)
);
