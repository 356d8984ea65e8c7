-- Spam filters: patterns that texts of users are compared with. A filter that is removed is deleted: the audit has it.
-- duration_s is NULL for actions that do not last. hit_ms is the moment of the last hit.

CREATE TABLE filters (
    id BIGINT PRIMARY KEY DEFAULT next_id('filters'),
    pattern TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('glob', 'regex')),
    action TEXT COLLATE "C" NOT NULL CHECK (action IN ('refuse', 'mute', 'kick', 'ban')),
    reason TEXT COLLATE "C" NOT NULL DEFAULT '',
    duration_s BIGINT CHECK (duration_s > 0),
    created_by TEXT COLLATE "C" NOT NULL,
    created_ms BIGINT NOT NULL,
    hits BIGINT NOT NULL DEFAULT 0,
    hit_ms BIGINT,
    UNIQUE (kind, pattern),
    CHECK ((duration_s IS NOT NULL) = (action IN ('mute', 'ban')))
);

-- The log of changes names this table too.
ALTER TABLE changes
    DROP CONSTRAINT changes_tbl_check,
    ADD CONSTRAINT changes_tbl_check CHECK (tbl IN ('accounts', 'bans', 'channels', 'filters'));
