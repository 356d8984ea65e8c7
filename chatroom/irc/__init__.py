"""The wire: bytes to messages and back. Pure: no socket, thread, clock or state of the chat."""
