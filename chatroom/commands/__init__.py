"""The verbs: one function for each IRC command, in a table with its arity, its role and its help.

A module with a verb adds it to the table when it is imported. Importing this package imports all of them.
"""

from chatroom.commands import about, connecting, operating, presence, reading, rooms, talking

__all__ = ["about", "connecting", "operating", "presence", "reading", "rooms", "talking"]
