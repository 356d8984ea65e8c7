"""METADATA: what users and channels say of themselves, by keys such as ``avatar`` or ``homepage``.

Source: IRCv3 draft/metadata-3. A user's metadata is stored with the account, a channel's with the channel if that is
stored; a guest's ends with the guest. Before registration the only target is ``*``, oneself (``before-connect``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from chatroom.chat.log_line import LogWarning
from chatroom.chat.metadata import is_key, sessions_that_see, tell_change, value_line
from chatroom.chat.people.channel import Channel
from chatroom.chat.people.user import User
from chatroom.chat.stored.records import Role
from chatroom.commands.channel_rules import acts_by_right, is_hidden
from chatroom.commands.command_table import command
from chatroom.commands.context import Context
from chatroom.commands.long_answers import in_pieces
from chatroom.commands.pending import Pending
from chatroom.commands.presence.account_data import with_account_data
from chatroom.commands.presence.metadata_push import Targets, channel_metadata, sync_steps
from chatroom.commands.presence.metadata_subscriptions import (
    list_subscriptions,
    subscribe,
    sync_all,
    unsubscribe,
    warn_invalid_key,
)
from chatroom.commands.spam_checks import find_refusal
from chatroom.errors import StorageError
from chatroom.irc import caps
from chatroom.irc.limits import METADATA_KEY_BYTES, METADATA_KEYS, METADATA_VALUE_BYTES
from chatroom.irc.names import casefold

if TYPE_CHECKING:
    from chatroom.chat.stored.records import AccountEntry
    from chatroom.chat.stored.stores import Stores


class _Target(NamedTuple):
    """The user or channel whose metadata a command is about."""

    name: str
    values: dict[str, str]
    user: User | None = None
    channel: Channel | None = None
    account: AccountEntry | None = None


@command("METADATA", "[<target> <subcommand> [<param>]]", early=caps.METADATA)
def metadata(context: Context, params: list[str]) -> Pending | None:
    """Shows or changes metadata of yourself (*), of other users and of channels:

    METADATA <target> GET <key> [<key>]
    METADATA <target> LIST
    METADATA <target> SET <key> [<value>]
    METADATA <target> CLEAR
    METADATA * SUB <key> [<key>]
    METADATA * UNSUB <key> [<key>]
    METADATA * SUBS
    METADATA <target> SYNC
    METADATA *ALL SYNC
    """
    subcommand = params[1].upper() if len(params) > 1 else ""
    if subcommand not in _LEAST_PARAMS or len(params) - 2 < _LEAST_PARAMS[subcommand]:
        word = params[1] if len(params) > 1 else "*"
        context.fail("INVALID_PARAMS", word, text="That is no METADATA command: HELP METADATA lists them")
        return None
    keys = params[2:]
    if subcommand in _OF_SUBSCRIPTIONS:
        if not _is_oneself(context, params[0]):
            _refuse_target(context, params[0])
        else:
            _OF_SUBSCRIPTIONS[subcommand](context, keys)
        return None
    if params[0].upper() == "*ALL" and subcommand == "SYNC":
        return sync_all(context)
    registration = context.session.registration
    account = registration.account if registration is not None else None
    if account is not None and account.id not in context.world.online.account_data:
        return with_account_data(context, account, lambda context: metadata(context, params))
    target = _find_target(context, params[0])
    if target is None:
        _refuse_target(context, params[0])
        return None
    return _OF_TARGETS[subcommand](context, target, keys)


def _is_oneself(context: Context, word: str) -> bool:
    user = context.session.user
    return word == "*" or (user is not None and casefold(word) == user.folded)


def _find_target(context: Context, word: str) -> _Target | None:
    """The target, or None if there is none that the session sees."""
    session, world = context.session, context.world
    registration = session.registration
    if registration is not None:
        if word != "*":
            return None
        account = registration.account
        own = world.online.account_data[account.id] if account is not None else registration.own()
        return _Target(registration.nick or "*", own.metadata, account=account)
    user = context.user if word == "*" else world.find_user(word)
    if user is not None:
        return _Target(user.nick, user.account_data.metadata, user=user, account=user.account)
    channel = world.find_channel(word)
    if channel is None or is_hidden(context, channel):
        return None
    return _Target(channel.name, channel.metadata, channel=channel)


def _reads(context: Context, channel: Channel) -> bool:
    """True if the user may read the channel's metadata: it may hold what only members are meant to know."""
    return context.user in channel.members or context.role >= Role.MODERATOR


def _refuse_target(context: Context, word: str) -> None:
    context.fail("INVALID_TARGET", word, text="There is no user and no channel of that name")


def _refuse_permission(context: Context, target: _Target, key: str) -> None:
    context.fail("KEY_NO_PERMISSION", target.name, key, text="You may not read or change that")


# -- reading -------------------------------------------------------------------------------------


def _may_read(context: Context, target: _Target, key: str) -> bool:
    """True if the session may read the target; else it is refused."""
    if target.channel is None or _reads(context, target.channel):
        return True
    _refuse_permission(context, target, key)
    return False


