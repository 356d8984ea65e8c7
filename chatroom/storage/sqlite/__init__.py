"""The stores on SQLite: the only sqlite3 and the only SQL of the project."""
