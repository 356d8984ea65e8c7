"""What the terminal client remembers between two chats, in an SQLite file: only this package imports sqlite3.

``memory_file`` opens the file, ``memory`` has what is remembered: open places, what was read, typed lines.
"""
