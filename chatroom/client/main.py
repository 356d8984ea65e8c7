"""The ``chatroom`` command."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from chatroom import __version__
from chatroom.client import std_streams
from chatroom.client.address import Address, parse_address
from chatroom.client.argument_completion import complete_file, complete_server
from chatroom.client.server_link import ServerLink, split_link
from chatroom.client.start_options import Beginning, channel_name, complete
from chatroom.client.stdin_lines import LineSource
from chatroom.client.terminal_echo import TerminalEcho
from chatroom.client.text import printable, well_formed
from chatroom.client.trust import SYSTEM_TRUST, Trust, parse_fingerprint
from chatroom.errors import ChatroomError, ConfigError, PasswordUnavailable

if TYPE_CHECKING:
    from chatroom.client.options import Options
    from chatroom.client.settings.chat_settings import ChatSettings

# The program writes no files, so only its output can fail with these.
_OUTPUT_ERRORS = (errno.EBADF, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOSPC)


def main() -> None:
    """Run the ``chatroom`` command. Whatever goes wrong is one line on stderr, and exit code 1."""
    std_streams.prepare()
    try:
        code: int = command.main(prog_name="chatroom", standalone_mode=False)
    except click.ClickException as error:  # a wrong argument
        shown = io.StringIO()
        error.show(shown)
        std_streams.tell(sys.stderr, shown.getvalue())
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        code = 130  # the shell's code for Ctrl-C
    except Exception as error:
        code = _report(error)
    raise SystemExit(std_streams.finish(code))


def _report(error: Exception) -> int:
    """Say in one line why the program ends, after the traceback if CHATROOM_DEBUG is set. Returns the exit code."""
    if os.environ.get("CHATROOM_DEBUG", "") not in ("", "0"):
        import traceback  # here, because a user does not ask for it

        std_streams.tell(sys.stderr, "".join(traceback.format_exception(error)))
    std_streams.stdout_failure()  # so that one cause is not reported twice
    if isinstance(error, BrokenPipeError):
        return 1  # the reader of stdout has gone and reads no reason
    if isinstance(error, OSError):
        text = error.strerror or str(error)
        if error.filename is not None:
            text = f"{error.filename}: {text}"
        elif error.errno in _OUTPUT_ERRORS:
            text = f"cannot write to stdout: {text}"
    elif isinstance(error, ConfigError):
        # All errors of the settings at once, each on a line.
        *before, text = error.errors
        for one in before:
            std_streams.tell(sys.stderr, f"chatroom: {printable(one)}\n")
    elif isinstance(error, ChatroomError):
        text = str(error)
    else:
        text = f"internal error: {type(error).__name__}: {error} (CHATROOM_DEBUG=1 shows where)"
    std_streams.tell(sys.stderr, f"chatroom: {printable(text)}\n")
    return 1


def _convert_fingerprint(ctx: click.Context, param: click.Parameter, value: str | None) -> str:
    try:
        return parse_fingerprint(value) if value else ""
    except ValueError:
        raise click.BadParameter("a SHA-256 fingerprint has 64 hexadecimal digits") from None


def _file_option(name: str, help: str, *, default: str | None) -> Callable[[click.decorators.FC], click.decorators.FC]:
    return click.option(name, metavar="FILE", default=default, help=help, shell_complete=complete_file)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("server", default="", metavar="[HOST[:PORT]|NAME|LINK]", shell_complete=complete_server)
@click.option("--nick", help="Your nick. Without it you are asked; the default is your login name.")
@click.option("--account", help="Log in to this account. The nick may differ from it.")
@click.option("--join", multiple=True, metavar="CHANNEL", help="Join this channel; may be repeated.")
@click.option("--plain", "as_plain", is_flag=True, help="Read and write plain lines, as in a pipe.")
@click.option(
    "--full/--prompt",
    "on_full_screen",
    default=None,
    help="Take the full screen (the default), or show one stream of lines above a prompt.",
)
@click.option("--commands", is_flag=True, help="In a pipe, treat lines that start with / as commands.")
@click.option("--server-password-stdin", is_flag=True, help="Read the server's password from the first line of stdin.")
@click.option("--tls", is_flag=True, help="Encrypt, as with ircs://. The next four options do so, too.")
@click.option(
    "--fingerprint",
    metavar="SHA256",
    callback=_convert_fingerprint,
    help="Trust the certificate with this fingerprint and no other. `chatroomctl tls show` shows it to the operator.",
)
@_file_option("--ca", "Trust this certificate (PEM), or those that it has signed.", default="")
@_file_option("--certificate", "Show this certificate (PEM), to log in with it.", default="")
@_file_option("--key", "The certificate's key, if it is not in the same file.", default="")
@click.option("--forget", is_flag=True, help="Forget the certificates of HOST that you have trusted, and end.")
@_file_option("--config", "Read the settings from FILE.  [~/.config/chatroom/client.toml]", default=None)
@click.option("--write-config", is_flag=True, help="Write a file that explains every setting, and end.")
@click.version_option(__version__, prog_name="chatroom")
def command(
    server: str,
    nick: str | None,
    account: str | None,
    join: tuple[str, ...],
    as_plain: bool,
    on_full_screen: bool | None,
    commands: bool,
    server_password_stdin: bool,
    tls: bool,
    fingerprint: str,
    ca: str,
    certificate: str,
    key: str,
    forget: bool,
    config: str | None,
    write_config: bool,
) -> int:
    """Chat on the server at HOST (default: 127.0.0.1:6667), or on the saved server NAME of the settings.

    At a terminal chatroom asks for your nick and takes the full screen; F1 shows the keys there, /help the commands.
    In a pipe it sends each line of stdin to the channel. The exit code is 0 if all of them have arrived:

        echo "deployed" | chatroom --nick bot

    ircs://HOST encrypts (default: port 6697). The server's certificate must be signed by an authority that this system
    trusts. At a terminal you are asked if it is not; --fingerprint and --ca are for scripts:

        chatroom ircs://chat.example.org

    A link with an invite asks for a nick and a password, registers the account and joins the channel:

        chatroom "ircs://chat.example.org/tea?invite=TOKEN"

    CHATROOM_PASSWORD and CHATROOM_SERVER_PASSWORD give the passwords of your account and of the server. At a terminal
    you are asked for them. CHATROOM_DEBUG=1 shows the traceback of an internal error.
    """
    trust = Trust(fingerprint, well_formed(ca), well_formed(certificate), well_formed(key))
    channels = tuple(channel_name(well_formed(name)) for name in join)
    link = split_link(well_formed(server))
    channels += (link.channel,) if link.channel else ()
    given = Beginning(link.server, well_formed(nick or ""), well_formed(account or link.account), channels, tls, trust)
    if write_config:
        return _write_settings(config)
    chat_settings = _open_settings(config)
    start = complete(given, chat_settings.found)
    if forget:
        return _forget(_parse_server(start))
    is_first = given == Beginning("", "", "", channels, False, SYSTEM_TRUST) and _has_no_server(chat_settings)
    source = LineSource(sys.stdin.fileno())
    server_password = _read_server_password(source, from_stdin=server_password_stdin)
    if server_password is None:
        return 1
    options = _make_options(start, server_password, chat_settings, link, joins_asked=bool(given.join))
    if as_plain or _is_piped():
        return _run_plain(options, source, commands)
    if not _wants_full_screen(on_full_screen, chat_settings):
        return _run_screen(options)
    return _run_full_screen(replace(options, is_first_start=is_first))


def _is_piped() -> bool:
    """Return True unless there is a terminal that can move the cursor. That of a shell in an editor (dumb) cannot."""
    return not (sys.stdin.isatty() and sys.stdout.isatty()) or os.environ.get("TERM", "dumb") == "dumb"


# The imports of these functions are in them, because --version and --help need none of them.


def _read_server_password(source: LineSource, *, from_stdin: bool) -> str | None:
    """Return the server's password, empty for none; None if stdin cannot be read, after saying so."""
    if not from_stdin:
        return os.environ.get("CHATROOM_SERVER_PASSWORD", "")
    try:
        return source.read_line() or ""
    except OSError as error:
        std_streams.tell(sys.stderr, f"chatroom: cannot read stdin: {error.strerror}\n")
        return None


