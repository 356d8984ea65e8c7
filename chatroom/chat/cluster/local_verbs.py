"""The verbs that need no turn: they read the world, or concern one connection alone."""

from __future__ import annotations

LOCAL_VERBS = frozenset(
    {
        "ABSENT",
        "ACTOR",
        "ADMIN",
        "CHATHISTORY",
        "HELP",
        "INFO",
        "ISON",
        "LINKS",
        "LIST",
        "LOGLEVEL",
        "LUSERS",
        "MAP",
        "MONITOR",
        "MOTD",
        "NAMES",
        "PING",
        "PONG",
        "RULES",
        "SEARCH",
        "SESSIONS",
        "STATS",
        "STATUS",
        "TIME",
        "UNSTORED",
        "USERHOST",
        "VERSION",
        "WHO",
        "WHOIS",
        "WHOWAS",
    }
)
"""CAP is not one of them: capabilities change what a shadow reads."""
