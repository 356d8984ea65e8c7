"""``chatroom``, the terminal client. Of the rest of the project it imports ``chatroom.irc`` only."""
