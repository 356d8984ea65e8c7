"""SQLite: the file, its log, its copies, and the stores whose SQL it does not share."""
