"""THE ROWS: the stores, in SQL that every engine understands."""
