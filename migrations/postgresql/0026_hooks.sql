-- The log of changes names the table hooks too.
ALTER TABLE changes
    DROP CONSTRAINT changes_tbl_check,
    ADD CONSTRAINT changes_tbl_check CHECK (tbl IN ('accounts', 'bans', 'channels', 'filters', 'hooks'));

-- Hooks: outgoing ones have what is said in a channel sent to a URL, incoming ones let a program say something there.
-- secret signs what an outgoing hook sends, so it is kept as it is; token_hash is as in invites. events: words with
-- spaces between them. last_number: the number of its newest event; done: how many were delivered, or said;
-- failing_since_ms is NULL while deliveries succeed.

CREATE TABLE hooks (
    id BIGINT PRIMARY KEY DEFAULT next_id('hooks'),
    direction TEXT COLLATE "C" NOT NULL CHECK (direction IN ('out', 'in')),
    channel TEXT COLLATE "C" NOT NULL,
    folded TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL DEFAULT '',
    url TEXT COLLATE "C" NOT NULL DEFAULT '',
    secret TEXT COLLATE "C" NOT NULL DEFAULT '',
    token_hash TEXT COLLATE "C" NOT NULL DEFAULT '',
    events TEXT COLLATE "C" NOT NULL DEFAULT '',
    prefix TEXT COLLATE "C" NOT NULL DEFAULT '',
    mention TEXT COLLATE "C" NOT NULL DEFAULT '',
    hears_hooks BIGINT NOT NULL DEFAULT 0 CHECK (hears_hooks IN (0, 1)),
    paused BIGINT NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
    created_by TEXT COLLATE "C" NOT NULL,
    created_ms BIGINT NOT NULL,
    last_number BIGINT NOT NULL DEFAULT 0,
    done BIGINT NOT NULL DEFAULT 0,
    dropped BIGINT NOT NULL DEFAULT 0,
    done_ms BIGINT,
    failing_since_ms BIGINT,
    failure TEXT COLLATE "C" NOT NULL DEFAULT '',
    CHECK ((direction = 'out') = (url <> '')),
    CHECK ((direction = 'out') = (secret <> '')),
    CHECK ((direction = 'in') = (length(token_hash) = 64))
);

CREATE INDEX hooks_by_channel ON hooks (folded);

-- What waits to be delivered, oldest first. The numbers of a hook go up by one, so a gap is an event that was dropped.
CREATE TABLE hook_events (
    hook_id BIGINT NOT NULL REFERENCES hooks (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    message_id BIGINT NOT NULL,
    time_ms BIGINT NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    nick TEXT COLLATE "C" NOT NULL,
    account TEXT COLLATE "C" NOT NULL,
    text TEXT COLLATE "C" NOT NULL,
    refusals BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (hook_id, number)
);

-- For messages that are deleted from the history: they are not delivered.
CREATE INDEX hook_events_by_message ON hook_events (message_id);
