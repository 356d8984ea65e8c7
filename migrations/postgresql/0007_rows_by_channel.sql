-- RENAME moves all read markers and presences of a channel, whatever the account: without these it would read all rows.

CREATE INDEX read_markers_by_target ON read_markers (target);
CREATE INDEX presence_by_channel ON presence (channel);
