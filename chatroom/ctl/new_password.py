"""Read a new password: typed twice without echo, or from standard input; never from an argument."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import click

from chatroom.chat.admission.password_strength import find_weakness, must_be_strong
from chatroom.chat.admission.passwords import PASSWORD_BYTES, normalise
from chatroom.chat.stored.records import Role
from chatroom.ctl.standard_input import read_stdin
from chatroom.ctl.streams import warn
from chatroom.errors import InvalidValue, Refused

Command = TypeVar("Command", bound=Callable[..., Any])


def password_option(command: Command) -> Command:
    """Add ``--password-stdin`` to a command, as its argument ``password_stdin``."""
    option = click.option(
        "--password-stdin",
        is_flag=True,
        help="Read the password from standard input instead of asking. Example: --password-stdin < password.txt",
    )
    return option(command)


class NewPassword(NamedTuple):
    """A password that was read."""

    text: str
    """The password, normalised."""
    is_weak: bool
    """True if it is too weak for an admin or a moderator. The audit says so, also for a user, who may become one."""


def read_password(password_stdin: bool, min_length: int, name: str, role: Role) -> NewPassword:
    """Return a new password for the account ``name``.

    At a terminal a password that is too weak for the role is asked for again. From standard input it is accepted with
    a warning, as is one shorter than ``min_length`` from both: the operator may have a reason. Raises ``InvalidValue``,
    and ``Refused`` if there is no terminal to ask at.
    """
    if not password_stdin:
        password = _ask(name, role)
        weakness = find_weakness(password, name)
    else:
        password = normalise(read_stdin("the password", PASSWORD_BYTES))
        weakness = find_weakness(password, name)
        if weakness is not None and must_be_strong(role):
            warn(f"the password is weak for {role.with_article}: it {weakness}")
            return NewPassword(password, is_weak=True)
    if len(password) < min_length:
        warn(f"the password is short; in the chat it would need {min_length} characters")
    return NewPassword(password, weakness is not None)


def _ask(name: str, role: Role) -> str:
    if not sys.stdin.isatty():
        raise Refused("there is no terminal to ask for a password; use --password-stdin")

    def check(text: str) -> str:
        # click shows a UsageError and asks again.
        try:
            password = normalise(text)
        except InvalidValue as error:
            raise click.UsageError(str(error)) from None
        weakness = find_weakness(password, name)
        if weakness is not None and must_be_strong(role):
            raise click.UsageError(f"the password is too weak for {role.with_article}: it {weakness}")
        return password

    typed: str = click.prompt(
        "Password", hide_input=True, confirmation_prompt="Repeat the password", value_proc=check, err=True
    )
    return typed
