"""The disk: the lock of a running daemon, and the stores (``chatroom.chat.stored``)."""
