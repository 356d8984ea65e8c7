-- What the last turn has changed that changed who is there and where, and that has stored anything. It is committed with
-- the messages of the turn, so that the next node can tell both if this one dies before it has told them.
--
-- after_id: the last message id of the turn before. records: as in the stream, each message by its id alone.

CREATE TABLE kept_turn (
    only_row BIGINT PRIMARY KEY CHECK (only_row = 1),
    after_id BIGINT NOT NULL,
    home TEXT COLLATE "C" NOT NULL,
    records BYTEA NOT NULL
);
