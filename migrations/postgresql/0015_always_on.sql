-- always_on: the account's user stays in its channels while none of its devices is connected.

ALTER TABLE accounts ADD COLUMN always_on BIGINT NOT NULL DEFAULT 0 CHECK (always_on IN (0, 1));

-- What others see of the user of such an account, for the next start. No changes rows: only the daemon writes these.
CREATE TABLE always_on_users (
    account_id BIGINT PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    username TEXT COLLATE "C" NOT NULL,
    realname TEXT COLLATE "C" NOT NULL,
    host TEXT COLLATE "C" NOT NULL,
    away TEXT COLLATE "C",
    modes TEXT COLLATE "C" NOT NULL
);
