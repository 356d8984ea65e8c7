"""What of the chat goes into the history, and waiting until it can (see ``chatroom.chat.delivery.ledger``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from chatroom.chat.stored.entries import direct
from chatroom.commands.pending import Pending

if TYPE_CHECKING:
    from chatroom.chat.events import Event
    from chatroom.chat.people.channel import Channel
    from chatroom.chat.stored.records import AccountEntry
    from chatroom.chat.world import World
    from chatroom.commands.context import Context
    from chatroom.commands.talking.utterance import Utterance

PATIENCE_MS = 5000
"""How long a message waits while somebody else holds the database's write lock."""
_RETRY_MS = 5
Say = Callable[["Utterance", "list[str]"], None]


def wait_for_journal(utterance: Utterance, names: list[str], say: Say, since_ms: int = 0) -> Pending | None:
    """Return what to wait for before ``say(utterance, names)``, if the history must have it and is locked.

    None if there is nothing to wait for. After ``PATIENCE_MS`` the message is refused, and was shown to nobody.
    """
    world, context = utterance.world, utterance.context
    if not any(_is_kept(utterance, name) for name in names) or world.ledger.ready():
        return None
    since_ms = since_ms or world.now_ms
    if world.now_ms - since_ms > PATIENCE_MS:
        refuse_unwritten(context, names[0], "the database is busy")
        return Pending("none", None, lambda context, result: None)

    def then(context: Context, result: object) -> Pending | None:
        if context.session.user is None:
            return None
        pending = wait_for_journal(utterance, names, say, since_ms)
        if pending is None:
            say(utterance, names)
        return pending

    return Pending("none", None, then, _RETRY_MS)


def refuse_unwritten(context: Context, target: str, why: str) -> None:
    """Tell somebody that what they said was not kept, and so was not said."""
    context.fail("NOT_KEPT", target, text=f"Your message was not kept, and nobody was shown it: {why}")


def _is_kept(utterance: Utterance, name: str) -> bool:
    world = utterance.world
    history = world.settings.history
    if name.startswith("#"):
        return history.messages
    if not history.direct_messages or utterance.user.account is None:
        return False
    target = world.find_user(name)
    return target.account is not None if target is not None else world.accounts.find(name) is not None


def write_channel_message(utterance: Utterance, event: Event, channel: Channel) -> None:
    """Keep a message to a channel that somebody is about to say. The ledger is ready."""
    world, session, user = utterance.world, utterance.session, utterance.user
    if world.settings.history.messages:
        channel.has_history = True
        world.ledger.add_message(event, utterance.verb, channel.name, channel.name, utterance.text, (user, session))
        if user.account is None:
            user.add_guest_message(event.stored_msgid)


def write_direct_message(utterance: Utterance, event: Event, account: AccountEntry | None, target: str) -> bool:
    """Keep a message from one account to another that is about to be said; whether it is one. The ledger is ready."""
    world, user = utterance.world, utterance.user
    if user.account is None or account is None or not world.settings.history.direct_messages:
        return False
    conversation = direct(user.account.id, account.id)
    world.ledger.add_message(event, utterance.verb, conversation, target, utterance.text, (user, utterance.session))
    return True


def tell_unkept(world: World) -> None:
    """End the tick's transaction; whoever's messages could not be kept is told, and nobody else."""
    ledger = world.ledger
    before = ledger.failure
    unkept = ledger.close_tick(world.outbox)
    if ledger.failure and not before:
        world.log_line(f"messages are not kept, and so not passed on: {ledger.failure}")
    elif before and not ledger.failure:
        world.log_line("messages are kept again")
    server = world.settings.server.name
    for session, verb, target in unkept:
        if not session.closing:
            text = "Your message was not kept, and nobody was shown it: the database cannot be written"
            world.tell_session(session, f":{server} FAIL {verb} NOT_KEPT {target} :{text}")
