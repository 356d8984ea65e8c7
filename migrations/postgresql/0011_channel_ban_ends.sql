-- When a channel's ban ends (CBAN), and why it was set; NULL for a ban without an end (MODE +b).
ALTER TABLE channel_lists ADD COLUMN until_ms BIGINT;
ALTER TABLE channel_lists ADD COLUMN reason TEXT COLLATE "C" NOT NULL DEFAULT '';
