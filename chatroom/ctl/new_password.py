"""How ``chatroomctl`` is given a password: typed twice without echo, or on standard input; never as an argument."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from chatroom.chat.admission.passwords import PASSWORD_BYTES, normalise
from chatroom.ctl.standard_input import read_stdin
from chatroom.errors import InvalidValue, Refused

Command = TypeVar("Command", bound=Callable[..., Any])


def password_option(command: Command) -> Command:
    """``--password-stdin``, given to the command as ``password_stdin``."""
    option = click.option(
        "--password-stdin",
        is_flag=True,
        help="Read the password from standard input instead of asking. Example: --password-stdin < password.txt",
    )
    return option(command)


def read_password(password_stdin: bool, min_length: int) -> str:
    """A new password, normalised. Raises ``InvalidValue``, and ``Refused`` where nobody is there to be asked.

    One shorter than ``min_length`` is taken with a warning: that length is for people who choose in the chat, and who
    has the shell may know better.
    """
    password = normalise(read_stdin("the password", PASSWORD_BYTES)) if password_stdin else _ask()
    if len(password) < min_length:
        click.echo(f"chatroomctl: a short password; in the chat it would need {min_length} characters", err=True)
    return password


def _ask() -> str:
    if not sys.stdin.isatty():
        raise Refused("there is no terminal to ask for a password at: use --password-stdin")

    def judge(text: str) -> str:
        try:
            return normalise(text)
        except InvalidValue as error:
            raise click.UsageError(str(error)) from None  # click tells it and asks again

    typed: str = click.prompt(
        "Password", hide_input=True, confirmation_prompt="The same again", value_proc=judge, err=True
    )
    return typed