def _open_settings(config: str | None) -> ChatSettings:
    from chatroom.client.settings import finding
    from chatroom.client.settings.chat_settings import ChatSettings

    return ChatSettings(finding.file_to_write(config), finding.find_file(config))


def _has_no_server(chat_settings: ChatSettings) -> bool:
    """True if the settings name no server and no nick, as before the first chat."""
    found = chat_settings.found
    return found is None or not (found.servers or found.sources.keys() & {"start.server", "start.nick"})


def _write_settings(config: str | None) -> int:
    from chatroom.client.settings.client_file import write_template
    from chatroom.client.settings.finding import file_to_write

    path = file_to_write(config)
    if path is None:
        raise ConfigError("there is no home directory for the settings: set HOME, or name a file with --config")
    write_template(path)
    std_streams.tell(sys.stderr, f"Wrote {printable(str(path))}. Every setting is commented out and has its default.\n")
    return 0


def _make_options(
    start: Beginning, server_password: str, settings: ChatSettings, link: ServerLink, *, joins_asked: bool
) -> Options:
    from chatroom.client.known_servers import KnownServers, default_path
    from chatroom.client.options import Options
    from chatroom.client.route import Route

    address = _parse_server(start)
    options = Options(
        Route(address, KnownServers(default_path()), lambda: datetime.now(UTC), start.trust),
        start.nick,
        start.account,
        well_formed(os.environ.get("CHATROOM_PASSWORD", "")),
        well_formed(server_password),
        start.join,
        settings,
        link.invite,
        start.name or str(address).lower(),
        joins_asked,
        link.reset,
    )
    return _look_for_password(options, start.password_command)


