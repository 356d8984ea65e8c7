-- The channel that people who may not come in are sent to (channel mode f); NULL where there is none.
ALTER TABLE channels ADD COLUMN forward TEXT COLLATE "C";
