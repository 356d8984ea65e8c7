"""The verbs that need no turn: they read the world, or concern one connection alone."""

from __future__ import annotations

LOCAL_VERBS = frozenset(
    {
        "ADMIN",
        "CHATHISTORY",
        "HELP",
        "INFO",
        "ISON",
        "LINKS",
        "LIST",
        "LUSERS",
        "MAP",
        "MONITOR",
        "MOTD",
        "NAMES",
        "PING",
        "PONG",
        "RULES",
        "SEARCH",
        "STATS",
        "STATUS",
        "TIME",
        "USERHOST",
        "VERSION",
        "WHO",
        "WHOIS",
        "WHOWAS",
    }
)
"""CAP is not one of them: capabilities change what a shadow reads."""
