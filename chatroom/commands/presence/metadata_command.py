"""METADATA: public facts about users and channels, under keys such as ``avatar`` or ``homepage``.

Source: IRCv3 draft/metadata-2. The metadata of an account is account data; that of a stored channel is stored with it.
That of a guest, or of a channel that is not stored, ends with them. Before registration a session can only access its
own metadata (``before-connect``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from chatroom.chat.metadata import is_key, message, tell_change, those_who_see
from chatroom.chat.people.channel import Channel
from chatroom.chat.people.user import User
from chatroom.chat.stored.records import Role
from chatroom.commands.channel_rules import acts_by_right
from chatroom.commands.command_table import command
from chatroom.commands.context import Context
from chatroom.commands.pending import Pending
from chatroom.commands.presence.account_data import with_account_data
from chatroom.commands.presence.metadata_push import say_all_wanted
from chatroom.errors import StorageError
from chatroom.irc import caps, numerics
from chatroom.irc.limits import METADATA_KEYS, METADATA_SUBSCRIPTIONS, METADATA_VALUE_BYTES
from chatroom.irc.names import casefold

if TYPE_CHECKING:
    from chatroom.chat.stored.records import AccountEntry
    from chatroom.chat.stored.stores import Stores


class _Target(NamedTuple):
    """The user or channel whose metadata a command is about."""

    name: str
    """The nick or the channel's name; ``*`` before NICK."""
    values: dict[str, str]
    """The metadata itself, not a copy: a change to it is a change of the target."""
    user: User | None = None
    """None for a channel, and before registration."""
    channel: Channel | None = None
    account: AccountEntry | None = None
    """The account that the metadata belongs to; None for a guest and for a channel."""


@command("METADATA", "[<target> <subcommand> [<param>]]", early=caps.METADATA)
def metadata(context: Context, params: list[str]) -> Pending | None:
    """Shows or changes metadata of yourself (*), of users and of channels.

    METADATA <target> GET <key> [<key>]
    METADATA <target> LIST
    METADATA <target> SET <key> [<value>]
    METADATA <target> CLEAR
    METADATA * SUB <key> [<key>]
    METADATA * UNSUB <key> [<key>]
    METADATA * SUBS
    METADATA <target> SYNC
    """
    subcommand = params[1].upper() if len(params) > 1 else "*"
    handler = _SUBCOMMANDS.get(subcommand)
    if handler is None:
        word = params[1] if len(params) > 1 else "*"
        context.fail("SUBCOMMAND_INVALID", word, text="Unknown subcommand: HELP METADATA lists them")
        return None
    if len(params) < 2 + (subcommand in _NEED_KEYS):
        context.fail("NEED_MORE_PARAMS", subcommand, text="Missing parameters")
        return None
    # Account data is in memory only while a user of the account is present. Before registration there may be none yet.
    account = _early_account(context)
    if account is not None and account.id not in context.world.online.account_data:
        return with_account_data(context, account, lambda context: metadata(context, params))
    target = _find_target(context, params[0])
    if target is None:
        context.fail("INVALID_TARGET", params[0], text="No user and no channel has that name")
        return None
    return handler(context, target, params[2:])


def _early_account(context: Context) -> AccountEntry | None:
    registration = context.session.registration
    return registration.account if registration is not None else None


def _find_target(context: Context, word: str) -> _Target | None:
    session, world = context.session, context.world
    registration = session.registration
    if registration is not None:
        # There is no user yet, so only the session itself can be meant.
        if word != "*" and casefold(word) != casefold(registration.nick):
            return None
        account = registration.account
        own = world.online.account_data[account.id] if account is not None else registration.own()
        return _Target(registration.nick or "*", own.metadata, account=account)
    user = context.user if word == "*" else world.find_user(word)
    if user is not None:
        return _Target(user.nick, user.account_data.metadata, user=user, account=user.account)
    channel = world.find_channel(word)
    if channel is None:
        return None
    if "s" in channel.flags and context.user not in channel.members and context.role < Role.MODERATOR:
        return None
    return _Target(channel.name, channel.metadata, channel=channel)


# -- asking ------------------------------------------------------------------------------------------------------------


def _get(context: Context, target: _Target, keys: list[str]) -> None:
    with context.batch(f"metadata {target.name}"):
        for key in keys:  # one answer for each key in order, also for invalid ones
            if is_key(key):
                _reply_value(context, target, key)
            else:
                _refuse_key(context, key)


def _list(context: Context, target: _Target, _: list[str]) -> None:
    with context.batch(f"metadata {target.name}"):
        for key in target.values:
            _reply_value(context, target, key)


def _sync(context: Context, target: _Target, _: list[str]) -> None:
    say_all_wanted(context, target.name, target.values, target.channel)


def _reply_value(context: Context, target: _Target, key: str) -> None:
    value = target.values.get(key)
    if value is None:
        context.reply(numerics.RPL_KEYNOTSET, target.name, key)
    else:
        context.reply(numerics.RPL_KEYVALUE, target.name, key, "*", text=value)


def _refuse_key(context: Context, key: str) -> None:
    context.fail("KEY_INVALID", key, text="A key has 1 to 48 characters: a to z, 0 to 9, and _./-")


# -- changing ----------------------------------------------------------------------------------------------------------


