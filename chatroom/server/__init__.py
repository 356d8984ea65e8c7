"""The threads: the only sockets and threads of the daemon."""
