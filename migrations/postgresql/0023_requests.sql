-- Requests: accounts that people want, and that wait for a moderator. A request that is decided is deleted: the audit has
-- it. origin is the address that it came from. No changes rows: a running daemon decides itself, also for the shell.

CREATE TABLE requests (
    id BIGINT PRIMARY KEY DEFAULT next_id('requests'),
    name TEXT COLLATE "C" NOT NULL,
    folded TEXT COLLATE "C" NOT NULL UNIQUE,
    email TEXT COLLATE "C",
    origin TEXT COLLATE "C" NOT NULL,
    created_ms BIGINT NOT NULL
);

-- The verifiers of the passwords that were chosen, as in credentials.
CREATE TABLE request_credentials (
    request_id BIGINT NOT NULL REFERENCES requests (id) ON DELETE CASCADE,
    kind TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (request_id, kind)
);
