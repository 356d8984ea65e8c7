"""The verbs: one function an IRC command, registered in a table with its arity, privilege and help.

Importing this package imports every module with a verb, which enters the verb into the table.
"""

from chatroom.commands import about, connecting, operating, presence, reading, rooms, talking

__all__ = ["about", "connecting", "operating", "presence", "reading", "rooms", "talking"]
