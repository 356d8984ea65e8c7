"""The disk: implementations of the Protocols in ``chatroom.chat.stored``, and the lock of a running daemon."""
