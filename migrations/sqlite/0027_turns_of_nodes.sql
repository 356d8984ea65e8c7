-- What the last turn has changed that changed who is there and where, and that has stored anything.
-- Only nodes of a cluster write it, and their database is a server; the table is here because both engines have the same.
--
-- after_id: the last message id of the turn before. records: as in the stream, each message by its id alone.

CREATE TABLE kept_turn (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    after_id INTEGER NOT NULL,
    home     TEXT    NOT NULL,
    records  BLOB    NOT NULL
) STRICT;
