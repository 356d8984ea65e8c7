-- How far an account has read (IRCv3 read-marker), and the metadata of accounts and channels (IRCv3 metadata).
-- A target is a channel's or a person's name, casefolded. No changes rows: nobody but the daemon writes these.

CREATE TABLE read_markers (
    account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    target     TEXT    NOT NULL,
    read_ms    INTEGER NOT NULL,
    PRIMARY KEY (account_id, target)
) STRICT, WITHOUT ROWID;

CREATE TABLE account_metadata (
    account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    key        TEXT    NOT NULL,
    value      TEXT    NOT NULL,
    PRIMARY KEY (account_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE channel_metadata (
    channel_id INTEGER NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    key        TEXT    NOT NULL,
    value      TEXT    NOT NULL,
    PRIMARY KEY (channel_id, key)
) STRICT, WITHOUT ROWID;
