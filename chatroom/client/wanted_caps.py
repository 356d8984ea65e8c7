"""The capabilities that each kind of front end asks for, if the server offers them."""

from __future__ import annotations

from chatroom.client.history_pages import CAPABILITY as CHATHISTORY
from chatroom.client.people import METADATA
from chatroom.client.read_marks import CAPABILITY as READ_MARKER
from chatroom.client.search_queries import CAPABILITY as SEARCH
from chatroom.client.several_lines import CAPABILITY as MULTILINE

FOR_A_PIPE = (
    "batch",
    "cap-notify",
    "chghost",
    "draft/channel-rename",
    "extended-join",
    "message-tags",
    "multi-prefix",
    "sasl",
    "server-time",
    "setname",
    SEARCH,
    "standard-replies",
    "userhost-in-names",
)
"""A script knows what it sends, so the server need not echo it, nor say which line an answer is for. It reads lines.

It follows a channel to another name, as else it would be out of the channel, and could say nothing any more.
"""

# Not draft/chathistory: our server replays what was missed by itself, but not to a client that can ask for it.
FOR_LINES = (
    *FOR_A_PIPE,
    "draft/message-redaction",
    "echo-message",
    "labeled-response",
    MULTILINE,
)
"""A user reads lines that scroll by."""

FOR_PLACES = (
    *FOR_LINES,
    "account-notify",
    "away-notify",
    CHATHISTORY,
    "draft/event-playback",
    METADATA,
    READ_MARKER,
)
"""A screen shows places: with their unread messages, and with older ones that are asked for."""
