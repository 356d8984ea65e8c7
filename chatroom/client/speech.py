"""What the user says, on its way to the server. A message is *under way* until the server has answered it.

How the server answers depends on what it offers. With ``labeled-response`` each answer names the message that it is
for, so that a refusal is known to be for this one. With ``echo-message`` the message comes back. Without both, a PING
follows each message, and its PONG proves that the server has read what came before.

Source: IRCv3 labeled-response and echo-message.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from chatroom.client.actions import Say
from chatroom.client.chat_events import Event, Info, Said, UnderWay, Unsaid
from chatroom.client.chat_state import State
from chatroom.client.formatting import bare
from chatroom.client.pacing import Pacer
from chatroom.client.saying import compose
from chatroom.client.unlabelled import UnlabelledCommands
from chatroom.irc.message import Message

_REFUSALS = frozenset(
    ["401", "402", "403", "404", "407", "408", "412", "413", "414", "415", "417", "477", "531", "716"]
)
"""Numerics that refuse a message and name its target, for a server without labels."""
_MOST_ASKED = 50
"""How many commands wait for an answer at most. A server need not answer each."""


class Speech:
    """Sends messages no faster than the server reads them, and knows which are under way. It outlives a connection.

    ``write`` sends a line. ``again``: messages that a lost connection had not confirmed are sent again on the next one,
    as a script wants it. Without it they are given back as ``Unsaid``.
    """

    def __init__(self, state: State, write: Callable[[str], None], *, again: bool) -> None:
        self._state = state
        self._again = again
        self._pacer = Pacer(write, again=again)
        self._count = 0
        # Label to message, in the order of sending.
        self._under_way: dict[str, Said] = {}
        # The same, for messages that no echo will show and that the pacer holds back.
        self._unwritten: dict[str, Said] = {}
        # Reference of an open batch of answers to the label that they are for.
        self._batches: dict[str, str] = {}
        # The same for commands: label to what was typed, and batch to label.
        self._asked: dict[str, str] = {}
        self._asked_in: dict[str, str] = {}
        self._unlabelled = UnlabelledCommands(state.fold)
        self._write = write

    @property
    def ready(self) -> bool:
        """True if messages are sent at once: the welcome is over, and the channels to return to have been asked for."""
        return self._pacer.is_open

    @property
    def delivered(self) -> bool:
        """True if the server has confirmed every message."""
        return self._pacer.idle

    @property
    def unsaid(self) -> int:
        """The number of messages that have not been sent yet."""
        return self._pacer.waiting

    @property
    def under_way(self) -> list[Said]:
        """The messages that no line on the screen shows yet, oldest first."""
        return list(self._under_way.values()) if self._is_echoed else list(self._unwritten.values())

    @property
    def _is_echoed(self) -> bool:
        return "echo-message" in self._state.caps

    @property
    def _has_labels(self) -> bool:
        return "labeled-response" in self._state.caps and not self._again

    def flush(self) -> None:
        """Ask the server to confirm all messages; ``delivered`` is True when it has."""
        self._pacer.flush()

    def open(self) -> list[Event]:
        """Send from now on, what waits first. The capabilities must be known. Returns the events that show it."""
        self._pacer.confirms = not self._again and not self._has_labels
        self._pacer.open()
        return self._written()

    def lost(self) -> list[Unsaid]:
        """Report the end of the connection. Returns what it has left unanswered."""
        self._pacer.close()
        for of_connection in (self._batches, self._asked, self._asked_in):
            of_connection.clear()
        self._unlabelled.clear()
        self._unwritten.clear()
        if self._again:
            return []
        unwritten = {parcel.key for parcel in self._pacer.clear()}
        left = [Unsaid(said, perhaps=label not in unwritten) for label, said in self._under_way.items()]
        self._under_way.clear()
        return left

    def stop(self) -> list[Event]:
        """Drop the messages that have not been sent yet, such as the rest of a long paste, and say how many."""
        dropped = self._pacer.clear()
        unsaid: list[Event] = []
        for parcel in dropped:
            self._unwritten.pop(parcel.key, None)
            said = self._under_way.pop(parcel.key, None)
            if said is not None:
                unsaid.append(Unsaid(said, stopped=True))
        what = "1 message was" if len(dropped) == 1 else f"{len(dropped)} messages were"
        return [*unsaid, Info(f"{what} not sent. The arrow up brings the text back.")] if dropped else []

    def renamed(self, old: str, new: str) -> None:
        """Report that a channel or user has another name: what is not said after all belongs there."""
        folded = self._state.fold(old)
        for messages in (self._under_way, self._unwritten):
            for label, said in messages.items():
                if self._state.fold(said.conversation) == folded:
                    messages[label] = replace(said, conversation=new)

    def ask(self, line: str, typed: str, tags: str = "") -> None:
        """Send the line of a command, so that a refusal can be shown with what the user has typed."""
        # A labelled JOIN would have a label on all that comes with it, as if the user had asked for that.
        if self._has_labels and not line.startswith(("@", "JOIN ")):
            self._count += 1
            self._asked[f"{self._count}"] = typed
            if len(self._asked) > _MOST_ASKED:
                del self._asked[next(iter(self._asked))]
            tags = f"label={self._count};{tags}".rstrip(";")
        else:
            self._unlabelled.sent(line, typed)
        self._write(f"@{tags} {line}" if tags else line)

    def asked(self, message: Message) -> str:
        """Return the command that a message of the server answers; empty if that is not known."""
        tags = message.tags or {}
        if not ("label" in tags or "batch" in tags):
            typed = self._unlabelled.answered(message, is_mine=self._state.is_me(message.nick))
            if typed:
                return typed
        if not self._asked:
            return ""
        label = tags.get("label") or self._asked_in.get(tags.get("batch", ""), "")
        typed = self._asked.get(label, "")
        if typed and message.verb == "BATCH" and message.params[0].startswith("+"):
            self._asked_in[message.params[0][1:]] = label  # the answers follow
        elif typed and "label" in tags:
            del self._asked[label]
        elif message.verb == "BATCH" and message.params and message.params[0].startswith("-"):
            self._asked.pop(self._asked_in.pop(message.params[0][1:], ""), None)
        return typed

    def confirmed(self, token: str) -> list[Event] | None:
        """Take a PONG; None if it is not for a PING of this class.

        Returns the messages that the server has read and not echoed, if it echoes, and those that are sent now.
        """
        parcels = self._pacer.pong(token)
        if parcels is None:
            return None
        if self._has_labels:
            return self._written()  # of those before, the answers themselves say more
        silent = [self._under_way.pop(parcel.key, None) for parcel in parcels]
        swallowed = [said for said in silent if said is not None and self._is_echoed]
        return [*(Unsaid(said, perhaps=True) for said in swallowed), *self._written()]

    def say(self, action: Say) -> list[Event]:
        """Send a message and return the events that show it now."""
        new: list[Said] = []
        for lines, tags, said in compose(action, self._state):
            self._count += 1
            label = f"{self._count}"
            said = replace(said, key=label)
            new.append(said)
            if not self._again:
                self._under_way[label] = said
            if not self._is_echoed:  # then the server does not show it to us
                self._unwritten[label] = said
            tags = f"label={label};{tags}".rstrip(";") if self._has_labels else tags
            first, *rest = lines
            self._pacer.send(f"@{tags} {first}" if tags else first, *rest, key=label)
        written = self._written()
        shown = {said.key for said in written if isinstance(said, Said)}
        return [*written, *(UnderWay(said) for said in new if said.key not in shown)]

    def _written(self) -> list[Event]:
        """Return the events of messages that have been sent just now, and that no echo will show."""
        events: list[Event] = []
        for label in list(self._unwritten):
            if self._pacer.waits(label):
                break  # they are sent in order
            events.append(self._unwritten.pop(label))
        return events

    def read(self, message: Message) -> tuple[list[Event], str]:
        """Look if a message of the server answers one under way. Returns what was refused, and the key of the echo."""
        label = self._label(message) if self._under_way else ""
        if label not in self._under_way:
            return [], ""
        if message.verb == "BATCH" and message.params[1:2] == ["labeled-response"]:
            self._batches[message.params[0][1:]] = label  # the answers follow
            return [], ""
        said = self._under_way.pop(label)
        return ([Unsaid(said, refused=True)], "") if _is_refusal(message) else ([], label)

    def _label(self, message: Message) -> str:
        """Return the label of the message that this one answers; empty if it answers none."""
        if self._has_labels:
            if message.verb == "BATCH" and message.params[:1] and message.params[0].startswith("-"):
                return self._batches.pop(message.params[0][1:], "")
            tags = message.tags or {}
            return tags.get("label") or self._batches.get(tags.get("batch", ""), "")
        params = message.params
        if message.verb == "PRIVMSG" and self._is_echoed and len(params) > 1 and self._state.is_me(message.nick):
            return self._oldest(params[0], bare(params[1]))
        if message.verb in _REFUSALS and len(params) > 1:
            return self._oldest(params[1])
        return ""

    def _oldest(self, target: str, text: str = "") -> str:
        """Return the label of the oldest message to ``target``, if possible of one with this text."""
        folded = self._state.fold(target)
        labels = [label for label, said in self._under_way.items() if self._state.fold(said.conversation) == folded]
        # A server may change the text on its way, for example take its colours away.
        same = [label for label in labels if self._under_way[label].text in text]
        return next(iter([*same, *labels]), "")


def _is_refusal(message: Message) -> bool:
    return message.verb == "FAIL" or "400" <= message.verb <= "599"
