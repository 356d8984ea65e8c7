"""LOGINDELAY: the accounts and addresses whose logins are delayed, because too many have failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.admission.ban_policy import require_may_lift
from chatroom.chat.admission.flood import WINDOW_MS
from chatroom.chat.admission.login_keys import find_account, free_failures, is_login_key, keys_of, show_key
from chatroom.chat.stored.records import Role
from chatroom.commands.command_table import command
from chatroom.commands.context import Context
from chatroom.commands.pending import Pending
from chatroom.errors import InvalidValue, NotFound

if TYPE_CHECKING:
    from chatroom.chat.stored.stores import Stores
    from chatroom.chat.world import World

MOST_LISTED = 100
_WINDOW_MIN = WINDOW_MS // 60_000


@command("LOGINDELAY", "<subcommand> [<account or address>]", role=Role.MODERATOR, control=True)
def login_delay(context: Context, params: list[str]) -> Pending | None:
    """Lists the accounts and addresses whose logins are delayed after too many failures, or lifts a delay:

    LOGINDELAY LIST
    LOGINDELAY LIFT <account, address, IPv6 /64 or IPv6 /48>
    """
    subcommand = params[0].upper()
    if subcommand == "LIST":
        _list(context)
        return None
    if subcommand == "LIFT" and len(params) > 1:
        return _lift(context, params[1])
    raise InvalidValue("LOGINDELAY takes LIST, or LIFT with an account or an address")


def find_delayed(world: World) -> list[str]:
    """Return the keys of the logins that are delayed now, the one that failed last at the end."""
    throttle, now_ms = world.throttle, world.mono_ms
    return [key for key in throttle if is_login_key(key) and throttle.count(key, now_ms) >= free_failures(key)]


def _list(context: Context) -> None:
    world, unknown = context.world, 0
    delayed = find_delayed(world)
    # The newest failures come first.
    for key in reversed(delayed[-MOST_LISTED:]):
        name = find_account(key)
        account = world.accounts.find(name) if name is not None else None
        if name is not None and account is None:
            unknown += 1  # not shown: it may be a password
            continue
        label = account.name if account is not None else show_key(key)
        count = world.throttle.count(key, world.mono_ms)
        wait_s = -(-world.throttle.next_delay_ms(key, world.mono_ms, free_failures(key)) // 1000)
        text = f"{label}: {count} failed logins in {_WINDOW_MIN} minutes, the next try waits {wait_s} s"
        context.note("ENTRY", label, str(count), str(wait_s), text=text)
    end = f"{len(delayed)} delayed"
    if unknown:
        end += f", of which {unknown} by names that nobody has registered"
    context.note("END", "*", text=end)


def _lift(context: Context, target: str) -> Pending:
    world, actor, keys = context.world, context.actor, keys_of(target)
    name = find_account(keys[0])
    account = world.accounts.find(name) if name is not None else None
    if account is not None:
        own = account in (context.session.oper, context.session.user.account if context.session.user else None)
        # A moderator could help to guess the password of an admin.
        require_may_lift(context.role, account.name, account.role, own=own)
    label = account.name if account is not None else " and ".join(map(show_key, keys))
    if not any(world.throttle.count(key, world.mono_ms) for key in keys):
        raise NotFound(f"no logins of {label} have failed lately; LOGINDELAY LIST shows those that are delayed")

    def job(stores: Stores) -> object:
        return stores.failed_logins.lift(keys, label, actor)

    def then(context: Context, _: object) -> None:
        world = context.world
        for key in keys:
            world.throttle.forget(key)
        # What a failure has had stored meanwhile goes too.
        world.kept_failures.forgive(keys, world.wall_ms, world.mono_ms)
        world.log_line(f"{actor.name} lifted the delay of logins of {label}")
        context.note("DONE", text=f"The next login of {label} does not wait")

    return Pending("store", job, then)
