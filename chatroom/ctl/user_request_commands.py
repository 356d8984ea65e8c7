"""``chatroomctl user pending``, ``approve`` and ``reject``: accounts that wait for a moderator.

If a daemon runs, it decides (the verb REQUEST), because it tells the applicant who is connected.
"""

from __future__ import annotations

import click

from chatroom.chat.stored.request_records import Request
from chatroom.ctl.control_client import perform
from chatroom.ctl.database_choice import pass_changing_invocation
from chatroom.ctl.invocation import Invocation, pass_invocation, utc_option
from chatroom.ctl.offline import without_daemon
from chatroom.ctl.output import json_option, print_json, print_table, report_result, result_option
from chatroom.errors import NotFound
from chatroom.storage.opening import open_stores
from chatroom.storage.sql.sql_stores import SqlStores


@click.command("pending")
@json_option
@utc_option
@pass_invocation
def pending(invocation: Invocation, as_json: bool) -> None:
    """List the accounts that wait for approval, the oldest first.

    People ask for them with REGISTER if accounts.registration is "approval".

    \b
    Example:
      chatroomctl user pending
    """
    with open_stores(invocation.address) as stores:
        requests = stores.requests.list_all()
    if as_json:
        print_json(requests)
        return
    rows = [[one.name, one.origin, one.email, one.created_at] for one in requests]
    print_table(["NAME", "FROM", "MAIL ADDRESS", "SINCE"], rows)


@click.command("approve")
@click.argument("name")
@result_option("database", "account")
@pass_changing_invocation
def approve(invocation: Invocation, name: str) -> None:
    """Make the account NAME that somebody has asked for.

    The password is the one that was chosen. If who has asked is connected, they are logged in.

    \b
    Example:
      chatroomctl user approve zoe
    """
    with open_stores(invocation.address) as stores:
        _require(stores, name)
        with without_daemon(invocation.address) as is_offline:
            if is_offline:
                stores.requests.approve(name, invocation.actor)
            else:
                perform(invocation, "REQUEST", "APPROVE", name)
        account = stores.accounts.get(name)
    report_result(
        f"Approved the account {account.name} in {invocation.address}", database=invocation.address, account=account
    )


@click.command("reject")
@click.argument("name")
@click.option("--reason", default="", metavar="TEXT", help='Shown to who has asked. Example: --reason "who are you?"')
@result_option("database", "request")
@pass_changing_invocation
def reject(invocation: Invocation, name: str, reason: str) -> None:
    """Refuse the account NAME that somebody has asked for. They may ask again; a ban keeps them out.

    \b
    Example:
      chatroomctl user reject zoe --reason "ask Ann for an invite"
    """
    with open_stores(invocation.address) as stores:
        request = _require(stores, name)
        with without_daemon(invocation.address) as is_offline:
            if is_offline:
                stores.requests.reject(name, invocation.actor, reason)
            else:
                perform(invocation, "REQUEST", "REJECT", name, reason)
    report_result(
        f"Rejected the account {request.name} in {invocation.address}",
        database=invocation.address,
        request=request,
    )


def _require(stores: SqlStores, name: str) -> Request:
    request = stores.requests.find(name)
    if request is None:
        raise NotFound(f'nobody waits to register {name}; "chatroomctl user pending" lists who does')
    return request
