"""The ``chatroom`` command."""

from __future__ import annotations

import asyncio
import getpass
import os
import random
import sys
import time
from dataclasses import dataclass
from queue import SimpleQueue

import click

from chatroom import __version__
from chatroom.client import plain
from chatroom.client.chat_session import ChatSession
from chatroom.client.handshake import WANTED_CAPS, Login
from chatroom.client.line_output import LineOutput, tolerant
from chatroom.client.link import Address, Link
from chatroom.client.stdin_lines import LineSource
from chatroom.irc.names import is_nick

DEFAULT_PORT = 6667
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Options:
    """The settings from the command line and the environment."""

    address: Address
    nick: str
    account: str
    password: str
    server_password: str
    join: tuple[str, ...]


def parse_address(text: str) -> Address:
    """Parse ``HOST``, ``HOST:PORT``, ``[IPV6]:PORT`` or a bare IPv6 address, each with or without ``irc://``.

    Raises ``ValueError`` if it is none of them.
    """
    text = text.removeprefix("irc://").partition("/")[0]
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":")
    elif text.count(":") > 1:
        host, port = text, ""
    else:
        host, _, port = text.partition(":")
    number = int(port) if port else DEFAULT_PORT
    if not host or not 0 < number < 65536:
        raise ValueError(text)
    return Address(host, number)


def default_nick() -> str:
    """Return the name of the shell's user as a nick, with ``_`` for characters that a nick cannot have."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):
        return "guest"  # the user id has no name, as in some containers
    # "a" goes before each character, because a nick may begin with fewer characters than it may contain.
    nick = "".join(char if is_nick("a" + char) else "_" for char in name)[:32]
    return nick if is_nick(nick) else "guest"


def _convert_address(ctx: click.Context, param: click.Parameter, value: str) -> Address:
    try:
        return parse_address(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is not HOST or HOST:PORT") from None


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("server", callback=_convert_address, default="127.0.0.1", metavar="[HOST[:PORT]]")
@click.option("--nick", help="Your nick. Without it you are asked; the default is your login name.")
@click.option("--account", help="Log in to this account. The nick may differ from it.")
@click.option("--join", multiple=True, metavar="CHANNEL", help="Join this channel; may be repeated.")
@click.option("--plain", "as_plain", is_flag=True, help="Read and write plain lines, as in a pipe.")
@click.option("--commands", is_flag=True, help="In a pipe, treat lines that start with / as commands.")
@click.option("--server-password-stdin", is_flag=True, help="Read the server's password from the first line of stdin.")
@click.version_option(__version__, prog_name="chatroom")
def main(
    server: Address,
    nick: str | None,
    account: str | None,
    join: tuple[str, ...],
    as_plain: bool,
    commands: bool,
    server_password_stdin: bool,
) -> None:
    """Chat on the server at HOST (default: 127.0.0.1:6667).

    At a terminal chatroom asks for your nick and shows a prompt; type /help there. In a pipe it sends each line of
    stdin to the channel. The exit code is 0 if all of them have arrived:

        echo "deployed" | chatroom --nick bot

    CHATROOM_PASSWORD and CHATROOM_SERVER_PASSWORD give the passwords of your account and of the server. At a terminal
    you are asked for them.
    """
    source = LineSource(sys.stdin.fileno())
    server_password = os.environ.get("CHATROOM_SERVER_PASSWORD", "")
    if server_password_stdin:
        server_password = source.read_line() or ""
    options = Options(
        server,
        nick or account or "",
        account or "",
        os.environ.get("CHATROOM_PASSWORD", ""),
        server_password,
        tuple(name if name.startswith(("#", "&")) else f"#{name}" for name in join),
    )
    # TERM=dumb: this terminal cannot move the cursor. A shell inside an editor is one.
    piped = not (sys.stdin.isatty() and sys.stdout.isatty()) or os.environ.get("TERM", "dumb") == "dumb"
    try:
        code = _run_plain(options, source, commands) if as_plain or piped else asyncio.run(_run_screen(options))
    except KeyboardInterrupt:
        code = 130  # the shell's code for Ctrl-C
    raise SystemExit(code)


def _run_plain(options: Options, source: LineSource, commands: bool) -> int:
    interactive = sys.stdin.isatty()
    if options.account and not options.password:
        if not interactive:
            click.echo(f"chatroom: set CHATROOM_PASSWORD to the password of {options.account}", err=True)
            return 1
        options = _with_password(options, getpass.getpass(f"Password for {options.account}: "))
    inbox: plain.Inbox = SimpleQueue()
    # A script knows what it sends, so the server need not echo it.
    caps = tuple(cap for cap in WANTED_CAPS if cap != "echo-message")
    login = _login(options, options.nick or default_nick(), caps)
    session = ChatSession(
        options.address,
        login,
        lambda: Link(options.address, inbox.put),
        time.monotonic,
        random.random,
        options.join,
        plain.ATTEMPTS,
        say_again=True,
    )
    return plain.Plain(
        session,
        inbox,
        source,
        LineOutput(session.state, tolerant(sys.stdout), tolerant(sys.stderr), interactive=interactive),
        interactive=interactive,
        commands=commands or interactive,
        channel=options.join[0] if options.join else None,
    ).run()


async def _run_screen(options: Options) -> int:
    # Imported only here: it loads prompt_toolkit, which a script that pipes a line should not wait for.
    from chatroom.client.screen import Screen

    screen = Screen()
    try:
        nick = options.nick
        if not nick:
            # The default stands in brackets instead of on the line, so that another nick can be typed at once.
            nick = (await screen.ask(f"Nickname [{default_nick()}]: ") or "").strip() or default_nick()
        if options.account and not options.password:
            options = _with_password(options, await screen.ask(f"Password for {options.account}: ", secret=True) or "")
    except (EOFError, KeyboardInterrupt):
        return 130
    session = ChatSession(
        options.address,
        _login(options, nick, WANTED_CAPS),
        lambda: Link(options.address, screen.post),
        time.monotonic,
        random.random,
        options.join,
    )
    code = await screen.run(session)
    if session.over is not None and session.over.unreachable and options.address.host in _LOOPBACK:
        click.echo("Is a server running here? `chatroomctl serve` starts one.", err=True)
    return code


def _login(options: Options, nick: str, caps: tuple[str, ...]) -> Login:
    return Login(nick, options.account, options.password, options.server_password, caps)


def _with_password(options: Options, password: str) -> Options:
    return Options(options.address, options.nick, options.account, password, options.server_password, options.join)
