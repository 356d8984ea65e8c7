"""``chatroomctl``: the global options, the table of subcommands, and the place where every error becomes one line."""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from chatroom import __version__
from chatroom.ctl.invocation import DatabaseType, Invocation, utc_option
from chatroom.ctl.streams import discard, plain, prepare, print_error, warn
from chatroom.errors import ChatroomError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from chatroom.database_address import DatabaseAddress

INTERRUPTED = 130
"""The exit code after Ctrl-C: 128 and the number of SIGINT, as shells have it."""

_COMMANDS = {
    "init": (
        "chatroom.ctl.init_command:init",
        "Set up a server: ask five questions, write the configuration and make the first admin.",
    ),
    "serve": ("chatroom.ctl.serve_command:serve", "Run the chat server until Ctrl-C or SIGTERM stops it."),
    "service": ("chatroom.ctl.service_commands:service", "Have systemd run the server."),
    "user": ("chatroom.ctl.user_commands:user", "Create, change and delete accounts."),
    "invite": ("chatroom.ctl.invite_commands:invite", "Invite people to register accounts."),
    "ban": ("chatroom.ctl.ban_commands:ban", "Ban names, addresses and networks from the server."),
    "filter": (
        "chatroom.ctl.filter_commands:filter_",
        "Refuse texts that match a pattern, and mute, kick or ban who sends them.",
    ),
    "hook": ("chatroom.ctl.hook_commands:hook", "Connect channels with other programs."),
    "channel": ("chatroom.ctl.channel_commands:channel", "List, show and delete channels."),
    "config": ("chatroom.ctl.config_commands:config", "Show and change the settings."),
    "web": ("chatroom.ctl.web_commands:web", "Install the web client that browsers get."),
    "tls": ("chatroom.ctl.tls_commands:tls", "Make and show the certificates of encrypted connections."),
    "check": (
        "chatroom.ctl.check_command:check",
        "Look for everything that is wrong with this server, or will be soon.",
    ),
    "db": ("chatroom.ctl.db_commands:db", "Show, migrate, copy, restore, check and shrink the database."),
    "export": (
        "chatroom.ctl.export_command:export",
        "Write everything in the database to FILE, as one archive.",
    ),
    "import": (
        "chatroom.ctl.import_commands:import_",
        "Import an archive of chatroom, or accounts and more from other programs.",
    ),
    "history": ("chatroom.ctl.history_commands:history", "Search, export, import and delete messages."),
    "audit": ("chatroom.ctl.audit_commands:audit", "Read the log of administrative actions."),
    "status": ("chatroom.ctl.live_commands:status", "Show how the running daemon is doing."),
    "who": ("chatroom.ctl.live_commands:who", "List the connections to the daemon, in a cluster those to all nodes."),
    "kick": ("chatroom.ctl.live_commands:kick", "Disconnect the user NAME."),
    "announce": ("chatroom.ctl.live_commands:announce", "Send TEXT to all users, as a notice from the server."),
    "cluster": ("chatroom.ctl.cluster_commands:cluster", "Show the nodes that run one chat together."),
    "reload": ("chatroom.ctl.reload_command:reload", "Make the running daemon read its configuration again."),
    "upgrade": (
        "chatroom.ctl.upgrade_command:upgrade",
        "Have a new daemon take the place of the running one, without dropping anyone.",
    ),
    "login-delay": ("chatroom.ctl.login_delay_commands:login_delay", "List and lift the delays after failed logins."),
    "lockdown": (
        "chatroom.ctl.live_commands:lockdown",
        "Keep new users out of the running daemon, or show whether it does.",
    ),
    "log": ("chatroom.ctl.log_commands:log", "Show and change what the running daemon writes to its log."),
    "completion": (
        "chatroom.ctl.program_commands:completion",
        "Print a script that makes SHELL complete what is typed after PROGRAM: chatroomctl if not given, or chatroom.",
    ),
    "help": ("chatroom.ctl.program_commands:help_", "Show the help of COMMAND, or of chatroomctl."),
    "version": ("chatroom.ctl.program_commands:version", "Print the version."),
}
"""Each subcommand as ``module:name``, and the first sentence of its help.

A module is imported only when its command runs: all of them together take several times as long as a short command.
"""


class Chatroomctl(click.Group):
    """The group of all subcommands, listed in the order of the table."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the subcommands, for the help."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return the subcommand ``cmd_name``, or None if there is none."""
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of the subcommands for the help."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in _COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the options and subcommands that begin with ``incomplete``, for the completion of a shell."""
        from click.shell_completion import CompletionItem  # here, because only a shell's completion needs it

        found = [
            CompletionItem(name, help=summary)
            for name, (_, summary) in _COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return found + super(click.Group, self).shell_complete(ctx, incomplete)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the subcommand that ``args`` begin with. Raises ``click.UsageError`` with a similar name, if any."""
        if args[0] not in _COMMANDS and not args[0].startswith("-") and not ctx.resilient_parsing:
            from chatroom.settings.schema import did_you_mean  # here, because only this error needs it

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
        import traceback  # here, because a user does not ask for it

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
    type=DatabaseType(path_type=Path, dir_okay=False),
    metavar="PATH|URL",
    help="Use this database instead of the configured one: a file, or the URL of a PostgreSQL database. Example: "
    "--database ./chat.db",
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
def cli(context: click.Context, database: DatabaseAddress | None, config: Path | None) -> None:
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
