"""The context of a line: what a verb is called with, and how it answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from chatroom.chat.delivery.replies import begin_batch, begin_labelled, send_reply
from chatroom.chat.events import Event
from chatroom.chat.people.labelled_reply import Batch, Reply
from chatroom.chat.stored.records import Actor, Role
from chatroom.irc import caps
from chatroom.irc.framing import LINE_BYTES, encode
from chatroom.irc.limits import CHANNEL_BYTES, NICK_BYTES
from chatroom.irc.message import format_params
from chatroom.irc.numerics import Numeric
from chatroom.irc.packing import pack_words, shorten, split_text

if TYPE_CHECKING:
    from chatroom.chat.people.session import Session
    from chatroom.chat.people.user import User
    from chatroom.chat.world import World

_WORD_BYTES = 128
"""How much of a client's word a reply repeats: more than any valid name has."""
_FEW_BYTES = CHANNEL_BYTES
_MOST_REPEATED = 180
"""If a standard reply would repeat more bytes than these, it repeats at most ``_FEW_BYTES`` of each word."""


NICKSERV = "NICKSERV"
"""The verb under which a line is answered by the service NickServ: in notices from its nick, and in numerics."""


def printable(word: str) -> str:
    """Return a client's word in a form that can be a middle parameter of a reply; ``*`` if it has none.

    Only a word that is longer than any valid name is cut.
    """
    # An IPv6 address can begin with a colon, which in a middle parameter would begin the last one.
    if word.startswith("::"):
        word = "0" + word
    return shorten(word, _WORD_BYTES) if word and " " not in word and not word.startswith(":") else "*"


