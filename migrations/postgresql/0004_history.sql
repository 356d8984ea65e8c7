-- What was said. A message's id is the number that it was given when it was said: at least its time_ms * 1024, and more
-- than that of all before it, so that ids are in the order in which people read them, and never come again.
--
-- What is written while people wait is one row of messages and nothing else. places and message_words are filled in the
-- background, up to the id that history_state calls indexed; whoever reads looks through the rows behind it as well.

CREATE TABLE conversations (
    id BIGINT PRIMARY KEY DEFAULT next_id('conversations'),
    name TEXT COLLATE "C",
    folded TEXT COLLATE "C",
    low_id BIGINT,
    high_id BIGINT,
    ended_ms BIGINT,
    CHECK (CASE WHEN name IS NULL
        THEN folded IS NULL AND low_id <= high_id AND ended_ms IS NULL
        ELSE folded IS NOT NULL AND low_id IS NULL AND high_id IS NULL END)
);

-- A channel (name, folded) that is no more has ended_ms; a later one of its name is another conversation. A pair of
-- accounts (low_id, high_id) never ends. The ids stay when an account is deleted, hence no REFERENCES.
CREATE UNIQUE INDEX conversations_by_channel ON conversations (folded) WHERE name IS NOT NULL AND ended_ms IS NULL;
CREATE UNIQUE INDEX conversations_by_pair ON conversations (low_id, high_id) WHERE name IS NULL;
CREATE INDEX conversations_by_high ON conversations (high_id) WHERE name IS NULL;

CREATE TABLE messages (
    id BIGINT PRIMARY KEY CHECK (id >= time_ms * 1024),
    conversation_id BIGINT NOT NULL,
    time_ms BIGINT NOT NULL,
    kind BIGINT NOT NULL,
    flags BIGINT NOT NULL,
    source TEXT COLLATE "C" NOT NULL,
    account_id BIGINT,
    account TEXT COLLATE "C" NOT NULL,
    target TEXT COLLATE "C" NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    client_tags TEXT COLLATE "C" NOT NULL
);

-- Where in its conversation a message is. event: whether it is anything but a message or a notice.
CREATE TABLE places (
    conversation_id BIGINT NOT NULL,
    event BIGINT NOT NULL,
    message_id BIGINT NOT NULL,
    time_ms BIGINT NOT NULL,
    PRIMARY KEY (conversation_id, event, message_id)
);

CREATE INDEX places_by_time ON places (conversation_id, event, time_ms, message_id);

-- Which messages and notices a word is in. chatroom makes the words itself, so that both engines find the same ones.
CREATE TABLE message_words (
    message_id BIGINT PRIMARY KEY,
    words TSVECTOR NOT NULL
);

CREATE INDEX message_words_by_word ON message_words USING gin (words);

-- indexed: the last message that places and message_words know. highest: the highest id that was ever deleted.
-- scrub: how much was deleted that may still stand in pages of message_words that are not in use.
-- skew: by how many milliseconds at most an id is ahead of its time_ms, up to indexed; 0 unless a clock was set back.
CREATE TABLE history_state (
    name TEXT COLLATE "C" PRIMARY KEY,
    value BIGINT NOT NULL
);

INSERT INTO history_state (name, value) VALUES ('indexed', 0), ('highest', 0), ('scrub', 0), ('skew', 0);
