-- Up to which message an account has cleared the playback of a conversation (CLEAR of *playback). The history itself
-- stays. target is the casefolded name of a channel or a user, and follows a RENAME.

CREATE TABLE cleared_playback (
    account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    target TEXT COLLATE "C" NOT NULL,
    message_id BIGINT NOT NULL,
    PRIMARY KEY (account_id, target)
);

CREATE INDEX cleared_playback_by_target ON cleared_playback (target);