class Context:
    """A line that is being answered. It lives until the verb is done, also while the verb waits for a ``Pending``."""

    __slots__ = ("_batch", "is_asked", "session", "tags", "verb", "world")

    def __init__(
        self, world: World, session: Session, verb: str, tags: dict[str, str] | None = None, is_asked: bool = True
    ) -> None:
        self.world = world
        self.session = session
        self.verb = verb
        """The verb that standard replies name. If it is ``NICKSERV``, they are notices of the service."""
        self.tags = tags
        """The tags of the line; None if it has none."""
        self.is_asked = is_asked
        """False if another session sent the line: the replies are then no part of this session's labelled reply."""
        self._batch: Batch | None = None
        """The batch that is open (``batch``)."""

    @property
    def user(self) -> User:
        """The session's user. Only for verbs that are allowed after registration."""
        user = self.session.user
        assert user is not None, "the verb is for registered sessions"
        return user

    @property
    def nick(self) -> str:
        """The name of the session in a numeric: the user's nick, or ``*`` before registration."""
        session = self.session
        if session.user is not None:
            return session.user.nick
        return "*"

    @property
    def role(self) -> Role:
        """The role by which the line is judged, which is its session's."""
        return self.session.role

    @property
    def actor(self) -> Actor:
        """The name and address of the session, for the audit log and for bans."""
        control = self.session.control
        if control is not None:
            return Actor(control.name, "cli")
        user = self.session.user
        # The account that gives the rights, if it is not the user's own.
        if self.session.oper is not None:
            name = self.session.oper.name
        else:
            name = "*" if user is None else user.account_name or user.nick
        return Actor(name, self.session.address_text)

    @property
    def source(self) -> str:
        """The source of the lines that others read: the user, or the server for a control session."""
        user = self.session.user
        return user.prefix if user is not None else self.server

    @property
    def server(self) -> str:
        """The server's name, as the source of its lines."""
        return self.world.settings.server.name

    @property
    def most_replies(self) -> int:
        """The largest number of lines in one answer, so that it fills at most half of the send queue."""
        return self.world.settings.limits.sendq_bytes // 1024  # a line has at most 512 bytes

    # -- answers ----------------------------------------------------------------------------------

    def reply(self, numeric: Numeric, *params: str, text: str | None = None) -> None:
        """Answer with a numeric. ``text`` replaces the text that it ends in otherwise."""
        code, ending = numeric
        if text is not None:
            ending = text
        # Without the properties: nearly every answer comes here.
        user, server = self.session.user, self.world.settings.server.name
        nick = user.nick if user is not None else "*"
        # The text, if there is one, is the last parameter; only without it ``format_params`` must look at the others.
        if ending is not None:
            middle = " ".join([code, nick, *params])
            self.say(f":{server} {middle} :{ending}")
        else:
            self.say(f":{server} {code} {format_params([nick, *params])}")

    def reply_words(self, numeric: Numeric, *params: str, words: Iterable[str], separator: str = " ") -> None:
        """Answer with a numeric whose text is a list of words, in as many lines as they need; in none for no words."""
        user = self.session.user  # without the properties, as in ``reply``
        nick = user.nick if user is not None else "*"
        head = f":{self.world.settings.server.name} {' '.join([numeric.code, nick, *params])} :"
        for text in pack_words(words, separator, LINE_BYTES - len(head.encode())):
            self.say(head + text)

    def reply_text(self, numeric: Numeric, *params: str, text: str) -> None:
        """Answer with a numeric that ends in a text of any length, in as many lines as it needs."""
        # The room is that behind the longest nick, so that the same text is cut in the same places for all.
        room = LINE_BYTES - len(f":{self.server} {' '.join([numeric.code, *params])}  :".encode()) - NICK_BYTES
        for piece in split_text(text, room):
            self.reply(numeric, *params, text=piece)

    def use_reason(self, params: list[str], position: int, most_bytes: int) -> str:
        """Return the reason at a position of the parameters; empty if there is none.

        A reason never keeps a command from being carried out: it is cut if it is too long, and the client is warned.
        """
        return self.cut(params[position], most_bytes) if len(params) > position else ""

    def cut(self, text: str, most_bytes: int) -> str:
        """Return as much of a text as may be used, and warn the client if that is not all of it."""
        if len(text.encode()) <= most_bytes:
            return text
        warning = f"The text has at most {most_bytes} bytes, the rest was left out"
        self.warn("TEXT_CUT", str(most_bytes), text=warning)
        return shorten(text, most_bytes)

    def from_server(self, verb: str, *params: str) -> None:
        """Answer with a line whose source is the server."""
        self.say(f":{self.server} {verb} {format_params(params)}")

    def fail(self, code: str, *context: str, text: str) -> None:
        """Refuse by a standard reply (IRCv3 standard-replies, FAIL). ``context`` are the words behind the code."""
        # Sent to all clients: one without the capability shows the line all the same, and no numeric has its meaning.
        self.standard_reply("FAIL", code, *context, text=text)

    def warn(self, code: str, *context: str, text: str) -> None:
        """Warn by a standard reply (WARN), or by a notice if the client has not negotiated standard-replies."""
        self._inform("WARN", code, context, text)

    def note(self, code: str, *context: str, text: str) -> None:
        """Inform by a standard reply (NOTE), or by a notice if the client has not negotiated standard-replies."""
        self._inform("NOTE", code, context, text)

    def _inform(self, kind: str, code: str, context: tuple[str, ...], text: str) -> None:
        session = self.session
        if session.caps & caps.STANDARD_REPLIES or session.control is not None:
            self.standard_reply(kind, code, *context, text=text)
        else:
            self.notice(text)

    def standard_reply(self, kind: str, code: str, *context: str, text: str) -> None:
        """Say a FAIL, WARN or NOTE, whatever the client negotiated. A text that is too long needs several lines."""
        if self.verb == NICKSERV:
            self.notice(text)
            return
        words = [printable(word) for word in (self.verb, *context)]
        if sum(map(len, words)) > _MOST_REPEATED:  # only of words that are no valid names
            words = [shorten(word, _FEW_BYTES) for word in words]
        head = f":{self.server} {' '.join([kind, words[0], code, *words[1:]])} :"
        for piece in split_text(text, LINE_BYTES - len(head.encode())):
            self.say(head + piece)

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
            send_reply(self.world.outbox, session, reply, self.server)

    @contextmanager
    def batch(self, kind: str) -> Iterator[None]:
        """Put the replies of the ``with`` block into a batch, if the client has negotiated batches.

        ``kind`` is the batch's type with its parameters. An empty ``kind`` makes no batch.
        """
        if not kind or not self.session.caps & caps.BATCH:
            yield
            return
        outer, batch = self._batch, Batch(self.world.outbox.reference(), kind)
        self._batch = batch
        try:
            yield
        except BaseException:
            self._batch = outer
            if batch.is_open:
                self.say(batch)  # the client must not wait for its end
            raise
        self._batch = outer
        self.say(batch)

    def send_gathered(self) -> None:
        """Send what is gathered for a label, and for the batch that is open, if any: the rest follows in later ticks.

        The batch must not be in another one that was opened by ``batch``.
        """
        session, outbox, server, tags = self.session, self.world.outbox, self.server, ""
        if session.closing:
            return
        labelled = session.labelled_reply if self.is_asked else None
        if labelled is not None and (labelled.replies or self._batch is not None):
            tags = f"batch={begin_labelled(outbox, session, labelled, server).reference}"
        if self._batch is not None:
            begin_batch(outbox, session, self._batch, server, tags)

    def notice(self, text: str) -> None:
        """Answer with a NOTICE from the server or the service that was asked; several if the text needs them."""
        source = self.world.nickserv.prefix if self.verb == NICKSERV else self.server
        for event in self.world.outbox.notices(source, self.nick, text):
            self.say(event)
