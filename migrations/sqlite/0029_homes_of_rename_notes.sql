-- Whose channels have a new name in one half of the database only: the node that gave it, as it called itself since its
-- start; empty for a lone daemon. A node that ends the people of another one completes what that has left.
--
-- A note with the balance 0 is one that was completed so. If that node only stood still, it finds it, and does not give
-- the name once more.

ALTER TABLE rename_notes ADD COLUMN home TEXT NOT NULL DEFAULT '';
