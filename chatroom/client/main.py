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
class Wishes:
    """What the command line and the environment ask for."""

    address: Address
    nick: str
    account: str
    password: str
    server_password: str
    join: tuple[str, ...]


def parse_address(text: str) -> Address:
    """``HOST``, ``HOST:PORT``, ``[V6]:PORT``, a bare IPv6 address, or any of them as ``irc://...``.

    Raises ``ValueError``.
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
    """The shell user's name, with what no nick may hold replaced."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):
        return "guest"
    nick = "".join(char if is_nick("a" + char) else "_" for char in name)[:32]
    return nick if is_nick(nick) else "guest"


def _convert_address(ctx: click.Context, param: click.Parameter, value: str) -> Address:
    try:
        return parse_address(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is not HOST or HOST:PORT") from None


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("server", callback=_convert_address, default="127.0.0.1", metavar="[HOST[:PORT]]")
@click.option("--nick", help="The name to chat under. Asked for if left out; default: your login name.")
@click.option("--account", help="Log in to this account, whatever the nick.")
@click.option("--join", multiple=True, metavar="CHANNEL", help="Join this channel too; may be repeated.")
@click.option("--plain", "as_plain", is_flag=True, help="Plain lines in and out, as in a pipe.")
@click.option("--commands", is_flag=True, help="In a pipe: lines that start with / are commands, as at a terminal.")
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

    At a terminal this asks for what it needs to know; /help tells the rest. With stdin or stdout not a terminal every
    line of stdin is said in the channel, and the exit code is 0 once all of them have arrived:

        echo "deployed" | chatroom --nick bot

    Passwords are asked for, or come from CHATROOM_PASSWORD and CHATROOM_SERVER_PASSWORD.
    """
    source = LineSource(sys.stdin.fileno())
    server_password = os.environ.get("CHATROOM_SERVER_PASSWORD", "")
    if server_password_stdin:
        server_password = source.read_line() or ""
    wishes = Wishes(
        server,
        nick or account or "",
        account or "",
        os.environ.get("CHATROOM_PASSWORD", ""),
        server_password,
        tuple(name if name.startswith(("#", "&")) else f"#{name}" for name in join),
    )
    piped = not (sys.stdin.isatty() and sys.stdout.isatty()) or os.environ.get("TERM", "dumb") == "dumb"
    try:
        code = _run_plain(wishes, source, commands) if as_plain or piped else asyncio.run(_run_screen(wishes))
    except KeyboardInterrupt:
        code = 130
    raise SystemExit(code)


def _run_plain(wishes: Wishes, source: LineSource, commands: bool) -> int:
    interactive = sys.stdin.isatty()
    if wishes.account and not wishes.password:
        if not interactive:
            click.echo(f"chatroom: the password for {wishes.account} is wanted in CHATROOM_PASSWORD", err=True)
            return 1
        wishes = _with_password(wishes, getpass.getpass(f"Password for {wishes.account}: "))
    inbox: plain.Inbox = SimpleQueue()
    # We know what we say; an echo of it would only be in the way.
    caps = tuple(cap for cap in WANTED_CAPS if cap != "echo-message")
    login = _login(wishes, wishes.nick or default_nick(), caps)
    session = ChatSession(
        wishes.address,
        login,
        lambda: Link(wishes.address, inbox.put),
        time.monotonic,
        random.random,
        wishes.join,
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
        channel=wishes.join[0] if wishes.join else None,
    ).run()


async def _run_screen(wishes: Wishes) -> int:
    # Only here: a script that pipes a line should not wait for the terminal's machinery to be loaded.
    from chatroom.client.screen import Screen

    screen = Screen()
    try:
        nick = wishes.nick
        if not nick:
            # In brackets and not typed ahead: who types a name of their own should not have to wipe one out first.
            nick = (await screen.ask(f"Nickname [{default_nick()}]: ") or "").strip() or default_nick()
        if wishes.account and not wishes.password:
            wishes = _with_password(wishes, await screen.ask(f"Password for {wishes.account}: ", secret=True) or "")
    except (EOFError, KeyboardInterrupt):
        return 130
    session = ChatSession(
        wishes.address,
        _login(wishes, nick, WANTED_CAPS),
        lambda: Link(wishes.address, screen.post),
        time.monotonic,
        random.random,
        wishes.join,
    )
    code = await screen.run(session)
    if session.over is not None and session.over.unreachable and wishes.address.host in _LOOPBACK:
        click.echo("Is a server running here? `chatroomctl serve` starts one.", err=True)
    return code


def _login(wishes: Wishes, nick: str, caps: tuple[str, ...]) -> Login:
    return Login(nick, wishes.account, wishes.password, wishes.server_password, caps)


def _with_password(wishes: Wishes, password: str) -> Wishes:
    return Wishes(wishes.address, wishes.nick, wishes.account, password, wishes.server_password, wishes.join)