def _set(context: Context, target: _Target, params: list[str]) -> Pending | None:
    key, value = params[0], params[1] if len(params) > 1 else None
    if not is_key(key):
        _refuse_key(context, key)
    elif not _may_change(context, target):
        context.fail("KEY_NO_PERMISSION", target.name, key, text="You may not change that")
    elif value is None and key not in target.values:
        context.fail("KEY_NOT_SET", target.name, key, text="That key is not set")
    elif value is not None and len(value.encode()) > METADATA_VALUE_BYTES:
        context.fail("VALUE_INVALID", text=f"A value has at most {METADATA_VALUE_BYTES} bytes")
    elif value is not None and key not in target.values and len(target.values) >= METADATA_KEYS:
        context.fail("LIMIT_REACHED", target.name, text=f"At most {METADATA_KEYS} keys are allowed")
    elif value is not None and target.values.get(key) == value:
        _reply_value(context, target, key)
    else:
        return _change(context, target, {key: value}, in_batch=False)
    return None


def _clear(context: Context, target: _Target, _: list[str]) -> Pending | None:
    if not _may_change(context, target):
        context.fail("KEY_NO_PERMISSION", target.name, "*", text="You may not change that")
        return None
    return _change(context, target, dict.fromkeys(target.values), in_batch=True)


def _may_change(context: Context, target: _Target) -> bool:
    if target.channel is not None:
        return acts_by_right(context, target.channel)
    return target.user is context.session.user


def _change(context: Context, target: _Target, changes: dict[str, str | None], *, in_batch: bool) -> Pending | None:
    """Change metadata in memory, then store it if its target is stored, then tell the change."""
    for key, value in changes.items():
        if value is None:
            del target.values[key]
        else:
            target.values[key] = value

    def tell(context: Context, failure: str | None) -> None:
        if failure is not None:
            context.world.log_line(f"metadata of {target.name} could not be stored: {failure}")
            context.warn("NOT_STORED", target.name, text="The change could not be stored and ends with a restart")
        with context.batch(f"metadata {target.name}" if in_batch else ""):
            for key, value in changes.items():
                if value is None:
                    context.reply(numerics.RPL_KEYNOTSET, target.name, key)
                else:
                    context.reply(numerics.RPL_KEYVALUE, target.name, key, "*", text=value)
        for key, value in changes.items():
            _tell_others(context, target, key, value)

    job = _make_job(context, target)
    if job is None:
        tell(context, None)
        return None
    return Pending("store", job, tell)


def _make_job(context: Context, target: _Target) -> Callable[[Stores], str | None] | None:
    """The job that stores the target's metadata of now; None if it is kept in memory only."""
    # The job runs in a worker later, so it gets copies.
    if target.channel is not None and target.channel.stored:
        record, actor = target.channel.to_record(), context.actor
        return _reporting(lambda stores: stores.channels.save(record, actor, "", ""))
    if target.account is not None:
        account_id, values = target.account.id, dict(target.values)
        return _reporting(lambda stores: stores.account_data.set_metadata(account_id, values))
    return None


def _reporting(write: Callable[[Stores], None]) -> Callable[[Stores], str | None]:
    def job(stores: Stores) -> str | None:
        try:
            write(stores)
        except StorageError as error:
            return str(error)  # not raised: ``tell`` would not run, and the change in memory would stay untold
        return None

    return job


def _tell_others(context: Context, target: _Target, key: str, value: str | None) -> None:
    world, session = context.world, context.session
    if target.channel is not None:
        tell_change(world, session, list(target.channel.sessions), target.name, key, value)
        return
    # All users of an account share its metadata. A guest before registration is no user yet: the list stays empty.
    users = world.online.users_of(target.account.id) if target.account is not None else ()
    for user in list(users) or ([target.user] if target.user is not None else []):
        tell_change(world, session, those_who_see(world, user), user.nick, key, value)


# -- subscribing -------------------------------------------------------------------------------------------------------


def _subscribe(context: Context, target: _Target, keys: list[str]) -> None:
    session = context.session
    added = []
    for key in keys:
        if not is_key(key):
            _refuse_key(context, key)
        elif key not in session.subscriptions and len(session.subscriptions) >= METADATA_SUBSCRIPTIONS:
            text = f"You may subscribe to at most {METADATA_SUBSCRIPTIONS} keys"
            context.fail("TOO_MANY_SUBS", key, text=text)
            break
        else:
            if key not in session.subscriptions:
                added.append(key)
                session.subscriptions += (key,)
            context.reply(numerics.RPL_METADATASUBOK, key)
    user = session.user
    if user is not None and session.caps & caps.METADATA:
        _say_current(context, user, added)


def _say_current(context: Context, user: User, keys: list[str]) -> None:
    """Tell the present values of keys just subscribed to: of the user, the user's channels and their members."""
    # By name, so that a user who is in several of the channels is told once.
    seen: dict[str, Mapping[str, str]] = {user.nick: user.metadata}
    for channel in user.channels:
        seen[channel.name] = channel.metadata
        for member in channel.members:
            if member.metadata:
                seen[member.nick] = member.metadata
    for name, values in seen.items():
        for key in keys:
            if key in values:
                context.say(f":{context.server} {message(name, key, values[key])}")


def _unsubscribe(context: Context, target: _Target, keys: list[str]) -> None:
    session = context.session
    for key in keys:
        if is_key(key):
            session.subscriptions = tuple(other for other in session.subscriptions if other != key)
            context.reply(numerics.RPL_METADATAUNSUBOK, key)
        else:
            _refuse_key(context, key)


def _subscriptions(context: Context, target: _Target, _: list[str]) -> None:
    with context.batch("metadata-subs"):
        for key in context.session.subscriptions:
            context.reply(numerics.RPL_METADATASUBS, key)


_NEED_KEYS = frozenset({"GET", "SET", "SUB", "UNSUB"})
_SUBCOMMANDS: dict[str, Callable[[Context, _Target, list[str]], Pending | None]] = {
    "CLEAR": _clear,
    "GET": _get,
    "LIST": _list,
    "SET": _set,
    "SUB": _subscribe,
    "SUBS": _subscriptions,
    "SYNC": _sync,
    "UNSUB": _unsubscribe,
}