def _look_for_password(options: Options, command: tuple[str, ...]) -> Options:
    """Return the options with the password of the account, if a program or the keyring gives it.

    If that fails, a user at a terminal is told, and asked for the password; for a script that is the end.
    """
    found = options.settings.found
    keyring = found is not None and found.passwords.keyring
    if not (command or keyring) or not options.asks_password:
        return options
    from chatroom.client.password_sources import find_in_keyring, run_command

    try:
        server = str(options.route.address).lower()
        password = run_command(command) if command else find_in_keyring(options.account, server)
        return replace(options, password=well_formed(password))
    except PasswordUnavailable as error:
        if not sys.stdin.isatty():
            raise
        std_streams.tell(sys.stderr, f"chatroom: {printable(str(error))}\n")
        return options


def _parse_server(start: Beginning) -> Address:
    """Return the address of the server. Options about certificates ask for TLS."""
    trust = start.trust
    if trust.fingerprint and trust.authorities:
        raise click.UsageError("--fingerprint and --ca exclude each other: the one names the certificate itself")
    if trust.key and not trust.certificate:
        raise click.UsageError("--key needs --certificate")
    try:
        address = parse_address(start.server, tls=start.tls or trust != SYSTEM_TRUST)
    except ValueError:
        text = f"{start.server!r} is not HOST or HOST:PORT, nor a saved server"
        raise click.BadParameter(text, param_hint="'[HOST[:PORT]|NAME|LINK]'") from None
    if trust.authorities or trust.certificate:
        # Before the chat: a wrong file is no reason to try again. Only then, because it loads ssl.
        from chatroom.client.secure_socket import check_files

        check_files(trust)
    return address


def _forget(address: Address) -> int:
    from chatroom.client.known_servers import KnownServers, default_path

    host, known = printable(address.host), KnownServers(default_path())
    if known.forget(address.host):
        std_streams.tell(sys.stderr, f"Forgot what {known.path} had of {host}.\n")
        return 0
    std_streams.tell(sys.stderr, f"chatroom: nothing is remembered of {host}\n")
    return 1


def _wants_full_screen(asked: bool | None, chat_settings: ChatSettings) -> bool:
    """Decide by the command line, then the settings. ``asked``: what the command line says, None for nothing."""
    if asked is None:
        asked = chat_settings.found is None or chat_settings.found.look.full_screen
    if not asked:
        return False
    from chatroom.client.terminal_fit import can_take_full_screen

    return can_take_full_screen()


def _run_screen(options: Options) -> int:
    import asyncio  # here, because it loads ssl, which a script that pipes a line should not wait for

    from chatroom.client.chats import chat_on_screen

    return asyncio.run(chat_on_screen(options))


def _run_full_screen(options: Options) -> int:
    from chatroom.client.quick_process import quick_process

    with quick_process() as settle:
        import asyncio

        from chatroom.client.chats import chat_full_screen

        return asyncio.run(chat_full_screen(options, settle))


def _run_plain(options: Options, source: LineSource, commands: bool) -> int:
    interactive = sys.stdin.isatty()
    from chatroom.client.options import default_nick

    echo = TerminalEcho(sys.stdin.fileno())
    if options.asks_new_password:
        if not interactive:
            std_streams.tell(sys.stderr, "chatroom: set CHATROOM_PASSWORD to the new password\n")
            return 1
        name = options.account if options.reset else options.nick or default_nick()
        first = _ask_password(f"New password for {name}: ", source, echo)
        if not first or _ask_password("Repeat the password: ", source, echo) != first:
            std_streams.tell(sys.stderr, "chatroom: the passwords differ, or are empty; nothing was changed\n")
            return 1
        options = replace(options, password=well_formed(first))
    if options.asks_password:
        if not interactive:
            text = f"set CHATROOM_PASSWORD to the password of {options.account}"
            std_streams.tell(sys.stderr, f"chatroom: {printable(text)}\n")
            return 1
        password = _ask_password(f"Password for {options.account}: ", source, echo)
        if password is None:
            return 130
        options = replace(options, password=password)
    from chatroom.client.chats import chat_in_lines  # here, because the question need not wait for it

    return chat_in_lines(options, source, echo, interactive=interactive, commands=commands)


def _ask_password(prompt: str, source: LineSource, echo: TerminalEcho) -> str | None:
    """Ask for a password before the chat begins; None if the user ends the input with Ctrl-D."""
    # Not getpass: it raises for bytes that are not UTF-8, and reads ahead of ``source``.
    echo.show(False)
    echo.drop_typed()
    try:
        std_streams.tell(sys.stderr, printable(prompt))
        return source.read_line()
    finally:
        std_streams.tell(sys.stderr, "\n")
        echo.show(True)
