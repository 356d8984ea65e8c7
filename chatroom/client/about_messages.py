"""Commands about a message that was said: to answer it, to react to it, to delete it, and to say it differently.

To edit is to delete and to say again, once the server has deleted: else a refusal would leave both.

Source: IRCv3 message redaction, and the client tags reply and react.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from chatroom.client.actions import AboutMessage, Say
from chatroom.client.chat_events import Denied, Event, Reacted, Redacted, Said
from chatroom.client.chat_state import State
from chatroom.client.places.log_entry import Entry
from chatroom.client.places.place import Place
from chatroom.client.text import clean
from chatroom.irc.message import Message, format_tags

REDACTION = "draft/message-redaction"
LONGEST_REACTION = 40
_RECENT = 50
_NO_IDS = "This server gives messages no ids, so nobody can refer to one."


class AboutMessages:
    """Carries them out. ``ask``: see ``Speech.ask``. ``say`` sends a message and returns the events to show."""

    def __init__(self, state: State, ask: Callable[[str, str, str], None], say: Callable[[Say], list[Event]]) -> None:
        self._state = state
        self._ask = ask
        self._say = say
        # Msgid of a message that is to be deleted to what is said then instead.
        self._edits: dict[str, Say] = {}

    def lost(self) -> list[Say]:
        """Report the end of the connection. Returns what was to be said instead of a message."""
        left = list(self._edits.values())
        self._edits.clear()
        return left

    def perform(self, action: AboutMessage, place: Place, typed: str) -> list[Event]:
        """Carry out a command about the last message that fits it. A refusal begins with ``typed``."""
        mine = action.kind == "edit" or (action.kind == "redact" and not action.nick)
        if mine and any(entry.delivery == "under way" for entry in place.log.entries[-_RECENT:]):
            return [Denied("Your last message is still on its way. Try again in a moment.")]
        entry = self.find(place, action.nick, mine=mine)
        if entry is None:
            whose = "you have" if mine else f"{action.nick or 'somebody else'} has"
            return [Denied(_NO_IDS if not place.log.newest_id else f"There is nothing here that {whose} said.")]
        if action.kind == "reply":
            return self.reply(place, entry, action.text)
        if action.kind == "react":
            return self.react(place, entry, action.text, typed)
        if action.kind == "redact":
            return self.redact(place, entry, action.text, typed)
        return self.edit(place, entry, action.text, typed)

    def find(self, place: Place, nick: str, *, mine: bool = False) -> Entry | None:
        """Return the last message of a user in a place, of anybody else without a nick, or of the user's own."""
        folded = self._state.fold(nick)
        for entry in reversed(place.log.entries):
            said = entry.said
            if said is None or not said.id or entry.redaction is not None:
                continue
            if said.mine if mine else (self._state.fold(said.nick) == folded if nick else not said.mine):
                return entry
        return None

    def reply(self, place: Place, entry: Entry, text: str) -> list[Event]:
        """Say something in answer to a message."""
        # On a server that drops the tag it is a message like others.
        takes = "message-tags" in self._state.caps and self._state.features.takes_tag("draft/reply")
        return self._say(Say(place.name, text, reply_to=entry.id if takes else ""))

    def react(self, place: Place, entry: Entry, reaction: str, typed: str = "") -> list[Event]:
        """React to a message, or take it back if the user has reacted so already."""
        features = self._state.features
        if "message-tags" not in self._state.caps or not features.takes_tag("draft/react") or not entry.id:
            return [Denied("This server passes no reactions on.")]
        reaction = clean(reaction).strip()[:LONGEST_REACTION]
        me = self._state.fold(self._state.nick)
        takes_back = any(self._state.fold(nick) == me for nick in entry.reactions.get(reaction, []))
        name = "+draft/unreact" if takes_back else "+draft/react"
        tags = format_tags({"+draft/reply": entry.id, name: reaction})
        self._ask(f"TAGMSG {place.name}", typed or f"/react {reaction}", tags)
        if "echo-message" in self._state.caps:
            return []  # the server shows it
        return [Reacted(place.name, entry.id, self._state.nick, reaction, not takes_back, mine=True)]

    def redact(self, place: Place, entry: Entry, reason: str = "", typed: str = "/redact") -> list[Event]:
        """Delete a message, of the user's own or, with the right to, of others. A refusal begins with ``typed``."""
        if REDACTION not in self._state.caps or not entry.id:
            return [Denied("This server cannot delete messages.")]
        self._ask(f"REDACT {place.name} {entry.id}" + (f" :{reason}" if reason else ""), typed, "")
        return []

    def edit(self, place: Place, entry: Entry, text: str, typed: str = "/edit") -> list[Event]:
        """Delete a message of the user's own and say another text instead."""
        refused = self.redact(place, entry, typed=typed)
        if not refused and entry.said is not None:
            self._edits[entry.id] = Say(place.name, text, entry.said.kind, entry.said.reply_to)
        return refused

    def follow(self, event: Event) -> list[Event]:
        """Say the new text when the server has deleted the old one. Returns the events that show it."""
        new = self._edits.pop(event.id, None) if isinstance(event, Redacted) and event.mine else None
        return self._say(new) if new is not None else []

    def renamed(self, old: str, new: str) -> None:
        """Report that a channel has another name, or a user another nick."""
        folded = self._state.fold(old)
        for msgid, edit in self._edits.items():
            if self._state.fold(edit.target) == folded:
                self._edits[msgid] = replace(edit, target=new)

    def refused(self, message: Message) -> Say | None:
        """Take a refusal of the server. Returns what was to be said instead of a message that stays."""
        if message.verb != "FAIL" or message.params[:1] != ["REDACT"]:
            return None
        return next((self._edits.pop(word) for word in message.params[2:-1] if word in self._edits), None)

    def explain(self, event: Event, place: Place | None) -> Event:
        """Add to an event what message it is about, for those who see no log."""
        entry = place.log.find(event.id) if place is not None and isinstance(event, Reacted | Redacted) else None
        said = entry.said if entry is not None else None
        if said is None:
            return event
        return _with_about(event, said)


def _with_about(event: Event, said: Said) -> Event:
    if isinstance(event, Reacted):
        return Reacted(
            event.conversation, event.id, event.nick, event.reaction, event.added, event.mine, event.at, said.text
        )
    if isinstance(event, Redacted):
        return Redacted(event.conversation, event.id, event.by, event.reason, event.mine, event.at, said.nick)
    return event
