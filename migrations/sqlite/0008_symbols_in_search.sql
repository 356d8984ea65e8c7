-- The index of words has emoji and other symbols now. It has no text of its own, so a message can only be taken out of
-- it with the text that was put in: all messages are indexed again, in the background.

INSERT INTO message_words (message_words) VALUES ('delete-all');
DELETE FROM places;
UPDATE history_state SET value = 0 WHERE name = 'indexed';
