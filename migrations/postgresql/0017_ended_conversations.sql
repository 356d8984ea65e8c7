-- To find the conversations of channels that ended long ago, of which nobody in the chat can read anything.

CREATE INDEX conversations_by_end ON conversations (ended_ms) WHERE ended_ms IS NOT NULL;
