"""Limits of how often a user may do a thing that costs the server or the other users more than a line."""

from __future__ import annotations

from chatroom.commands.context import Context

_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS


def wait_for_nick(context: Context) -> int:
    """Count a nick change of the session. Return 0, or in how many seconds the next one is possible."""
    most = context.world.settings.limits.nick_changes_per_minute
    return _take(context, f"nick {context.session.id}", most, _MINUTE_MS)


def wait_for_registration(context: Context) -> int:
    """Count an account that the session's address registers. Return as ``wait_for_nick`` does."""
    most = context.world.settings.limits.registrations_per_hour
    return _take(context, f"register {_address(context)}", most, _HOUR_MS)


def may_search(context: Context) -> bool:
    """Count a search of the account or address, or refuse it."""
    most = context.world.settings.limits.searches_per_minute
    return _may_ask(context, f"search {_asker(context)}", most, "searches")


def may_read_history(context: Context) -> bool:
    """Count a question to the history of the account or address, or refuse it."""
    most = context.world.settings.limits.history_queries_per_minute
    return _may_ask(context, f"history {_asker(context)}", most, "questions to the history")


def _may_ask(context: Context, key: str, most: int, what: str) -> bool:
    wait_s = _take(context, key, most, _MINUTE_MS)
    if wait_s:
        text = f"Too many {what} (at most {most} a minute), try again in {wait_s} s"
        context.fail("RATE_LIMITED", str(wait_s), text=text)
    return not wait_s


def _take(context: Context, key: str, most: int, period_ms: int) -> int:
    # Without a budget of lines the session has no limits: they are off, or its network is exempt.
    if context.session.budget is None:
        return 0
    wait_ms = context.world.actions.take(key, most, period_ms, context.world.mono_ms)
    if wait_ms:
        context.world.runtime.counts.actions_refused += 1
    return -(-wait_ms // 1000)


def _asker(context: Context) -> str:
    """The account of the user; for a guest, the address."""
    user = context.session.user
    return f"account {user.account.id}" if user is not None and user.account is not None else _address(context)


def _address(context: Context) -> str:
    """The address of the session; the session itself if its address is exempt."""
    budget = context.session.budget
    return budget.address if budget is not None and budget.address else f"session {context.session.id}"
