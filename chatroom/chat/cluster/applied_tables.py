"""Applying what another node has changed in directories and tables: accounts, accept lists, mutes and so on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from chatroom.chat.cluster.attributes import account_from_state
from chatroom.chat.people.server_mutes import Mute

if TYPE_CHECKING:
    from chatroom.chat.cluster.applied_turn import AppliedTurn


def _put_account(turn: AppliedTurn, state: list[Any]) -> None:
    account = account_from_state(state)
    assert account is not None
    turn.world.accounts.put(account)


def _decide(turn: AppliedTurn, request_id: int, state: list[Any] | None, text: str) -> None:
    world = turn.world
    if world.answer_applicants is not None:
        world.answer_applicants(world, request_id, account_from_state(state), text)


def _discard_account(turn: AppliedTurn, account_id: int) -> None:
    turn.world.accounts.discard(account_id)


def _rename_target(turn: AppliedTurn, before: str, after: str) -> None:
    turn.world.online.rename_target(turn.world.users.values(), before, after)


def _was(turn: AppliedTurn, *values: Any) -> None:
    turn.world.whowas.use_state([list(values)])


def _accept(turn: AppliedTurn, folded: str, other: str, named: bool) -> None:
    turn.world.accepts.use_state([[folded, other, named]], turn.world.users)


def _unaccept(turn: AppliedTurn, folded: str, other: str) -> None:
    users = turn.world.users
    if folded in users and other in users:
        turn.world.accepts.discard(users[folded], users[other])


def _mute(turn: AppliedTurn, keys: list[str], values: list[Any]) -> None:
    mute = Mute(*values)
    mute = mute._replace(until_mono_ms=mute.until_mono_ms + turn.shift_ms)
    turn.world.mutes.put(keys, mute)
    turn.world.spam.look()


def _unmute(turn: AppliedTurn, keys: list[str]) -> None:
    turn.world.mutes.discard(keys)
    turn.world.spam.look()


def _tries(turn: AppliedTurn, key: str, moments: list[int]) -> None:
    turn.world.throttle.put(key, [moment + turn.shift_ms for moment in moments])


def _action(turn: AppliedTurn, key: str, moment_ms: int) -> None:
    turn.world.actions.put(key, moment_ms + turn.shift_ms)


def _lockdown(turn: AppliedTurn, *values: Any) -> None:
    turn.world.lockdown.use_state(*values)


OF_TABLES: dict[str, Callable[..., None]] = {
    "-accept": _unaccept,
    "-account": _discard_account,
    "-mute": _unmute,
    "accept": _accept,
    "account": _put_account,
    "action": _action,
    "decided": _decide,
    "lockdown": _lockdown,
    "mute": _mute,
    "target": _rename_target,
    "tries": _tries,
    "was": _was,
}
"""What to do for each kind of record."""
