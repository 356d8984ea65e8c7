-- Channels whose new name stands in one half of the database only: in the history, or in all other tables. The writer of
-- the history and the worker of the stores each give a name in a transaction of its own. The first one leaves a note here,
-- and the second one removes it. What a daemon that was killed has left, the next start completes.
--
-- number: the order of the notes. balance: how much more often the name was given in the history than in the other tables.

CREATE TABLE rename_notes (
    folded TEXT COLLATE "C" NOT NULL,
    new_name TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,
    balance BIGINT NOT NULL,
    PRIMARY KEY (folded, new_name)
);
