"""The verbs that a node runs without the turn, on its world as it is, because they change nothing that others see.

Such an answer may be a moment old, as it is when a line has a long way. All other verbs wait for the turn.
"""

from __future__ import annotations

LOCAL_VERBS = frozenset(
    [
        # What the server is, and what it can do.
        *("ADMIN", "HELP", "HELPOP", "INFO", "ISUPPORT", "LINKS", "LUSERS", "MAP", "MOTD", "STATS", "TIME", "VERSION"),
        # Who is here, and who was.
        *("ISON", "LIST", "NAMES", "USERHOST", "WHO", "WHOIS", "WHOWAS"),
        # The list of a client's own connection; its node tells it what happens to the nicks.
        *("MONITOR",),
        # What the database has. A message is stored before any node tells it.
        *("AUDIT", "CHATHISTORY", "SEARCH"),
        # The connection itself, and what only servers send.
        *("ERROR", "PING", "PONG"),
        # Questions of the operator to this node, over its control socket, and its name there.
        *("ABSENT", "ACTOR", "CHANNEL", "CHANNELS", "LOGLEVEL", "SESSIONS", "STATUS", "UNSTORED"),
    ]
)
"""Not among them, though they often only ask: those that also change something if they have parameters (MODE, TOPIC,
INVITE, METADATA, MARKREAD, ACCEPT, UBAN, FILTER, LOCKDOWN, LOGINDELAY, REQUEST, CERT), or that reach a service
(PRIVMSG, ZNC, whose CLEAR is the account's). CAP changes what all nodes tell a session, and ends a registration."""