def _get(context: Context, target: _Target, keys: list[str]) -> None:
    if _may_read(context, target, keys[0]):
        with context.batch(f"metadata {target.name}"):
            for key in keys:
                if is_key(key):
                    _reply_value(context, target, key)
                else:
                    warn_invalid_key(context, key)


def _list(context: Context, target: _Target, _: list[str]) -> None:
    if _may_read(context, target, "*"):
        with context.batch(f"metadata {target.name}"):
            for key in target.values:
                _reply_value(context, target, key)


def _sync(context: Context, target: _Target, _: list[str]) -> Pending | None:
    if not _may_read(context, target, "*"):
        return None
    channel = target.channel
    targets: Targets = [(target.name, target.values)] if channel is None else channel_metadata(context, channel)
    return in_pieces(context, sync_steps(context, target.name, targets))


def _reply_value(context: Context, target: _Target, key: str) -> None:
    context.say(value_line(context.world, context.session, target.name, key, target.values.get(key)))


# -- changing ------------------------------------------------------------------------------------


def _set(context: Context, target: _Target, params: list[str]) -> Pending | None:
    key, value = params[0], params[1] if len(params) > 1 else ""
    if not is_key(key):
        text = f"A key has a to z, 0 to 9 and _./- and at most {METADATA_KEY_BYTES} of them"
        context.fail("INVALID_KEY", key, text=text)
    elif not _may_change(context, target):
        _refuse_permission(context, target, key)
    elif len(value.encode()) > METADATA_VALUE_BYTES:
        context.fail("INVALID_VALUE", key, text=f"A value has at most {METADATA_VALUE_BYTES} bytes")
    elif value and key not in target.values and len(target.values) >= METADATA_KEYS:
        text = f"There may be {METADATA_KEYS} keys"
        context.fail("LIMIT_REACHED", "SET", target.name, str(METADATA_KEYS), text=text)
    elif value == target.values.get(key, ""):
        _reply_value(context, target, key)
    elif why := find_refusal(context, value):
        context.fail("INVALID_VALUE", key, text=why)
    else:
        return _change(context, target, {key: value or None}, in_batch=False)
    return None


def _clear(context: Context, target: _Target, _: list[str]) -> Pending | None:
    if not _may_change(context, target):
        _refuse_permission(context, target, "*")
        return None
    return _change(context, target, dict.fromkeys(target.values), in_batch=True)


def _may_change(context: Context, target: _Target) -> bool:
    if target.channel is not None:
        return acts_by_right(context, target.channel)
    return target.user is context.session.user


def _change(context: Context, target: _Target, changes: dict[str, str | None], *, in_batch: bool) -> Pending | None:
    """Make changes, which hold at once, and tell them when they are stored, if they are to be stored."""
    for key, value in changes.items():
        if value is None:
            del target.values[key]
        else:
            target.values[key] = value
    changed = target.channel or target.user
    if changed is None and target.account is not None:  # a guest before registration shares the data of the account
        changed = next(iter(context.world.online.users_of(target.account.id)), None)
    if changed is not None:
        context.world.note_change(changed, "metadata")

    def tell(context: Context, failure: str | None) -> None:
        world = context.world
        if failure is not None:
            world.log_line(f"metadata of {target.name} could not be stored: {failure}", LogWarning)
            context.warn("NOT_STORED", target.name, text="This holds until a restart only: it could not be stored")
        with context.batch(f"metadata {target.name}" if in_batch else ""):
            for key, value in changes.items():
                context.say(value_line(world, context.session, target.name, key, value))
        for key, value in changes.items():
            _tell_others(context, target, key, value)

    job = _storing(context, target)
    if job is None:
        tell(context, None)
        return None
    return Pending("store", job, tell)


def _storing(context: Context, target: _Target) -> Callable[[Stores], str | None] | None:
    """The job that stores a target's metadata as it is now; None if it is not stored."""
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
            return str(error)  # as text: dispatch would take an error for a refusal of the whole command
        return None

    return job


def _tell_others(context: Context, target: _Target, key: str, value: str | None) -> None:
    world, session = context.world, context.session
    if target.channel is not None:
        members = [each for member in target.channel.members for each in member.sessions]
        tell_change(world, session, members, target.channel.name, key, value)
        return
    # All users of an account share its metadata. A guest before registration is no user yet: the list stays empty.
    users = world.online.users_of(target.account.id) if target.account is not None else ()
    for user in list(users) or ([target.user] if target.user is not None else []):
        tell_change(world, session, sessions_that_see(world, user), user.nick, key, value)
        world.note_values(user, {key: value}, is_new=False)


_OF_TARGETS: dict[str, Callable[[Context, _Target, list[str]], Pending | None]] = {
    "CLEAR": _clear,
    "GET": _get,
    "LIST": _list,
    "SET": _set,
    "SYNC": _sync,
}
_OF_SUBSCRIPTIONS: dict[str, Callable[[Context, list[str]], None]] = {
    "SUB": subscribe,
    "SUBS": lambda context, _: list_subscriptions(context),
    "UNSUB": unsubscribe,
}
_LEAST_PARAMS = {"CLEAR": 0, "GET": 1, "LIST": 0, "SET": 1, "SUB": 1, "SUBS": 0, "SYNC": 0, "UNSUB": 1}
"""How many parameters each subcommand needs behind itself."""
