-- How often logins of an account or from an address have failed lately, so that a restart gives a guesser nothing. The key
-- is as in chat/admission/login_keys.py. No changes rows: the daemon has these in memory. last_ms is only shown.

CREATE TABLE failed_logins (
    key TEXT COLLATE "C" PRIMARY KEY,
    failures BIGINT NOT NULL CHECK (failures > 0),
    last_ms BIGINT NOT NULL
);
