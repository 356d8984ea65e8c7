"""Access to the history, shared by CHATHISTORY, SEARCH and REDACT: the right to read it, and the reading in a worker.

The rights of the moment decide, not those at the time of a message:

- The members of a channel, moderators and admins can read its history from its creation on. With mode H, a member can
  read it only from the member's JOIN on.
- Two accounts can read the messages between them.
- An account can read its messages from and to guests, by the nick that the guest had. The guest cannot, nor can an
  account that has registered the nick since. Messages between guests are not stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from chatroom.chat.stored.entries import Conversation, direct, folded
from chatroom.chat.stored.records import Role
from chatroom.chat.work_queue import PATIENCE_MS
from chatroom.commands.pending import Pending
from chatroom.commands.talking.writing_history import RETRY_MS
from chatroom.irc.names import casefold, is_nick

if TYPE_CHECKING:
    from chatroom.chat.events import Event
    from chatroom.chat.people.channel import Channel
    from chatroom.chat.stored.stores import Stores
    from chatroom.chat.world import World
    from chatroom.commands.context import Context

T = TypeVar("T")


_MOST_DIGITS = 18
"""More digits than any valid limit has, and few enough for ``int``."""


class Readable(NamedTuple):
    """A history that the user may read: that of a channel, or the messages with another user."""

    name: str
    """The channel's name or the other user's nick, as it is written."""
    conversations: tuple[Conversation, ...]
    """What is stored under the name; empty if nothing is, because the user is a guest. Messages with a user may be two:
    with the account, and with guests of that nick.
    """
    channel: Channel | None
    """None for the messages with a user."""
    after: int
    """The message id after which the user may read it; 0 for all of it."""
    is_known: bool = True
    """False if there is no such user or account: then there is such a history only if something is stored."""


def find_readable(context: Context, target: str) -> Readable | None:
    """Return the history of a channel or with a user; None if there is no such target or the user may not read it."""
    world = context.world
    if target.startswith("#"):
        channel = world.find_channel(target)
        if channel is None or not _may_read(context, channel):
            return None
        return Readable(channel.name, (channel.name,), channel, channel.readable_after(context.user, context.role))
    user, own = world.find_user(target), context.user.account
    account = user.account if user is not None else world.accounts.find(target)
    name = user.nick if user is not None else account.name if account is not None else ""
    if not name and (own is None or not is_nick(target)):
        return None
    found: list[Conversation] = []
    if own is not None:
        if account is not None:
            found.append(direct(own.id, account.id))
        if account is not own:
            found.append((own.id, target))
    return Readable(name or target, tuple(found), None, 0, bool(name))


def is_same(readable: Readable, now: Readable | None) -> bool:
    """True if ``now``, which was found after waiting, is the history that was asked for: the user may still read it."""
    if now is None or now.channel is not readable.channel:
        return False
    # The channel may have another case of its name by now. The other user may have logged in, or left.
    return now.channel is not None or {*map(folded, readable.conversations)} <= {*map(folded, now.conversations)}


def _may_read(context: Context, channel: Channel) -> bool:
    return context.user in channel.members or context.role >= Role.MODERATOR


def direct_name(world: World, other: int | str) -> str:
    """Return the name of an account, or of a guest by its nick, as a target of direct messages.

    An account has a nick of its, or its own name. The name is empty if the account was deleted.
    """
    if isinstance(other, str):
        user = world.find_user(other)
        return other if user is None else user.nick
    account_id = other
    account = world.accounts.find_by_id(account_id)
    if account is None:
        return ""
    nicks = [user.nick for user in world.online.users_of(account_id)]
    # A user can wear another nick than its account's name, and two users of an account have two nicks.
    own = [nick for nick in nicks if casefold(nick) == casefold(account.name)]
    return (own or nicks or [account.name])[0]


def name_of(context: Context, conversation: Conversation, message_id: int) -> str:
    """Return the name of a conversation for the client; empty if the user may not read that message of it any more."""
    user, world = context.user, context.world
    if isinstance(conversation, str):
        channel = world.find_channel(conversation)
        if channel is None or channel not in user.channels or message_id <= channel.readable_after(user, context.role):
            return ""
        return channel.name
    if user.account is None or user.account.id not in conversation:
        return ""
    one, other = conversation
    return direct_name(world, one if other == user.account.id else other)


def parse_limit(word: str) -> int:
    """Return the number of entries that a client asks for; 0 if the word is not a number."""
    return int(word) if word.isascii() and word.isdigit() and len(word.lstrip("0")) <= _MOST_DIGITS else 0


def most_bytes(context: Context) -> int:
    """The largest size of one answer, in bytes, so that it fills at most half of the send queue."""
    return context.world.settings.limits.sendq_bytes // 2


def look_up(
    context: Context,
    read: Callable[[Stores], T],
    then: Callable[[Context, T], Pending | None],
    failed: Callable[[Context], None],
) -> Pending:
    """Have a worker run ``read``, and answer with what it found.

    ``then`` answers. It must check the user's rights again, because time has passed. ``failed`` answers instead if the
    history could not be read. Neither is called if the session has ended.
    """
    return _wait_for_journal(context, read, then, failed) or _ask(read, then, failed)


def _wait_for_journal(
    context: Context,
    read: Callable[[Stores], T],
    then: Callable[[Context, T], Pending | None],
    failed: Callable[[Context], None],
    since_mono_ms: int | None = None,
) -> Pending | None:
    """Return what to wait for if the database does not have all of the history yet; otherwise None.

    A channel's new name may wait for the database's write lock. ``since_mono_ms`` is when the wait
    began; None begins one.
    """
    world = context.world
    if not world.ledger.is_behind:
        return None
    since = world.mono_ms if since_mono_ms is None else since_mono_ms

    def go_on(context: Context, result: object) -> Pending | None:
        if context.session.user is None:
            return None
        if world.mono_ms - since > PATIENCE_MS and world.ledger.is_behind:
            failed(context)
            return None
        return _wait_for_journal(context, read, then, failed, since) or _ask(read, then, failed)

    return Pending(None, None, go_on, RETRY_MS)


def _ask(
    read: Callable[[Stores], T],
    then: Callable[[Context, T], Pending | None],
    failed: Callable[[Context], None],
) -> Pending:
    def answer(context: Context, found: T) -> Pending | None:
        return None if context.session.user is None else then(context, found)

    def refuse(context: Context) -> None:
        if context.session.user is not None:
            failed(context)  # these verbs have codes of their own

    # A client that sends a message and the question in one go must find the message in the answer.
    return Pending("history", read, answer, after_commit=True, reads=True, if_unreadable=refuse)


def show(context: Context, batch: str, events: Iterable[Event]) -> None:
    """Answer with a batch of type ``batch`` of events of the history, up to its end (``OneNode.history_end``)."""
    outbox, end = context.world.outbox, context.world.history_end
    with context.batch(batch):
        for event in events:
            if end is not None and event.message_id > end:
                continue  # it was asked for when this was about to be told, and is not told yet
            outbox.number(event)
            context.say(event)
