-- The modes by which a channel defends itself against floods. NULL: the mode is not set.
-- join_throttle (mode j) and nick_throttle (mode F): how many joins or nick changes in how many seconds, as in MODE.
-- slow_mode_s (mode W): the seconds between two messages of a user.

ALTER TABLE channels ADD COLUMN join_throttle TEXT COLLATE "C" CHECK (join_throttle ~ '^[1-9].*:[1-9]');
ALTER TABLE channels ADD COLUMN nick_throttle TEXT COLLATE "C" CHECK (nick_throttle ~ '^[1-9].*:[1-9]');
ALTER TABLE channels ADD COLUMN slow_mode_s BIGINT CHECK (slow_mode_s > 0);
