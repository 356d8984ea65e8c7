"""Ask before a command changes a database that no daemon serves while a daemon of this user serves another one.

The change would succeed and nobody in the chat would notice it: most likely the command was meant for the other one.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from chatroom.ctl.control_client import list_served_databases
from chatroom.ctl.invocation import Invocation, pass_invocation
from chatroom.ctl.offline import is_served
from chatroom.ctl.output import confirm, yes_option
from chatroom.database_address import DatabaseAddress
from chatroom.storage.daemon_lock import is_held


def pass_changing_invocation(command: Callable[..., None]) -> Callable[..., None]:
    """Pass the ``Invocation`` to a command that changes the database, after the question, if there is one.

    It adds ``--yes``, which answers the question. The command gets ``yes`` if it has a parameter of that name.
    """
    takes_yes = "yes" in inspect.signature(command).parameters

    def ask_first(invocation: Invocation, /, *, yes: bool, **arguments: Any) -> None:
        if not arguments.get("dry_run"):  # which changes nothing
            confirm_database(invocation.address, yes)
        command(invocation, **arguments, **({"yes": yes} if takes_yes else {}))

    # click reads the help from the docstring.
    return yes_option(pass_invocation(functools.update_wrapper(ask_first, command)))


def confirm_database(database: DatabaseAddress, yes: bool) -> None:
    """Ask whether to change ``database`` if no daemon serves it but a daemon of this user serves another one.

    Raises as ``confirm`` does.
    """
    if yes or is_held(database):
        return
    served = list_served_databases()
    # A server is asked only if there is a question to answer.
    if served and not is_served(database):
        named = " and ".join(map(str, served))
        confirm(
            f"No daemon serves {database}, but one of yours serves {named} (--database chooses it). Change {database}?",
            yes,
        )
