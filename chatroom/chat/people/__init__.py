"""Who and what there is: users, their sessions, the channels they are in."""
