"""The state of one connection: nick, channels, members, topics. A message goes in, events come out.

No input or output. Messages must have been cleaned (``text.clean_message``). What changes no state is turned into
sentences by ``server_replies`` and ``numerics_in_words``.
"""

from __future__ import annotations

from collections.abc import Callable

from chatroom.client.chat_events import (
    ChannelRenamed,
    Event,
    Invited,
    Joined,
    Kicked,
    Left,
    MarkerMoved,
    Members,
    ModeChanged,
    Renamed,
    Said,
    TopicChanged,
)
from chatroom.client.joined_channel import Channel
from chatroom.client.message_reading import moment, param, parse_moment, read_redaction, read_said, read_tags
from chatroom.client.numerics_in_words import answer
from chatroom.client.past_messages import Past
from chatroom.client.people import People, account_of
from chatroom.client.server_features import ServerFeatures
from chatroom.client.server_replies import Replies
from chatroom.client.several_lines import Limits
from chatroom.irc.message import Message

_MOST_SPEAKERS = 1000
"""The most users whose order of speaking is remembered."""


class State:
    """What the server has said about the user and the channels. ``reset`` begins a new connection."""

    def __init__(self) -> None:
        self.nick = ""
        self.source = ""
        """The user's ``nick!user@host``; empty until the server has shown it."""
        self.caps: set[str] = set()
        """Capabilities in force."""
        self.channels: dict[str, Channel] = {}
        """Folded name to channel, for the channels that the user is in."""
        self.seen_channels: dict[str, str] = {}
        """Folded name to name, for every channel that was mentioned. Outlives a connection; for completion."""
        self.spoken: dict[str, None] = {}
        """Folded nicks of those who have spoken, who spoke last last. For completion."""
        self.features = ServerFeatures()
        self.people = People(self.fold, self._channels_of)
        """What is known of those in the channels."""
        self.away = False
        self.is_ours = False
        """True if the server is a chatroom."""
        self.is_server_operator = False
        """True if the user is an admin or a moderator of a chatroom."""
        self.multiline: Limits | None = None
        """How long a message of several lines may be; None if the server takes none."""
        self._past = Past()
        self._replies = Replies()

    def reset(self, nick: str, caps: set[str], multiline: Limits | None = None) -> None:
        """Begin a new connection that was welcomed: the user is in no channel yet."""
        self.nick = nick
        self.source = ""
        self.caps = set(caps)
        self.multiline = multiline
        self.channels.clear()
        self.people.reset()
        self.away = self.is_ours = self.is_server_operator = False
        self._past.reset()
        self._replies = Replies()

    def fold(self, name: str) -> str:
        """Return the form of a name in which this server compares names."""
        return self.features.fold(name)

    def is_me(self, nick: str) -> bool:
        """Tell if ``nick`` is the user's own."""
        return self.fold(nick) == self.fold(self.nick)

    def is_channel(self, name: str) -> bool:
        """Tell from the first character if ``name`` is the name of a channel."""
        return self.features.is_channel(name)

    def find_channel(self, name: str) -> Channel | None:
        """Return the channel called ``name``; None if the user is not in it."""
        return self.channels.get(self.fold(name))

    @property
    def source_bytes(self) -> int:
        """The length of ``source`` in bytes, or its most until the server has shown it."""
        # 75: "!", a user name of 10 bytes, "@" and a host of 63 bytes, as long as most servers allow.
        return len(self.source.encode()) if self.source else len(self.nick.encode()) + 75

    def feed(self, message: Message) -> list[Event]:
        """Apply a message to the state and return the events to show."""
        results = self._past.results_for(message)
        if results is not None and message.verb != "BATCH":
            if message.verb in ("PRIVMSG", "NOTICE"):
                results += [event for event in read_said(message, self) if isinstance(event, Said)]
            return []
        source = message.source or ""
        if "!" in source and self.is_me(message.nick) and not self._past.is_before(moment(message)):
            # A replayed line of our own may come from another address; only a live one tells today's.
            self.source = source
        handler = _HANDLERS.get(message.verb)
        if handler is None:
            return answer(message)
        return handler(self, message)

    # Messages

    def _on_said(self, message: Message) -> list[Event]:
        events: list[Event] = []
        for event in read_said(message, self):
            if not isinstance(event, Said):
                events.append(event)
                continue
            channel = self.find_channel(event.conversation)
            self._note_speaker(event)
            said = self._past.mark_missed(event, channel.since if channel is not None else None)
            if said is None:
                return []
            events.append(said)
        return events

    def _note_speaker(self, said: Said) -> None:
        folded = self.fold(said.nick)
        self.spoken.pop(folded, None)
        self.spoken[folded] = None
        if len(self.spoken) > _MOST_SPEAKERS:
            del self.spoken[next(iter(self.spoken))]

    def _on_batch(self, message: Message) -> list[Event]:
        result = self._past.on_batch(message)
        return [result] if result is not None else []

    def _on_tags(self, message: Message) -> list[Event]:
        return read_tags(message, self)

    def _on_redaction(self, message: Message) -> list[Event]:
        return read_redaction(message, self)

    def _on_marker(self, message: Message) -> list[Event]:
        at = parse_moment(param(message, 1).removeprefix("timestamp="))
        return [MarkerMoved(param(message, 0), at)] if at is not None else []

    # Users who come and go

    def _on_join(self, message: Message) -> list[Event]:
        name = param(message, 0)
        mine = self.is_me(message.nick)
        if mine:
            at = moment(message)
            self._past.joined(at)
            self.channels[self.fold(name)] = Channel(name, self.people, since=at)
        channel = self.find_channel(name)
        if channel is not None:
            channel.members[self.fold(message.nick)] = message.nick
            self.seen_channels[self.fold(name)] = name
        if "extended-join" in self.caps and len(message.params) > 1:
            self.people.note(message.nick, account=account_of(message, 1))
        return [Joined(message.nick, name, mine, moment(message))]

    def _on_part(self, message: Message) -> list[Event]:
        name = param(message, 0)
        mine = self._remove_member(name, message.nick)
        return [Left(message.nick, (name,), param(message, 1), mine, moment(message))]

    def _on_kick(self, message: Message) -> list[Event]:
        name, nick = param(message, 0), param(message, 1)
        mine = self._remove_member(name, nick)
        return [Kicked(nick, name, message.nick, param(message, 2), mine, moment(message))]

    def _on_quit(self, message: Message) -> list[Event]:
        mine = self.is_me(message.nick)
        folded = self.fold(message.nick)
        shared = tuple(channel.name for channel in self.channels.values() if channel.remove(folded))
        self.people.forget_strangers([message.nick])
        return [] if mine else [Left(message.nick, shared, param(message, 0), mine, moment(message))]

    def _remove_member(self, name: str, nick: str) -> bool:
        """Take ``nick`` out of a channel; True if that is the user."""
        mine = self.is_me(nick)
        channel = self.find_channel(name)
        if channel is None:
            return mine
        if mine:
            del self.channels[self.fold(name)]
        else:
            channel.remove(self.fold(nick))
        self.people.forget_strangers(list(channel.members.values()) if mine else [nick])
        return mine

    def _channels_of(self, folded: str) -> tuple[str, ...]:
        return tuple(channel.name for channel in self.channels.values() if folded in channel.members)

    def _on_nick(self, message: Message) -> list[Event]:
        old, new = message.nick, param(message, 0)
        if "label" in (message.tags or {}) and self.fold(old) == self.fold(new):
            old = self.nick  # InspIRCd 3 answers a labelled NICK with the new nick as its source
        mine = self.is_me(old)
        shared = tuple(
            channel.name for channel in self.channels.values() if channel.rename(self.fold(old), self.fold(new), new)
        )
        self.people.rename(self.fold(old), self.fold(new))
        if mine:
            self.nick = new
            self.source = new + self.source[len(old) :] if self.source else ""
        return [Renamed(old, new, mine, moment(message), shared)]

    def _on_invite(self, message: Message) -> list[Event]:
        nick, name = param(message, 0), param(message, 1)
        self.seen_channels[self.fold(name)] = name
        return [Invited(nick, name, message.nick, self.is_me(nick), moment(message))]

    # Channels

    def _on_topic(self, message: Message) -> list[Event]:
        name, topic = param(message, 0), param(message, 1)
        channel = self.find_channel(name)
        if channel is not None:
            channel.topic = topic
        return [TopicChanged(name, topic, message.nick, moment(message))]

    def _on_channel_rename(self, message: Message) -> list[Event]:
        old, new = param(message, 0), param(message, 1)
        channel = self.channels.pop(self.fold(old), None)
        if channel is None or not new:
            return []
        channel.name = new
        self.channels[self.fold(new)] = channel
        self.seen_channels.pop(self.fold(old), None)
        self.seen_channels[self.fold(new)] = new
        return [ChannelRenamed(old, new, message.nick, param(message, 2), moment(message))]

    def _on_topic_reply(self, message: Message) -> list[Event]:
        channel = self.find_channel(param(message, 1))
        if channel is not None:
            channel.topic = param(message, 2)
        return answer(message)

    def _on_names(self, message: Message) -> list[Event]:
        channel = self.find_channel(param(message, 2))
        if channel is None:
            return answer(message)
        channel.incoming_names.extend(param(message, 3).split())
        return []

    def _on_names_end(self, message: Message) -> list[Event]:
        channel = self.find_channel(param(message, 1))
        if channel is None:
            return []
        names = channel.finish_names(self.features)
        asked, channel.is_listed = channel.is_listed, True
        return [Members(channel.name, tuple(names), asked)]

    def _on_mode(self, message: Message) -> list[Event]:
        target, modes, params = param(message, 0), param(message, 1), message.params[2:]
        channel = self.find_channel(target)
        if channel is not None:
            channel.apply_modes(modes, params, self.features)
        elif self.is_me(target):
            self._note_own_modes(modes)
        return [ModeChanged(target, message.nick, modes, tuple(params), moment(message))]

    # The server

    def _on_myinfo(self, message: Message) -> list[Event]:
        self.is_ours = param(message, 2).startswith("chatroom-")
        return []

    def _on_own_modes(self, message: Message) -> list[Event]:
        self.is_server_operator = False
        self._note_own_modes(param(message, 1))
        return answer(message)

    def _note_own_modes(self, modes: str) -> None:
        adding = True
        for mode in modes:
            if mode in "+-":
                adding = mode == "+"
            elif mode == "o":
                self.is_server_operator = adding and self.is_ours

    def _on_isupport(self, message: Message) -> list[Event]:
        self.features.read(message.params[1:-1])
        return []

    def _on_cap(self, message: Message) -> list[Event]:
        verb = param(message, 1).upper()
        names = param(message, 2).split()
        if verb == "ACK":
            self.caps.update(name for name in names if not name.startswith("-"))
        elif verb == "DEL":
            self.caps.difference_update(names)
        return []

    def _on_away_set(self, message: Message) -> list[Event]:
        self.away = message.verb == "306"
        return answer(message)

    def _on_list_entry(self, message: Message) -> list[Event]:
        name = param(message, 1)
        self.seen_channels[self.fold(name)] = name
        return self._replies.on_entry(message)

    def _on_nothing(self, message: Message) -> list[Event]:
        return []


