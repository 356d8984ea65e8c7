-- In which turn of a cluster something was stored last: nodes write one thing by connections of their own, and none of
-- them may put an older state in the place of a newer one. Only nodes of a cluster write it, and their database is a
-- server; the table is here because both engines have the same.
--
-- thing: a kind, and for some kinds the id of an account. name: the casefolded name of a channel; empty if there is none.
-- A row stays when its thing is deleted, so that nothing late stores that again.

CREATE TABLE stored_turns (
    thing TEXT    NOT NULL,
    name  TEXT    NOT NULL,
    turn  INTEGER NOT NULL,
    PRIMARY KEY (thing, name)
) STRICT;

-- The turn in which the channel got its name; 0 for a lone daemon.
ALTER TABLE rename_notes ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;
