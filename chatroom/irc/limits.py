"""How long and how many: the limits that the server keeps to and, for most of them, promises in RPL_ISUPPORT.

Lengths are in bytes of UTF-8. Each limit is checked where the value arrives; ISUPPORT repeats it from here.

Source: Modern IRC Client Protocol, "RPL_ISUPPORT Parameters".
"""

from __future__ import annotations

NICK_BYTES = 32
CHANNEL_BYTES = 64
HOST_BYTES = 63
USERNAME_BYTES = 18
REALNAME_BYTES = 150
AWAY_BYTES = 200
TOPIC_BYTES = 390
KEY_BYTES = 32
"""A channel's key (mode ``k``)."""
MASK_BYTES = 200
"""A mask on one of a channel's lists."""
KICK_BYTES = 255
"""The reason of a KICK, KILL, REDACT or RENAME."""
BAN_REASON_BYTES = 300
"""The reason of a ban from the server."""
KNOCK_BYTES = 200

MODE_CHANGES = 20
"""Changes in one MODE line."""
LIST_ENTRIES = 100
"""Entries on all lists of a channel together."""
MESSAGE_TARGETS = 4
"""Targets of one PRIVMSG, NOTICE or TAGMSG."""
WHOIS_TARGETS = 4
MONITORED_NICKS = 100
"""Nicks on the MONITOR list of one session."""
MULTILINE_BYTES = 4096
"""The text of a multiline message, with the line feeds between its lines."""
MULTILINE_LINES = 100
LABEL_BYTES = 64
"""A longer label is ignored (IRCv3 labeled-response)."""
METADATA_KEYS = 20
"""Keys of one person or channel."""
METADATA_KEY_BYTES = 48
METADATA_SUBSCRIPTIONS = 50
"""Keys that one session subscribes to."""
METADATA_VALUE_BYTES = 256
"""With the longest names around it, the longest value still fits in a line."""
