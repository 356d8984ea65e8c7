"""The limits that the server has chosen: how long a value can be, and how many there can be of a thing.

Lengths are in bytes of UTF-8. A verb checks a limit when the value arrives; RPL_ISUPPORT and CAP advertise most of them
from here. A limit that a specification fixes is beside the code that it concerns: the length of a line in ``framing``,
the pieces of AUTHENTICATE in ``sasl``.

No line has to be cut: a text of the longest length fits into every line that the server sends it in, behind the longest
names (``tests/commands/test_longest_names.py``).

Source: Modern IRC Client Protocol, "RPL_ISUPPORT Parameters".
"""

from __future__ import annotations

from typing import Final

from chatroom.irc.framing import LINE_BYTES

NICK_BYTES: Final = 32
CHANNEL_BYTES: Final = 64
HOST_BYTES: Final = 24
"""The host of a user. It is a cloak, which is as long for every address."""
SERVER_BYTES: Final = 63
"""The server's name."""
USERNAME_BYTES: Final = 18
REALNAME_BYTES: Final = 100
"""The longest is in WHOX, where a real name follows all other names of a user, the channel and the server."""
RELAYED_NICK_BYTES: Final = 64
"""The nick of a relayed message (RELAYMSG): a nick, and the name of its network."""
AWAY_BYTES: Final = 200
TOPIC_BYTES: Final = 330
KEY_BYTES: Final = 32
"""A channel's key (mode ``k``)."""
MASK_BYTES: Final = 200
"""A mask on one of a channel's lists."""
KICK_BYTES: Final = 255
"""The reason of a KICK, KILL, REDACT or RENAME."""
LEAVE_BYTES: Final = 350
"""The reason of a PART or QUIT."""
BAN_REASON_BYTES: Final = 300
"""The reason of a ban from the server (UBAN)."""
KNOCK_BYTES: Final = 200
"""The text of a KNOCK."""

PREFIX_BYTES: Final = NICK_BYTES + USERNAME_BYTES + HOST_BYTES + 2
"""The longest ``nick!user@host``."""
MODE_LINE_BYTES: Final = LINE_BYTES - PREFIX_BYTES - CHANNEL_BYTES - 8
"""The changes in one MODE line, behind the longest ``:nick!user@host MODE #channel``, so that they also fit if the
history shows them later."""
MODE_CHANGES: Final = 20
"""Changes that one MODE line of a client can ask for, and parameters in one MODE line of the server."""
THROTTLE_ACTIONS: Final = 1000
"""Joins or nick changes that a channel's throttle (modes j and F) can allow in its period."""
THROTTLE_PERIOD_S: Final = 3600
"""The longest period of a channel's throttle."""
SLOW_MODE_S: Final = 21_600
"""The longest time between two messages in slow mode (mode W)."""
LIST_ENTRIES: Final = 100
"""Masks on all lists of a channel together."""
MESSAGE_TARGETS: Final = 4
"""Targets of one PRIVMSG, NOTICE or TAGMSG."""
NAMES_TARGETS: Final = 10
"""Channels of one NAMES: an answer can be a thousand times as long as the name in the question."""
LIST_TARGETS: Final = 10
"""Names, masks and conditions of one LIST: each is compared with every channel."""
WHOIS_TARGETS: Final = 4
"""Targets of one WHOIS."""
ACCEPTED_USERS: Final = 100
"""Users on the ACCEPT list of one user."""
MONITORED_NICKS: Final = 100
"""Nicks on the MONITOR list of one session."""
MULTILINE_BYTES: Final = 4096
"""The text of a multiline message, with the line feeds between its lines."""
MULTILINE_LINES: Final = 100
"""Lines of a multiline message."""
LABEL_BYTES: Final = 64
"""A longer label is ignored (IRCv3 labeled-response)."""
METADATA_KEYS: Final = 20
"""Keys of one user or channel."""
METADATA_KEY_BYTES: Final = 48
METADATA_SUBSCRIPTIONS: Final = 50
"""Keys that one session subscribes to."""
METADATA_VALUE_BYTES: Final = 256
"""Small enough that the longest value fits into a line with the longest names."""
SASL_RESPONSE_BYTES: Final = 8192
"""The base64 of one SASL response, all pieces together."""
