-- When the account joined the channel that it comes back to at its next login, in Unix milliseconds; only the order
-- counts. NULL: it left the channel itself, or was removed, or another channel has the name now.

ALTER TABLE presence ADD COLUMN joined_ms BIGINT;

-- What is recorded as present was there when the daemon ended: it comes back.
UPDATE presence SET joined_ms = 0 WHERE is_present = 1 AND channel <> '';
