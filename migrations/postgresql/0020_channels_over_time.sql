-- is_over: a ban that the server has lifted because its time was over. It holds again if the clock that said so was wrong.

ALTER TABLE channel_lists ADD COLUMN is_over BIGINT NOT NULL DEFAULT 0 CHECK (is_over IN (0, 1));

-- used_ms: when the channel last had a member, to a day. NULL: unknown, as for channels from before this column.
ALTER TABLE channels ADD COLUMN used_ms BIGINT;
