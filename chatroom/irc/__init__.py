"""The wire: bytes to messages and back. It knows no socket, thread, clock or state of the chat."""
