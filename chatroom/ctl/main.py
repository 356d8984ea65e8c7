"""``chatroomctl``: the global options, the table of subcommands, and the place where every error becomes one line."""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import sys
import threading
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from chatroom import __version__
from chatroom.config.load import did_you_mean
from chatroom.ctl.invocation import Invocation, utc_option
from chatroom.ctl.output import plain
from chatroom.ctl.streams import discard, prepare, print_error, warn
from chatroom.errors import ChatroomError

INTERRUPTED = 130
"""The exit code after Ctrl-C: 128 and the number of SIGINT, as shells have it."""

_COMMANDS = {
    "serve": "chatroom.ctl.serve_command:serve",
    "user": "chatroom.ctl.user_commands:user",
    "ban": "chatroom.ctl.ban_commands:ban",
    "filter": "chatroom.ctl.filter_commands:filter_",
    "channel": "chatroom.ctl.channel_commands:channel",
    "config": "chatroom.ctl.config_commands:config",
    "tls": "chatroom.ctl.tls_commands:tls",
    "db": "chatroom.ctl.db_commands:db",
    "history": "chatroom.ctl.history_commands:history",
    "audit": "chatroom.ctl.audit_commands:audit",
    "status": "chatroom.ctl.live_commands:status",
    "who": "chatroom.ctl.live_commands:who",
    "kick": "chatroom.ctl.live_commands:kick",
    "announce": "chatroom.ctl.live_commands:announce",
    "reload": "chatroom.ctl.live_commands:reload",
    "login-delay": "chatroom.ctl.login_delay_commands:login_delay",
    "lockdown": "chatroom.ctl.live_commands:lockdown",
    "completion": "chatroom.ctl.program_commands:completion",
    "help": "chatroom.ctl.program_commands:help_",
    "version": "chatroom.ctl.program_commands:version",
}
"""Each subcommand as ``module:name``. A module is imported only when its command runs, which keeps the start quick."""


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

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the subcommand that ``args`` begin with. Raises ``click.UsageError`` with a similar name, if any."""
        if args[0] not in _COMMANDS and not args[0].startswith("-") and not ctx.resilient_parsing:
            raise click.UsageError(f"No such command {args[0]!r}{did_you_mean(args[0], _COMMANDS) or '.'}", ctx)
        return super().resolve_command(ctx, args)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run ``chatroomctl`` and end the process. Every error becomes one line on stderr."""
        try:
            # Not standalone: click's own handling of errors does not reach --help and --version.
            code = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
            sys.stdout.flush()
        except KeyboardInterrupt:
            code = INTERRUPTED
        except Exception as error:
            code = _report(error)
        # A subcommand returns None; click returns the code of an Exit.
        sys.exit(code if isinstance(code, int) else 0)


def _report(error: Exception) -> int:
    """Print the error on stderr, and return the exit code."""
    if os.environ.get("CHATROOM_DEBUG") and not isinstance(error, click.exceptions.Abort):
        with contextlib.suppress(OSError):
            traceback.print_exception(error)
    if isinstance(error, click.exceptions.Abort):
        # click turns Ctrl-C into an Abort: at a prompt "from None", which leaves the context.
        interrupted = isinstance(error.__cause__ or error.__context__, KeyboardInterrupt)
        print_error("Interrupted." if interrupted else "Aborted!")
        return INTERRUPTED if interrupted else 1
    if isinstance(error, click.ClickException):
        try:
            error.show()
        except OSError:
            discard(sys.stderr)
        return error.exit_code
    if isinstance(error, OSError):
        # The reader of a pipe is gone, or the stream is full: what is left in its buffer has nowhere to go.
        discard(sys.stdout)
        if error.errno == errno.EPIPE:
            return 1
    warn(plain(_describe(error)))
    return 1


def _describe(error: Exception) -> str:
    if isinstance(error, ChatroomError):
        return str(error)
    if isinstance(error, OSError) and error.strerror is not None:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    # A bug. One line is enough for a user; a developer asks for the traceback.
    return f"unexpected error: {type(error).__name__}: {error} (CHATROOM_DEBUG=1 shows the traceback)"


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
    help="Use this configuration file, not that of CHATROOM_CONFIG, the user or the system. Example: --config my.toml",
)
@utc_option
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
    invocation = context.ensure_object(Invocation)
    invocation.config_flag, invocation.database_flag = config, database


def main() -> None:
    """Run ``chatroomctl``; the entry point of the console script."""
    prepare()
    try:
        cli.main(prog_name="chatroomctl")
    except SystemExit as ending:
        if any(thread.daemon for thread in threading.enumerate()):
            _end_at_once(ending.code)
        raise


def _end_at_once(code: int | str | None) -> NoReturn:
    """End the process while a thread is still busy, such as one that checks a password.

    At the end of Python, such a thread is unwound when it comes back from a library in Rust, which aborts the process.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # it is closed, or its reader is gone
            stream.flush()
    os._exit(code if isinstance(code, int) else 0)
