-- In which turn of a cluster something was stored last: nodes write one thing by connections of their own, and none of
-- them may put an older state in the place of a newer one.
--
-- thing: a kind, and for some kinds the id of an account. name: the casefolded name of a channel; empty if there is none.
-- A row stays when its thing is deleted, so that nothing late stores that again.

CREATE TABLE stored_turns (
    thing TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    turn BIGINT NOT NULL,
    PRIMARY KEY (thing, name)
);

-- The turn in which the channel got its name; 0 for a lone daemon.
ALTER TABLE rename_notes ADD COLUMN turn BIGINT NOT NULL DEFAULT 0;
