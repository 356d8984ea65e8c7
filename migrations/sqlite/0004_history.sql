-- What was said. A message's id is the number that it was given when it was said: at least its time_ms * 1024, and more
-- than that of all before it, so that ids are in the order in which people read them, and never come again.
--
-- What is written while people wait is one row of messages and nothing else. places and message_words are filled in the
-- background, up to the id that history_state calls indexed; whoever reads looks through the rows behind it as well.

CREATE TABLE conversations (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    name     TEXT,
    folded   TEXT,
    low_id   INTEGER,
    high_id  INTEGER,
    ended_ms INTEGER,
    CHECK (CASE WHEN name IS NULL
        THEN folded IS NULL AND low_id <= high_id AND ended_ms IS NULL
        ELSE folded IS NOT NULL AND low_id IS NULL AND high_id IS NULL END)
) STRICT;

-- A channel (name, folded) that is no more has ended_ms; a later one of its name is another conversation. A pair of
-- accounts (low_id, high_id) never ends. The ids stay when an account is deleted, hence no REFERENCES.
CREATE UNIQUE INDEX conversations_by_channel ON conversations (folded) WHERE name IS NOT NULL AND ended_ms IS NULL;
CREATE UNIQUE INDEX conversations_by_pair ON conversations (low_id, high_id) WHERE name IS NULL;
CREATE INDEX conversations_by_high ON conversations (high_id) WHERE name IS NULL;

CREATE TABLE messages (
    id              INTEGER PRIMARY KEY CHECK (id >= time_ms * 1024),
    conversation_id INTEGER NOT NULL,
    time_ms         INTEGER NOT NULL,
    kind            INTEGER NOT NULL,
    flags           INTEGER NOT NULL,
    source          TEXT    NOT NULL,
    account_id      INTEGER,
    account         TEXT    NOT NULL,
    target          TEXT    NOT NULL,
    body            TEXT    NOT NULL,
    client_tags     TEXT    NOT NULL
) STRICT;

-- Where in its conversation a message is. event: whether it is anything but a message or a notice.
CREATE TABLE places (
    conversation_id INTEGER NOT NULL,
    event           INTEGER NOT NULL,
    message_id      INTEGER NOT NULL,
    time_ms         INTEGER NOT NULL,
    PRIMARY KEY (conversation_id, event, message_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX places_by_time ON places (conversation_id, event, time_ms);

-- Which messages and notices a word is in. It has no text of its own; merging is done in the background, in steps.
CREATE VIRTUAL TABLE message_words USING fts5 (
    body, content = '', columnsize = 0, tokenize = "unicode61 remove_diacritics 2"
);

INSERT INTO message_words (message_words, rank) VALUES ('automerge', 0), ('crisismerge', 1000);

-- indexed: the last message that places and message_words know. highest: the highest id that was ever deleted.
-- scrub: how much was deleted that may still stand in message_words or the write-ahead log.
-- skew: by how many milliseconds at most an id is ahead of its time_ms, up to indexed; 0 unless a clock was set back.
CREATE TABLE history_state (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO history_state (name, value) VALUES ('indexed', 0), ('highest', 0), ('scrub', 0), ('skew', 0);
