"""What a verb is called with: who said it, the world, and the way to answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from chatroom.chat.events import Event
from chatroom.chat.people.labelled_reply import Batch, Reply
from chatroom.chat.stored.records import Actor, Role
from chatroom.irc import caps
from chatroom.irc.framing import LINE_BYTES, encode
from chatroom.irc.message import format_params
from chatroom.irc.numerics import Numeric
from chatroom.irc.packing import pack_words

if TYPE_CHECKING:
    from chatroom.chat.people.session import Session
    from chatroom.chat.people.user import User
    from chatroom.chat.world import World


def printable(word: str) -> str:
    """A parameter as it may be repeated in the middle of a reply; an address such as ``::1`` begins with a 0 then."""
    if word.startswith("::"):
        word = "0" + word
    return word[:128] if word and " " not in word and not word.startswith(":") else "*"


class Context:
    """One line being answered. Lives until the verb is done, also over a ``Pending``."""

    __slots__ = ("_batch", "is_asked", "session", "tags", "verb", "world")

    def __init__(
        self, world: World, session: Session, verb: str, tags: dict[str, str] | None = None, is_asked: bool = True
    ) -> None:
        self.world = world
        self.session = session
        self.verb = verb
        self.tags = tags
        self.is_asked = is_asked
        """False if the session did not send the line: then nothing said here belongs to a labelled reply of it."""
        self._batch: Batch | None = None

    @property
    def user(self) -> User:
        """Who said it. Only for verbs allowed after registration."""
        user = self.session.user
        assert user is not None, "the verb is for registered sessions"
        return user

    @property
    def nick(self) -> str:
        """What to call the session in a numeric."""
        session = self.session
        if session.user is not None:
            return session.user.nick
        return "*"

    @property
    def role(self) -> Role:
        """The role in which it was said; a guest's is ``USER``, and so is that of an operator who stepped down."""
        if self.session.control is not None:
            return self.session.control.role
        user = self.session.user
        if user is None or user.stepped_down:
            return Role.USER
        return user.role or Role.USER

    @property
    def actor(self) -> Actor:
        """Who and where from, for the audit and for bans."""
        control = self.session.control
        if control is not None:
            return Actor(control.name, "cli")
        user = self.session.user
        name = "*" if user is None else user.account_name or user.nick
        return Actor(name, self.session.address_text)

    @property
    def source(self) -> str:
        """Who others read it from: a person, or the server for the control socket."""
        user = self.session.user
        return user.prefix if user is not None else self.server

    @property
    def server(self) -> str:
        """The server's name on the wire."""
        return self.world.settings.server.name

    @property
    def most_replies(self) -> int:
        """How many lines one answer may have so that it can wait to be read: half of what may wait for a client."""
        return self.world.settings.limits.sendq_bytes // 1024

    # -- answers ----------------------------------------------------------------------------------

    def reply(self, numeric: Numeric, *params: str, text: str | None = None) -> None:
        """Answer with a numeric; ``text`` stands in for the words it usually ends in."""
        code, ending = numeric
        if text is not None:
            ending = text
        if ending is not None:
            middle = " ".join([code, self.nick, *params])
            self.say(f":{self.server} {middle} :{ending}")
        else:
            self.say(f":{self.server} {code} {format_params([self.nick, *params])}")

    def reply_words(self, numeric: Numeric, *params: str, words: Iterable[str], separator: str = " ") -> None:
        """Answer with a numeric whose text is many words, in as many lines as it takes; with none where none are."""
        head = f":{self.server} {' '.join([numeric.code, self.nick, *params])} :"
        for text in pack_words(words, separator, LINE_BYTES - len(head.encode())):
            self.say(head + text)

    def from_server(self, verb: str, *params: str) -> None:
        """Answer with a line of the server's own."""
        self.say(f":{self.server} {verb} {format_params(params)}")

    def fail(self, code: str, *context: str, text: str) -> None:
        """Refuse by a standard reply (IRCv3 standard-replies, FAIL), which is told to every client: it has the code."""
        self.standard_reply("FAIL", code, *context, text=text)

    def warn(self, code: str, *context: str, text: str) -> None:
        """Warn by a standard reply; in a notice where the client does not know them."""
        self._inform("WARN", code, context, text)

    def note(self, code: str, *context: str, text: str) -> None:
        """Inform by a standard reply; in a notice where the client does not know them."""
        self._inform("NOTE", code, context, text)

    def _inform(self, kind: str, code: str, context: tuple[str, ...], text: str) -> None:
        session = self.session
        if session.caps & caps.STANDARD_REPLIES or session.control is not None:
            self.standard_reply(kind, code, *context, text=text)
        else:
            self.notice(text)

    def standard_reply(self, kind: str, code: str, *context: str, text: str) -> None:
        """Say a FAIL, WARN or NOTE line, whatever the client negotiated."""
        middle = " ".join([kind, printable(self.verb), code, *map(printable, context)])
        self.say(f":{self.server} {middle} :{text}")

    def say(self, reply: Reply) -> None:
        """Answer with a line, an event or a batch. It is gathered if a batch is open or the command has a label."""
        session = self.session
        if session.closing:
            return
        if self._batch is not None:
            self._batch.replies.append(reply)
        elif session.labelled_reply is not None and self.is_asked:
            session.labelled_reply.replies.append(reply)
        elif isinstance(reply, str):
            self.world.outbox.to_session(session, encode(reply))
        elif isinstance(reply, Event):
            self.world.tell_event(session, reply)
        else:
            self.world.outbox.send_reply(session, reply, self.server)

    @contextmanager
    def batch(self, kind: str) -> Iterator[None]:
        """Put what is answered meanwhile into a batch, where the client knows batches.

        ``kind`` is its type, with its parameters; an empty one makes no batch.
        """
        if not kind or not self.session.caps & caps.BATCH:
            yield
            return
        outer, batch = self._batch, Batch(self.world.outbox.reference(), kind)
        self._batch = batch
        try:
            yield
        finally:
            self._batch = outer
        self.say(batch)

    def notice(self, text: str) -> None:
        """Tell the session something, in words."""
        self.say(self.world.outbox.event(self.server, f"NOTICE {self.nick} :{text}"))
