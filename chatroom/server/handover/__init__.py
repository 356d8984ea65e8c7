"""Handing the chat over from a running daemon to a new one, which may be another version of the program.

The running daemon (``upgrade``) starts the new one with one end of a pair of Unix sockets (``link``), which nobody else
can open. The new one (``predecessor``) loads its program, reads the configuration, and says what it can take over. Only
then does the first one stop: it reads no more, finishes what is under way (``standstill``), and sends the state of the
chat with all sockets. The new one upgrades the database if it has to, makes its world and says that it is ready. The
first one answers "go". That is the moment of the handover: before it, the new one runs no tick and serves nobody, and
if it fails or dies the first one goes on; after it, the first one never runs a tick again.
"""
