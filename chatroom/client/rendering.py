"""Events as lines of text for the user. Both front ends print these lines.

A line is a list of fragments, each with the name of its style. ``screen`` says how a style looks.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from chatroom.client.chat_events import (
    ChannelRenamed,
    Cleared,
    Denied,
    Event,
    Exposed,
    History,
    Info,
    Invited,
    Joined,
    Kicked,
    Left,
    MarkerMoved,
    Members,
    ModeChanged,
    PeopleChanged,
    Reacted,
    Redacted,
    Renamed,
    Said,
    SearchResult,
    TopicChanged,
    Trouble,
    Typing,
    UnderWay,
    Unsaid,
    Welcome,
)
from chatroom.client.formatting import parts_of
from chatroom.client.mentioning import mentions_any
from chatroom.client.search_queries import MOST_FOUND
from chatroom.client.text import printable

_QUOTED = 30
"""How many characters are shown of a message that another line is about."""

NICK_STYLES = tuple(f"nick{number}" for number in range(10))

Fragment = tuple[str, str]
"""The name of a style (empty for plain text) and the text."""
Words = list[Fragment]


class RenderedLine(NamedTuple):
    """A line ready to print."""

    words: Words
    conversation: str = ""
    """The channel or nick that the line belongs to; empty for none."""
    at: datetime | None = None
    """When it happened; None for now."""
    timeless: bool = False
    """True for an answer to what the user has just typed. It needs a time only if ``at`` is set."""

    @property
    def text(self) -> str:
        """The line without styles, time and conversation."""
        return "".join(text for _, text in self.words)


def nick_style(nick: str) -> str:
    """Return the style of a nick. It is the same for a nick in every channel and every run."""
    # Not hash(): it differs from run to run.
    return NICK_STYLES[zlib.crc32(nick.lower().encode()) % len(NICK_STYLES)]


def render(event: Event, me: str = "", words: Iterable[str] = (), *, formatted: bool = False) -> list[RenderedLine]:
    """Return the lines to show for an event.

    Another user's message that contains the nick ``me`` or one of ``words`` stands out. ``formatted``: the text of a
    message has the styles of its formatting codes.
    """
    lines = _WORDING[type(event)](event)
    if isinstance(event, Said):
        style = "mention" if not event.mine and mentions_any(event.text, (me, *words)) else None
        texts = event.formatted.split("\n") if formatted and event.formatted else None
        if style is not None or texts is not None:
            lines = [
                _with_text(line, style, texts[number] if texts is not None else None, is_action=event.kind == "action")
                for number, line in enumerate(lines)
            ]
    return [_printable(line) for line in lines]


def _with_text(line: RenderedLine, style: str | None, formatted: str | None, *, is_action: bool) -> RenderedLine:
    """Give the text of a message, which is the last fragment, another style and those of its formatting codes."""
    *before, (own, text) = line.words
    style = own if style is None else style
    if formatted is None:
        return line._replace(words=[*before, (style, text)])
    blank: Words = [("", " ")] if is_action else []
    parts = [(f"{style} {part.style}".strip(), part.text) for part in parts_of(formatted)]
    return line._replace(words=[*before, *blank, *parts])


def _printable(line: RenderedLine) -> RenderedLine:
    # The server's messages are clean already. Events with what the user has typed come here as they are.
    words = [(style, printable(text)) for style, text in line.words]
    return line._replace(words=words, conversation=printable(line.conversation))


def stamp(at: datetime | None, now: datetime) -> str:
    """Format a time as local hour and minute, with the date if it is not today. None means ``now``. Both are aware."""
    local, today = (at or now).astimezone(), now.astimezone()
    return f"{local:%H:%M}" if local.date() == today.date() else full_stamp(local)


def full_stamp(at: datetime) -> str:
    """Format an aware time as local date and time."""
    return f"{at.astimezone():%Y-%m-%d %H:%M}"


def _nick(nick: str) -> Fragment:
    return (nick_style(nick), nick)


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""


def _said(event: Said) -> list[RenderedLine]:
    return [
        RenderedLine(_quoted(replace(event, text=text)), event.conversation, event.at)
        for text in event.text.split("\n")
    ]


def _unsaid(event: Unsaid) -> list[RenderedLine]:
    said = event.said
    what = "Perhaps not sent" if event.perhaps else "Not sent"
    first, *more = said.text.split("\n")
    count = f" … ({len(more) + 1} lines)" if more else ""
    words: Words = [("warning", f"{what} to {said.conversation}: "), ("", first + count)]
    return [RenderedLine(words, timeless=True)]


def _quoted(event: Said) -> Words:
    """The nick and the text of a message. Text that the user missed is dim."""
    text = "dim" if event.missed else ""
    style = "mine" if event.mine else nick_style(event.nick)
    if event.kind == "action":
        words = [("dim", "* "), (style, event.nick), (text, f" {event.text}")]
    elif event.kind == "notice":
        words = [("dim", "-"), (style, event.nick), ("dim", "- "), (text, event.text)]
    else:
        words = [("dim", "<"), (style, event.nick), ("dim", "> "), (text, event.text)]
    return words


def _redacted(event: Redacted) -> list[RenderedLine]:
    whose = [("dim", " of "), _nick(event.whose)] if event.whose and event.whose != event.by else []
    words = [_nick(event.by), ("dim", " deleted a message"), *whose, ("dim", _because(event.reason))]
    return [RenderedLine(words, event.conversation, event.at)]


def _reacted(event: Reacted) -> list[RenderedLine]:
    text = event.about if len(event.about) <= _QUOTED else event.about[: _QUOTED - 1] + "…"
    about = f' to "{" ".join(text.split())}"' if text else ""
    verb = "reacted" if event.added else "took the reaction back"
    words = [_nick(event.nick), ("dim", f" {verb}{about}: "), ("", event.reaction)]
    return [RenderedLine(words, event.conversation, event.at)]


def _history(event: History) -> list[RenderedLine]:
    return [line for old in event.events for line in _WORDING[type(old)](old)]


def _nothing(event: Event) -> list[RenderedLine]:
    return []


def _search_result(event: SearchResult) -> list[RenderedLine]:
    if not event.messages:
        return [RenderedLine([("info", "Nothing found.")], timeless=True)]
    conversations = {said.conversation.lower() for said in event.messages}
    first = event.messages[0].conversation
    count = f"{len(event.messages)}{' or more' if len(event.messages) >= MOST_FOUND else ''}"
    among = f" {'in' if first.startswith(('#', '&')) else 'with'} {first}" if len(conversations) == 1 else ""
    lines = [RenderedLine([("notice", f"Found {count}{among}:")], timeless=True)]
    for said in event.messages:
        words: Words = [("time", f"  {full_stamp(said.at)} " if said.at is not None else "  ")]
        if len(conversations) > 1:
            words.append(("conversation", f"[{said.conversation}] "))
        lines.append(RenderedLine([*words, *_quoted(said)], timeless=True))
    return lines


def _joined(event: Joined) -> list[RenderedLine]:
    if event.mine:
        return [RenderedLine([("notice", f"You joined {event.channel}")], event.channel, event.at)]
    return [RenderedLine([_nick(event.nick), ("dim", " joined")], event.channel, event.at)]


def _left(event: Left) -> list[RenderedLine]:
    if event.mine:
        return [RenderedLine([("notice", f"You left {event.channels[0]}")], event.channels[0], event.at)]
    conversation = event.channels[0] if len(event.channels) == 1 else ""
    if event.reason.startswith(f"{event.nick} was "):
        # Our server makes the whole sentence for a kick from the server: "NAME was kicked by an admin: reason".
        return [RenderedLine([_nick(event.nick), ("dim", event.reason[len(event.nick) :])], conversation, event.at)]
    # A server puts "Quit: " before the user's own reason. Without one it fills in the nick or "Client quit".
    reason = event.reason.removeprefix("Quit: ").removeprefix("Quit").strip()
    aside = f" ({reason})" if reason and reason.lower() not in (event.nick.lower(), "client quit") else ""
    return [RenderedLine([_nick(event.nick), ("dim", f" left{aside}")], conversation, event.at)]


def _kicked(event: Kicked) -> list[RenderedLine]:
    if event.mine:
        text = f"You were kicked from {event.channel} by {event.by}{_because(event.reason)}"
        return [RenderedLine([("warning", text)], event.channel, event.at)]
    words = [_nick(event.nick), ("dim", f" was kicked from {event.channel} by "), _nick(event.by)]
    return [RenderedLine([*words, ("dim", _because(event.reason))], event.channel, event.at)]


def _renamed(event: Renamed) -> list[RenderedLine]:
    if event.mine:
        return [RenderedLine([("notice", f"You are now known as {event.new}")], "", event.at)]
    return [RenderedLine([_nick(event.old), ("dim", " is now known as "), _nick(event.new)], "", event.at)]


def _channel_renamed(event: ChannelRenamed) -> list[RenderedLine]:
    words = [_nick(event.by), ("dim", f" renamed {event.old} to {event.new}"), ("dim", _because(event.reason))]
    return [RenderedLine(words, event.new, event.at)]


def _topic(event: TopicChanged) -> list[RenderedLine]:
    if not event.topic:
        return [RenderedLine([_nick(event.by), ("dim", " cleared the topic")], event.channel, event.at)]
    return [RenderedLine([_nick(event.by), ("dim", " set the topic: "), ("", event.topic)], event.channel, event.at)]


_OWN_MODES = {
    "+o": "You are an operator of this server.",
    "-o": "You are no longer an operator of this server.",
}

_MODES = {
    "+o": "made {} an operator",
    "-o": "took operator from {}",
    "+v": "gave voice to {}",
    "-v": "took voice from {}",
    "+b": "banned {} from the channel",
    "-b": "lifted the channel ban on {}",
}


def _mode(event: ModeChanged) -> list[RenderedLine]:
    if not event.target.startswith(("#", "&")):
        text = _OWN_MODES.get(event.modes, f"Your modes changed: {event.modes}")
        return [RenderedLine([("dim", text)], "", event.at)]
    wording = _MODES.get(event.modes)
    if wording is not None and len(event.params) == 1:
        what = wording.format(event.params[0])
    else:
        what = "set " + " ".join([event.modes, *event.params])
    return [RenderedLine([_nick(event.by), ("dim", f" {what}")], event.target, event.at)]


def _members(event: Members) -> list[RenderedLine]:
    words: Words = [("dim", f"{len(event.names)} here: ")]
    for number, name in enumerate(event.names):
        sign = name[:1] if name[:1] in "~&@%+!" else ""
        words += [("dim", (", " if number else "") + sign), _nick(name.removeprefix(sign))]
    return [RenderedLine(words, event.channel, timeless=event.asked)]


def _invited(event: Invited) -> list[RenderedLine]:
    if event.mine:
        text = f" invites you to {event.channel} (/join {event.channel})"
        return [RenderedLine([_nick(event.by), ("notice", text)], "", event.at)]
    return [RenderedLine([_nick(event.by), ("dim", f" invited {event.nick}")], event.channel, event.at)]


def _info(event: Info) -> list[RenderedLine]:
    return [
        RenderedLine([("info", line)], event.conversation, event.at, timeless=True) for line in event.text.split("\n")
    ]


def _denied(event: Denied) -> list[RenderedLine]:
    return [RenderedLine([("warning", line)], timeless=True) for line in event.text.split("\n") if line]


def _trouble(event: Trouble) -> list[RenderedLine]:
    return [RenderedLine([("warning", event.text)])]


def _welcome(event: Welcome) -> list[RenderedLine]:
    if event.again:
        return [RenderedLine([("notice", f"Connected again, as {event.nick}.")])]
    return [RenderedLine([("notice", f"You are connected as {event.nick}. /help lists the commands, /quit leaves.")])]


def _exposed(event: Exposed) -> list[RenderedLine]:
    text = f"The connection to {event.address} is not encrypted: others on the network can read along."
    return [RenderedLine([("warning", text)])]


_WORDING: dict[type, Callable[..., list[RenderedLine]]] = {
    Said: _said,
    UnderWay: _nothing,
    Unsaid: _unsaid,
    Redacted: _redacted,
    Reacted: _reacted,
    Typing: _nothing,
    MarkerMoved: _nothing,
    PeopleChanged: _nothing,
    History: _history,
    SearchResult: _search_result,
    Joined: _joined,
    Left: _left,
    Kicked: _kicked,
    Renamed: _renamed,
    ChannelRenamed: _channel_renamed,
    TopicChanged: _topic,
    ModeChanged: _mode,
    Members: _members,
    Invited: _invited,
    Info: _info,
    Denied: _denied,
    Trouble: _trouble,
    Welcome: _welcome,
    Cleared: _nothing,
    Exposed: _exposed,
}