_HANDLERS: dict[str, Callable[[State, Message], list[Event]]] = {
    "PRIVMSG": State._on_said,
    "NOTICE": State._on_said,
    "JOIN": State._on_join,
    "PART": State._on_part,
    "KICK": State._on_kick,
    "QUIT": State._on_quit,
    "NICK": State._on_nick,
    "INVITE": State._on_invite,
    "TOPIC": State._on_topic,
    "RENAME": State._on_channel_rename,
    "MODE": State._on_mode,
    "BATCH": State._on_batch,
    "CAP": State._on_cap,
    "NOTE": lambda state, message: state._replies.on_standard_reply(message),
    "WARN": lambda state, message: state._replies.on_standard_reply(message),
    "FAIL": lambda state, message: state._replies.on_standard_reply(message),
    "REGISTER": lambda state, message: state._replies.on_register(message),
    "VERIFY": lambda state, message: state._replies.on_register(message),
    "WALLOPS": lambda state, message: state._replies.on_wallops(message),
    "TAGMSG": State._on_tags,
    "REDACT": State._on_redaction,
    "MARKREAD": State._on_marker,
    "AWAY": lambda state, message: state.people.on_away(message),
    "ACCOUNT": lambda state, message: state.people.on_account(message),
    "METADATA": lambda state, message: state.people.on_metadata(message),
    "004": State._on_myinfo,
    "005": State._on_isupport,
    "221": State._on_own_modes,
    "305": State._on_away_set,
    "306": State._on_away_set,
    "315": lambda state, message: state._replies.on_who_end(message),
    "322": State._on_list_entry,
    "323": lambda state, message: state._replies.on_list_end(message),
    "332": State._on_topic_reply,
    "352": lambda state, message: state._replies.on_entry(message),
    "353": State._on_names,
    "366": State._on_names_end,
    "900": lambda state, message: state._replies.on_logged_in(message),
    **dict.fromkeys(
        ("PONG", "CHGHOST", "SETNAME", "KILL", "ERROR", "AUTHENTICATE", "ACK"),
        State._on_nothing,
    ),
}
