"""``chatroomctl login-delay``: the logins that are delayed because too many have failed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import click

from chatroom.chat.admission.flood import MOST_KEYS, delay_after
from chatroom.chat.admission.login_keys import free_failures, keys_of, show_key
from chatroom.ctl.control_client import perform, request
from chatroom.ctl.database_choice import pass_changing_invocation
from chatroom.ctl.invocation import Invocation, pass_invocation, utc_option
from chatroom.ctl.offline import without_daemon
from chatroom.ctl.output import json_option, print_json, print_table, report_result, result_option
from chatroom.ctl.subcommands import Subcommands
from chatroom.errors import NotFound, NotRunning
from chatroom.storage.opening import open_stores


class Delay(NamedTuple):
    """One account, address or network. The field names are the keys of ``login-delay list --json``."""

    target: str
    failed: int
    """How many logins have failed within ten minutes."""
    next_waits_s: int
    """How long a login waits that comes now."""


@click.group("login-delay", cls=Subcommands)
def login_delay() -> None:
    """List and lift the delays after failed logins.

    After three failures within ten minutes, each login of an account or from an address waits longer: 1, 2, 4 … up to
    30 seconds. The count survives a restart, and a good login to the account ends it.

    \b
    Example:
      chatroomctl login-delay list
    """


@login_delay.command("list")
@json_option
@utc_option
@pass_invocation
def list_(invocation: Invocation, as_json: bool) -> None:
    """List the accounts, addresses and networks whose logins are delayed, the newest first.

    \b
    Example:
      chatroomctl login-delay list --json
    """
    try:
        delays = list(_ask_daemon(invocation))
    except NotRunning:
        delays = _read_stored(invocation)
    if as_json:
        print_json(delays)
        return
    print_table(
        ["TARGET", "FAILED", "NEXT WAITS"], [[one.target, one.failed, f"{one.next_waits_s}s"] for one in delays]
    )


@login_delay.command("lift")
@click.argument("target")
@result_option("answer")
@pass_changing_invocation
def lift(invocation: Invocation, target: str) -> None:
    """Let the next login of TARGET come without a delay: an account, an address, or an IPv6 /64 or /48.

    \b
    Example:
      chatroomctl login-delay lift alice
    """
    keys = keys_of(target)
    shown = " and ".join(map(show_key, keys))
    with without_daemon(invocation.address) as is_offline:
        if not is_offline:
            answer = perform(invocation, "LOGINDELAY", "LIFT", target)
        else:
            with open_stores(invocation.address) as stores:
                if not any(stores.failed_logins.find(key) for key in keys):
                    raise NotFound(f"no logins of {shown} have failed lately")
                stores.failed_logins.lift(keys, shown, invocation.actor)
            answer = f"The next login of {shown} does not wait"
    report_result(answer, answer=answer)


def _ask_daemon(invocation: Invocation) -> Iterator[Delay]:
    for message in request(invocation, "LOGINDELAY", "LIST"):
        if message.verb == "NOTE" and message.params[:2] == ["LOGINDELAY", "ENTRY"]:
            target, failed, wait_s = message.params[2:5]
            yield Delay(target, int(failed), int(wait_s))


def _read_stored(invocation: Invocation) -> list[Delay]:
    with open_stores(invocation.address) as stores:
        rows = stores.failed_logins.load(MOST_KEYS)
    return [
        Delay(show_key(row.key), row.failures, delay_after(row.failures, free_failures(row.key)) // 1000)
        for row in reversed(rows)
        if row.failures >= free_failures(row.key)
    ]
