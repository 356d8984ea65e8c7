"""The guest's terminal client, ``chatroom``. It knows ``chatroom.irc`` and nothing else of the house."""
