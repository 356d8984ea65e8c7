"""``chatroomctl``: the global options, the table of subcommands, and the place where every error becomes one line."""

from __future__ import annotations

import errno
import importlib
import os
from pathlib import Path
from typing import IO, Any

import click

from chatroom import __version__
from chatroom.ctl.invocation import Invocation
from chatroom.ctl.output import plain
from chatroom.errors import ChatroomError

_COMMANDS = {
    "serve": "chatroom.ctl.serve_command:serve",
    "user": "chatroom.ctl.user_commands:user",
    "ban": "chatroom.ctl.ban_commands:ban",
    "config": "chatroom.ctl.config_commands:config",
    "db": "chatroom.ctl.db_commands:db",
    "history": "chatroom.ctl.history_commands:history",
    "audit": "chatroom.ctl.audit_commands:audit",
    "status": "chatroom.ctl.live_commands:status",
    "who": "chatroom.ctl.live_commands:who",
    "kick": "chatroom.ctl.live_commands:kick",
    "announce": "chatroom.ctl.live_commands:announce",
    "reload": "chatroom.ctl.live_commands:reload",
}
"""Each subcommand as ``module:name``. A module is imported only when its command runs, which keeps the start quick."""


class Failure(click.ClickException):
    """A refusal or a failure: one line on stderr and exit code 1."""

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the message on one line."""
        click.echo(f"chatroomctl: {plain(self.message)}", file=file, err=file is None)


class Chatroomctl(click.Group):
    """The group of all subcommands, listed in the order of the table."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the subcommands, for the help."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return the subcommand ``cmd_name``, or None if there is none."""
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name].partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the subcommand. A ``ChatroomError`` or ``OSError`` becomes a ``Failure``; others keep their traceback."""
        try:
            return super().invoke(ctx)
        except ChatroomError as error:
            raise Failure(str(error)) from error
        except OSError as error:
            if error.errno == errno.EPIPE or error.strerror is None:
                raise  # click ends quietly if the reader of a pipe is gone
            raise Failure(f"{error.filename}: {error.strerror}" if error.filename else error.strerror) from error


@click.command(cls=Chatroomctl, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--database",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="PATH",
    help="Use this database instead of the configured one. Example: --database ./chat.db",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="PATH",
    help="Use this configuration file instead of searching for one. Example: --config /etc/chatroom/chatroom.toml",
)
@click.version_option(__version__, message="chatroomctl %(version)s", help="Print the version and exit.")
@click.pass_context
def cli(context: click.Context, database: Path | None, config: Path | None) -> None:
    """Run and manage a chatroom server.

    Accounts and bans are changed in the database, whether the daemon runs or not. A running daemon follows within a
    second.

    \b
    Examples:
      chatroomctl serve
      chatroomctl user create-admin alice
      chatroomctl ban add mallory --for 7d --reason "flooding"
    """
    if os.environ.get("NO_COLOR"):  # https://no-color.org
        context.color = False
    context.obj = Invocation(config, database)


def main() -> None:
    """Run ``chatroomctl``; the entry point of the console script."""
    cli.main(prog_name="chatroomctl")
