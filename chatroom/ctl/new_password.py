"""Read a new password: typed twice without echo, or from standard input; never from an argument."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from chatroom.chat.admission.passwords import PASSWORD_BYTES, normalise
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


def read_password(password_stdin: bool, min_length: int) -> str:
    """Return a new password, normalised. Raises ``InvalidValue``, and ``Refused`` if there is no terminal to ask at.

    A password shorter than ``min_length`` is accepted with a warning. The limit is for registrations in the chat;
    the operator may have a reason for a short one.
    """
    password = normalise(read_stdin("the password", PASSWORD_BYTES)) if password_stdin else _ask()
    if len(password) < min_length:
        warn(f"the password is short; in the chat it would need {min_length} characters")
    return password


def _ask() -> str:
    if not sys.stdin.isatty():
        raise Refused("there is no terminal to ask for a password; use --password-stdin")

    def check(text: str) -> str:
        try:
            return normalise(text)
        except InvalidValue as error:
            raise click.UsageError(str(error)) from None  # click shows the error and asks again

    typed: str = click.prompt(
        "Password", hide_input=True, confirmation_prompt="Repeat the password", value_proc=check, err=True
    )
    return typed
