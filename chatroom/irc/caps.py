"""The capabilities that the server can offer. Each is a bit, so that a session's capabilities are one integer.

Source: IRCv3 "Capability Negotiation" (CAP LS 302) and the specification of each capability.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SERVER_TIME: Final = 1 << 0
MESSAGE_TAGS: Final = 1 << 1
ACCOUNT_TAG: Final = 1 << 2
EXTENDED_JOIN: Final = 1 << 3
AWAY_NOTIFY: Final = 1 << 4
ACCOUNT_NOTIFY: Final = 1 << 5
CHGHOST: Final = 1 << 6
SETNAME: Final = 1 << 7
INVITE_NOTIFY: Final = 1 << 8
BATCH: Final = 1 << 9
MULTI_PREFIX: Final = 1 << 10
USERHOST_IN_NAMES: Final = 1 << 11
ECHO_MESSAGE: Final = 1 << 12
LABELED_RESPONSE: Final = 1 << 13
CAP_NOTIFY: Final = 1 << 14
SASL: Final = 1 << 15
STANDARD_REPLIES: Final = 1 << 16
ACCOUNT_REGISTRATION: Final = 1 << 17
EXTENDED_MONITOR: Final = 1 << 18
NO_IMPLICIT_NAMES: Final = 1 << 19
EXTENDED_ISUPPORT: Final = 1 << 20
PRE_AWAY: Final = 1 << 21
READ_MARKER: Final = 1 << 22
METADATA: Final = 1 << 23
RELAYMSG: Final = 1 << 24
PLAYBACK: Final = 1 << 25
MULTILINE: Final = 1 << 26
CHANNEL_RENAME: Final = 1 << 27
CHATHISTORY: Final = 1 << 28
EVENT_PLAYBACK: Final = 1 << 29
MESSAGE_REDACTION: Final = 1 << 30
SEARCH: Final = 1 << 31

NAMES: Mapping[str, int] = {
    "account-notify": ACCOUNT_NOTIFY,
    "account-tag": ACCOUNT_TAG,
    "away-notify": AWAY_NOTIFY,
    "batch": BATCH,
    "cap-notify": CAP_NOTIFY,
    "chghost": CHGHOST,
    "draft/account-registration": ACCOUNT_REGISTRATION,
    "draft/channel-rename": CHANNEL_RENAME,
    "draft/chathistory": CHATHISTORY,
    "draft/event-playback": EVENT_PLAYBACK,
    "draft/extended-isupport": EXTENDED_ISUPPORT,
    "draft/message-redaction": MESSAGE_REDACTION,
    "draft/metadata-3": METADATA,
    "draft/multiline": MULTILINE,
    "draft/no-implicit-names": NO_IMPLICIT_NAMES,
    "draft/pre-away": PRE_AWAY,
    "draft/read-marker": READ_MARKER,
    "draft/relaymsg": RELAYMSG,
    "echo-message": ECHO_MESSAGE,
    "extended-join": EXTENDED_JOIN,
    "extended-monitor": EXTENDED_MONITOR,
    "invite-notify": INVITE_NOTIFY,
    "labeled-response": LABELED_RESPONSE,
    "message-tags": MESSAGE_TAGS,
    "multi-prefix": MULTI_PREFIX,
    "no-implicit-names": NO_IMPLICIT_NAMES,
    "sasl": SASL,
    "server-time": SERVER_TIME,
    "setname": SETNAME,
    "soju.im/search": SEARCH,
    "standard-replies": STANDARD_REPLIES,
    "userhost-in-names": USERHOST_IN_NAMES,
    "znc.in/playback": PLAYBACK,
}

RENDERED: Final = (
    SERVER_TIME
    | MESSAGE_TAGS
    | ACCOUNT_TAG
    | EXTENDED_JOIN
    | AWAY_NOTIFY
    | ACCOUNT_NOTIFY
    | CHGHOST
    | SETNAME
    | INVITE_NOTIFY
    | MULTILINE
    | RELAYMSG
    | MESSAGE_REDACTION
)
"""The capabilities that change the bytes of an event. A session's *variant* is the set of these that it has, and
sessions of one variant read the same bytes.
"""

OF_HISTORY: Final = CHATHISTORY | EVENT_PLAYBACK | MESSAGE_REDACTION | SEARCH | PLAYBACK
"""The capabilities that are not offered if no history is kept."""
