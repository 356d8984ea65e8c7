-- The index of words has emoji and other symbols now: all messages are indexed again, in the background.

DELETE FROM message_words;
DELETE FROM places;
UPDATE history_state SET value = 0 WHERE name = 'indexed';
