-- The lockdown in force, so that a restart does not let in those whom it keeps out. No row means that there is none.
-- No changes rows: only the daemon sets it. The row that has run out stays, because the clock may be wrong.

CREATE TABLE lockdown (
    only_row BIGINT PRIMARY KEY CHECK (only_row = 1),
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('accounts-only', 'on')),
    until_ms BIGINT,
    set_by TEXT COLLATE "C" NOT NULL,
    set_ms BIGINT NOT NULL
);
