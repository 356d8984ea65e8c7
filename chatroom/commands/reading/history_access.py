"""What of the history somebody may read, and reading it: shared by CHATHISTORY, SEARCH and REDACT.

Rights are those of now. A channel is read by its members, and by moderators and admins; nothing of it from before it
was made, and with mode H nothing from before they joined. A direct conversation is read by the two accounts whose it
is. A guest has none that is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from chatroom.chat.stored.entries import AtMessageId, AtTime, Bound, Conversation, direct, first_message_id
from chatroom.chat.stored.records import Role
from chatroom.commands.pending import Pending
from chatroom.errors import StorageError
from chatroom.irc.names import casefold

if TYPE_CHECKING:
    from chatroom.chat.events import Event
    from chatroom.chat.people.channel import Channel
    from chatroom.chat.stored.stores import Stores
    from chatroom.chat.world import World
    from chatroom.commands.context import Context

T = TypeVar("T")

_MOST_DIGITS = 18


class Place(NamedTuple):
    """Somewhere whose history somebody may read."""

    name: str
    """The channel's or the person's name as it is written."""
    conversation: Conversation | None
    """None where nothing is kept: between people of whom one is a guest."""
    channel: Channel | None
    since_ms: int
    """From when on."""


class _Unread(NamedTuple):
    """What a worker found where it could not read; why is the operator's to know."""

    why: str


def find_place(context: Context, target: str) -> Place | None:
    """The channel or person called ``target``; None where there is none, or the user may not read it."""
    world = context.world
    if target.startswith("#"):
        channel = world.find_channel(target)
        if channel is None or not _may_read(context, channel):
            return None
        return Place(channel.name, channel.name, channel, channel.readable_since(context.user, context.role))
    user = world.find_user(target)
    account = user.account if user is not None else world.accounts.find(target)
    name = user.nick if user is not None else account.name if account is not None else ""
    if not name:
        return None
    own = context.user.account
    both = None if own is None or account is None else direct(own.id, account.id)
    return Place(name, both, None, 0)


def is_same(place: Place, now: Place | None) -> bool:
    """Whether a place that was asked for is still to be read, and still the same one."""
    return now is not None and now.channel is place.channel and now.conversation == place.conversation


def _may_read(context: Context, channel: Channel) -> bool:
    return context.user in channel.members or context.role >= Role.MODERATOR


def not_before(bound: Bound, since_ms: int) -> Bound:
    """The bound, or the last place before ``since_ms`` where that is later."""
    if isinstance(bound, AtMessageId):
        return bound if bound.message_id >= first_message_id(since_ms) else AtTime(since_ms - 1)
    return bound if bound.time_ms >= since_ms else AtTime(since_ms - 1)


def direct_name(world: World, account_id: int) -> str:
    """What to call an account as the target of direct messages: by its nick where it is here; empty if it is gone."""
    account = world.accounts.find_by_id(account_id)
    if account is None:
        return ""
    nicks = [user.nick for user in world.online.users_of(account_id)]
    own = [nick for nick in nicks if casefold(nick) == casefold(account.name)]
    return (own or nicks or [account.name])[0]


def parse_limit(word: str) -> int:
    """How many are asked for; 0 where it is no number, or none that makes sense."""
    return int(word) if word.isascii() and word.isdigit() and len(word.lstrip("0")) <= _MOST_DIGITS else 0


def most_bytes(context: Context) -> int:
    """How many bytes one answer may have so that it can wait to be read."""
    return context.world.settings.limits.sendq_bytes // 2


def look_up(
    context: Context,
    read: Callable[[Stores], T],
    then: Callable[[Context, T], Pending | None],
    failed: Callable[[Context], None],
) -> Pending:
    """Have a worker read history; ``then`` answers, and looks at rights anew, unless the disk ``failed``."""

    def job(stores: Stores) -> T | _Unread:
        try:
            return read(stores)
        except StorageError as error:
            return _Unread(str(error))

    def go_on(context: Context, found: T | _Unread) -> Pending | None:
        if context.session.user is None:
            return None
        if isinstance(found, _Unread):
            context.world.log_line(f"{context.verb} of {context.nick} failed: {found.why}")
            failed(context)
            return None
        return then(context, found)

    # A client that sends a message and the question in one go must find the message in the answer.
    return Pending("history", job, go_on, after_commit=True)


def show(context: Context, batch: str, events: Iterable[Event]) -> None:
    """Answer with a batch of events of the history."""
    outbox = context.world.outbox
    with context.batch(batch):
        for event in events:
            outbox.number(event)
            context.say(event)
