"""The outgoing hooks of each channel, and the events for them that the tick under way must store.

A channel without hooks costs a message one test (``by_channel``). For the others, a row goes into the transaction of
the tick: it is stored with the message, or the message is not said. A thread of the daemon delivers it later.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from chatroom.chat.stored.entries import Kind
from chatroom.chat.stored.hook_records import Hook, HookEventRow, IncomingHook
from chatroom.irc.names import casefold

if TYPE_CHECKING:
    from chatroom.chat.admission.flood import LineBudget
    from chatroom.chat.events import Event
    from chatroom.chat.people.channel import Channel

_ACTION = "\x01ACTION "
_KINDS = {Kind.JOIN: "join", Kind.PART: "leave", Kind.QUIT: "leave", Kind.KICK: "leave", Kind.TOPIC: "topic"}


class HookQueue:
    """Which hooks there are, and what waits to be stored for them. Guarded by the hub lock."""

    __slots__ = ("_names", "_renamed", "budgets", "by_channel", "incoming", "rows")

    def __init__(self) -> None:
        self.by_channel: dict[str, tuple[Hook, ...]] = {}
        """The outgoing hooks that are not paused, by the casefolded names of their channels."""
        self.incoming: dict[int, IncomingHook] = {}
        """The incoming hooks by their ids."""
        self.budgets: dict[int, LineBudget] = {}
        """The rate limits of incoming hooks that have said something."""
        self.rows: list[HookEventRow] = []
        """The events that are not stored yet."""
        self._names: dict[int, str] = {}
        """The casefolded name of each hook's channel."""
        self._renamed: list[tuple[str, str]] = []
        """New names of channels that the database does not have yet, in order: the old one and the new, casefolded."""

    def use(self, hooks: Iterable[Hook], incoming: Iterable[IncomingHook] = ()) -> None:
        """Use these hooks instead of the earlier ones. ``incoming`` has what else is known of the incoming ones.

        They are as the database has them, which may not have the latest names of channels yet.
        """
        self._names, self.by_channel = {}, {}
        for hook in hooks:
            name = casefold(hook.channel)
            for before, after in self._renamed:
                name = after if name == before else name
            self._names[hook.id] = name
            if hook.is_outgoing and not hook.paused:
                self.by_channel[name] = (*self.by_channel.get(name, ()), hook)
        self.incoming = {one.id: one for one in incoming if one.id in self._names}
        self.budgets = {hook_id: one for hook_id, one in self.budgets.items() if hook_id in self.incoming}

    def channel_of(self, hook_id: int) -> str:
        """The casefolded name of a hook's channel."""
        return self._names[hook_id]

    def rename_channel(self, name: str, new_name: str) -> None:
        """Have the hooks of a channel follow it to its new name. ``end_rename`` follows when that is stored."""
        before, after = casefold(name), casefold(new_name)
        if before == after:
            return
        self._renamed.append((before, after))
        for hook_id, folded in self._names.items():
            if folded == before:
                self._names[hook_id] = after
        moved = self.by_channel.pop(before, ())
        if moved:
            self.by_channel[after] = (*self.by_channel.get(after, ()), *moved)

    def end_rename(self, name: str, new_name: str) -> None:
        """The database has a new name. A hook that is added for the old one from now on is for another channel."""
        names = casefold(name), casefold(new_name)
        if names in self._renamed:
            self._renamed.remove(names)

    def forget_renames(self) -> None:
        """Wait for no new name any more. ``use`` follows, when the database has those that were told."""
        self._renamed = []

    def ids_of(self, folded: str) -> list[int]:
        """The hooks of a channel that are not paused, by its casefolded name."""
        found = [hook.id for hook in self.by_channel.get(folded, ())]
        return found + [one.id for one in self.incoming.values() if not one.paused and self._names[one.id] == folded]

    def pause(self, ids: Iterable[int]) -> None:
        """Pause hooks."""
        paused = set(ids)
        kept = {name: tuple(one for one in hooks if one.id not in paused) for name, hooks in self.by_channel.items()}
        self.by_channel = {name: hooks for name, hooks in kept.items() if hooks}
        for hook_id in paused & self.incoming.keys():
            self.incoming[hook_id] = self.incoming[hook_id]._replace(paused=True)

    def add_message(self, channel: Channel, event: Event, verb: str, text: str, *, by_hook: bool = False) -> None:
        """Add a PRIVMSG or NOTICE to a channel, which is about to be said. ``by_hook``: an incoming hook says it."""
        hooks = self.by_channel.get(channel.folded)
        if not hooks or verb not in ("PRIVMSG", "NOTICE"):
            return
        if event.parts is not None:
            text = "".join(part.text if part.concat else f"\n{part.text}" for part in event.parts)[1:]
        kind = wanted = "message" if verb == "PRIVMSG" else "notice"
        if text.startswith(_ACTION):
            kind, text = "action", text[len(_ACTION) :].removesuffix("\x01")
        for hook in hooks:
            if wanted in hook.events and (hook.hears_hooks or not by_hook) and _is_wanted(hook, text):
                self._add(hook, event, kind, text)

    def add_event(self, channel: Channel, event: Event, kind: Kind, text: str) -> None:
        """Add what happened in a channel. ``text`` is that of its history entry."""
        name = _KINDS.get(kind)
        if name is None:
            return
        nick = event.source.partition("!")[0]
        if kind is Kind.KICK:
            nick, _, text = text.partition(" ")
        elif kind is Kind.JOIN:
            text = ""  # the history has the real name, which is nobody's business elsewhere
        for hook in self.by_channel.get(channel.folded, ()):
            if name in hook.events:
                self._add(hook, event, name, text, nick)

    def take(self) -> list[HookEventRow]:
        """Take the events out, to be stored."""
        rows, self.rows = self.rows, []
        return rows

    def _add(self, hook: Hook, event: Event, kind: str, text: str, nick: str = "") -> None:
        nick = nick or event.source.partition("!")[0]
        account = event.account if event.account is not None and event.source.startswith(f"{nick}!") else None
        self.rows.append(HookEventRow(hook.id, event.seq, event.time_ms, kind, nick, account or "", text))


def _is_wanted(hook: Hook, text: str) -> bool:
    """True if a text meets the conditions of a hook: with a prefix and a mention, one of the two is enough."""
    if not hook.prefix and not hook.mention:
        return True
    lowered = text.lower()
    if hook.prefix and lowered.startswith(hook.prefix.lower()):
        return True
    return bool(hook.mention) and has_word(lowered, hook.mention.lower())


def has_word(text: str, word: str) -> bool:
    """True if the text has the word with no letter, digit or underscore beside it. Both are in lower case."""
    start = text.find(word)
    while start >= 0:
        before, after = text[start - 1 : start] if start else "", text[start + len(word) : start + len(word) + 1]
        if not any(char.isalnum() or char == "_" for char in before + after):
            return True
        start = text.find(word, start + 1)
    return False
