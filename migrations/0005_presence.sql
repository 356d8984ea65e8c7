-- Where in the history an account came and went, so that what was said meanwhile can be shown to it.
-- channel is a casefolded name, or empty for the server itself: direct messages wait for that.
-- An account is there while joined_number is the larger one.

CREATE TABLE presence (
    account_id    INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    channel       TEXT    NOT NULL,
    joined_number INTEGER NOT NULL DEFAULT 0,
    left_number   INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, channel)
) STRICT, WITHOUT ROWID;
