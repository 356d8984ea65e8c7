-- Where in the history an account came and went, so that what was said meanwhile can be shown to it.
-- channel is a casefolded name, or empty for the server itself: direct messages wait for that.
-- left_number is NULL for an account that never left: it has missed nothing, or has never been there before.

CREATE TABLE presence (
    account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    channel TEXT COLLATE "C" NOT NULL,
    is_present BIGINT NOT NULL CHECK (is_present IN (0, 1)),
    left_number BIGINT,
    PRIMARY KEY (account_id, channel)
);
