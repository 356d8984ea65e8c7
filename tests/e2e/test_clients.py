"""Real clients from Debian, driven as scripts drive them: irssi and WeeChat in tmux, ii by its files.

Each has a home of its own, so that the developer's settings are neither read nor written.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest
from harness.daemon import Daemon, running, until
from harness.tls import Pair, TlsDaemon, tls_running

PASSWORD = "correct-horse"
"""Without a space: ii does not send the last parameter of PASS with a colon."""

IRSSI = pytest.mark.debian("irssi", "tmux")
WEECHAT = pytest.mark.debian("weechat-curses", "tmux")
II = pytest.mark.debian("ii")


@pytest.fixture(scope="module")
def server() -> Iterator[Daemon]:
    """A daemon for all clients; ada is an admin."""
    accounts = {"ada": "admin", "irene": "user", "wanda": "user", "iris": "user"}
    with running(accounts, PASSWORD, limits__enabled=False, server__io_threads=1) as daemon:
        yield daemon


class Window(Protocol):
    """What a test needs of a client."""

    def type(self, line: str) -> None:
        """Type a line into its main window."""

    def text(self) -> str:
        """Return all that it shows, or has written."""


def shows(client: Window, text: str) -> None:
    """Wait until it shows a text."""
    try:
        until(lambda: text in client.text(), text)
    except AssertionError:
        pytest.fail(f"no {text!r} in:\n{client.text()}")


class Tmux:
    """A client in one of tmux's terminals, with an empty home."""

    def __init__(self, home: Path, daemon: Daemon, *call: str) -> None:
        self._home = home
        self._environment = {**daemon.place.environment, "TMUX_TMPDIR": str(home), "TERM": "screen"}
        self._tmux("-f", os.devnull, "new-session", "-d", "-s", "t", "-x", "250", "-y", "80", *call)

    def _tmux(self, *arguments: str) -> str:
        call = ["tmux", *arguments]
        done = subprocess.run(call, env=self._environment, capture_output=True, text=True, timeout=20)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def enter(self, line: str) -> None:
        """Type a line and press Enter."""
        self._tmux("send-keys", "-t", "t", "-l", line)
        self._tmux("send-keys", "-t", "t", "Enter")

    def screen(self) -> str:
        """Return what the terminal shows."""
        return self._tmux("capture-pane", "-p", "-J", "-t", "t")

    def close(self) -> None:
        """End it with its terminal."""
        self._tmux("kill-server")


class Irssi(Tmux):
    """irssi with one window, so that its screen shows everything. With a certificate, it uses TLS and SASL EXTERNAL."""

    def __init__(
        self, home: Path, daemon: Daemon, nick: str, password: str = "", certificate: Pair | None = None
    ) -> None:
        port, tls = daemon.port, ""
        sasl = f'sasl_mechanism = "PLAIN"; sasl_username = "{nick}"; sasl_password = "{password}";' if password else ""
        if certificate is not None:
            assert isinstance(daemon, TlsDaemon)
            port, sasl = daemon.tls_port, 'sasl_mechanism = "EXTERNAL";'
            tls = f"""use_tls = "yes"; tls_verify = "no"; tls_cert = "{certificate.certificate}";
                tls_pkey = "{certificate.key}";"""
        (home / "config").write_text(
            f"""
            servers = ({{ address = "127.0.0.1"; port = "{port}"; chatnet = "test"; autoconnect = "yes"; {tls} }});
            chatnets = {{ test = {{ type = "IRC"; nick = "{nick}"; {sasl} }}; }};
            settings = {{
              core = {{ real_name = "I"; user_name = "i"; nick = "{nick}"; }};
              "irc/core" = {{ cmd_queue_speed = "10msec"; }};
              "fe-common/core" = {{ autocreate_windows = "no"; }};
            }};
            """
        )
        super().__init__(home, daemon, "irssi", "--home", str(home))

    def type(self, line: str) -> None:
        """Say a line in #lobby, or run it as a command if it begins with a slash."""
        self.enter(line)

    def text(self) -> str:
        """Return what the terminal shows."""
        return self.screen()


class WeeChat(Tmux):
    """WeeChat, read by its logs. With a certificate, it uses TLS and SASL EXTERNAL."""

    def __init__(
        self, home: Path, daemon: Daemon, nick: str, password: str = "", certificate: Pair | None = None
    ) -> None:
        port = daemon.port
        options = {
            "logger.file.flush_delay": "0",
            "irc.look.server_buffer": "independent",
            "irc.server_default.nicks": nick,
            "irc.server_default.autoreconnect": "off",
            "irc.server_default.anti_flood_prio_high": "0",
            "irc.server_default.anti_flood_prio_low": "0",
        }
        if password:
            options["irc.server_default.sasl_username"] = nick
            options["irc.server_default.sasl_password"] = password
        if certificate is not None:
            assert isinstance(daemon, TlsDaemon)
            port = daemon.tls_port
            file = home / "weechat.pem"
            file.write_text(certificate.certificate.read_text() + certificate.key.read_text())
            options["irc.server_default.sasl_mechanism"] = "external"
        commands = [f"/set {name} {value}" for name, value in options.items()]
        commands.append(f"/server add test 127.0.0.1/{port} -notls")
        if certificate is not None:
            for word in ("ssl", "tls"):  # the options are called tls since version 4
                commands += [f"/set irc.server.test.{word} on", f"/set irc.server.test.{word}_verify off"]
                commands.append(f"/set irc.server.test.{word}_cert {file}")
        commands.append("/connect test")
        call = ["weechat-curses", "--dir", str(home)]
        for command in commands:
            call += ["--run-command", command]
        super().__init__(home, daemon, *call)

    def type(self, line: str) -> None:
        """Say a line in #lobby, whatever buffer is shown, or run it as a command if it begins with a slash."""
        if line.startswith("/"):
            self.enter(f"/command -buffer irc.server.test irc {line}")
        else:
            self.enter(f"/msg -server test #lobby {line}")

    def text(self) -> str:
        """Return the logs of all its buffers."""
        return "\n".join(path.read_text() for path in self._home.glob("**/*.weechatlog"))


class Ii:
    """ii, which has a file to write to and a file to read for each channel."""

    def __init__(self, home: Path, daemon: Daemon, nick: str, password: str = "") -> None:
        self._files = home / "127.0.0.1"
        call = ["ii", "-s", "127.0.0.1", "-p", str(daemon.port), "-i", str(home), "-n", nick]
        environment = dict(daemon.place.environment)
        if password:
            call += ["-k", "IIPASS"]
            environment["IIPASS"] = password
        self._process = subprocess.Popen(call, env=environment, stdin=subprocess.DEVNULL)
        until(lambda: (self._files / "in").exists() or self._process.poll() is not None, "ii's files")

    def type(self, line: str) -> None:
        """Say a line in #lobby. With a slash it is one of ii's commands, with two slashes a raw line."""
        path = self._files / "in" if line.startswith("//") else self._files / "#lobby" / "in"
        until(path.exists, str(path))
        path.write_text((line[1:] if line.startswith("//") else line) + "\n")

    def text(self) -> str:
        """Return what it has read in all channels."""
        return "\n".join(path.read_text() for path in self._files.glob("**/out"))

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(20)


CLIENTS = [
    pytest.param(Irssi, marks=IRSSI, id="irssi"),
    pytest.param(WeeChat, marks=WEECHAT, id="weechat"),
    pytest.param(Ii, marks=II, id="ii"),
]
LOGIN = [
    pytest.param(Irssi, "irene", marks=IRSSI, id="irssi-sasl"),
    pytest.param(WeeChat, "wanda", marks=WEECHAT, id="weechat-sasl"),
    pytest.param(Ii, "iris", marks=II, id="ii-pass"),
]
Client = type[Irssi] | type[WeeChat] | type[Ii]


@contextlib.contextmanager
def started(kind: Client, daemon: Daemon, nick: str, password: str = "") -> Iterator[Irssi | WeeChat | Ii]:
    """Run a client of that kind, and end it afterwards."""
    home = Path(tempfile.mkdtemp(prefix="c-", dir=daemon.place.root))
    client = kind(home, daemon, nick, password)
    try:
        yield client
    finally:
        client.close()


@pytest.mark.parametrize("kind", CLIENTS)
def test_it_joins_the_lobby_and_chats_both_ways(server: Daemon, kind: Client) -> None:
    """Connecting is enough to chat. Others read what it says, and it shows what others say and that they leave."""
    nick = f"{kind.__name__.lower()}-guest"
    with server.connect("raw") as raw, started(kind, server, nick) as client:
        raw.expect(f":{nick}!")
        raw.send("PRIVMSG #lobby :good evening äöü 😀")
        shows(client, "good evening äöü")
        client.type("and to you ÄÖÜ")
        assert raw.expect("PRIVMSG").endswith("PRIVMSG #lobby :and to you ÄÖÜ")
        raw.send("NICK cooked", "QUIT :so long")
        shows(client, "so long" if kind is not Ii else "cooked")


@pytest.mark.parametrize("kind, nick", LOGIN)
def test_it_logs_in_with_a_password(server: Daemon, kind: Client, nick: str) -> None:
    """It gets its registered name by SASL, or by PASS if the client knows nothing newer."""
    with server.connect("raw2") as raw, started(kind, server, nick, PASSWORD):
        raw.expect(f":{nick}!")
        assert " 330 " in "\n".join(raw.ask(f"WHOIS {nick}"))


@pytest.mark.parametrize("kind, nick", LOGIN)
def test_a_wrong_password_is_refused_and_shown(server: Daemon, kind: Client, nick: str) -> None:
    """It shows the refusal, and no user has that name."""
    with server.connect("raw3") as raw, started(kind, server, nick, "wrong-password") as client:
        server.expect_log(f"refused login as {nick} from 127.0.0.1: wrong name or password")
        if kind is not Ii:  # ii prints nothing before the welcome, and ends
            shows(client, "wrong name or password")
        raw.send(f"WHOIS {nick}")
        raw.expect("401")


@pytest.mark.parametrize("kind", CLIENTS)
def test_it_is_kicked_and_banned(server: Daemon, kind: Client) -> None:
    """It shows the reason of a kick and of a ban, and is refused while it is banned."""
    nick = f"{kind.__name__.lower()}-rude"
    with server.connect("boss", password=f"ada:{PASSWORD}") as boss:
        for line, words in (
            (f"KILL {nick} :calm down", "You were kicked by an admin: calm down"),
            (f"UBAN ADD {nick} 1h go away", "banned: go away"),
        ):
            with started(kind, server, nick) as client:
                boss.expect(f":{nick}!")
                boss.send(line)
                boss.expect("QUIT")
                if kind is not Ii:
                    shows(client, words)
        with started(kind, server, nick) as client:
            server.expect_log("from 127.0.0.1: banned: go away")
            if kind is not Ii:
                shows(client, "banned: go away")
        boss.ask(f"UBAN DEL {nick}")


@pytest.mark.parametrize("kind", CLIENTS[:2])
def test_an_admin_kicks_and_bans_with_it(server: Daemon, kind: Client) -> None:
    """With the client's own command for KILL, and a raw line for UBAN."""
    kicked, banned = f"{kind.__name__}-kicked", f"{kind.__name__}-banned"
    with (
        server.connect(kicked) as first,
        server.connect(banned) as second,
        started(kind, server, "ada", PASSWORD) as client,
    ):
        while " JOIN " not in first.expect(":ada!"):
            pass  # the previous test's ada may still be leaving
        # The server has said JOIN, but the client may not have read it: until then it takes no command for the server.
        first.send(f"PRIVMSG #lobby :{kicked} is ready")
        shows(client, f"{kicked} is ready")
        client.type(f"/kill {kicked} bye")
        assert "You were kicked by an admin: bye" in first.expect_closed()[-1]
        client.type(f"/quote UBAN ADD {banned} 1h bad")
        assert "banned: bad (until" in second.expect_closed()[-1]


@pytest.mark.parametrize("kind", [pytest.param(Irssi, marks=IRSSI), pytest.param(WeeChat, marks=WEECHAT)])
def test_it_logs_in_by_its_certificate(kind: type[Irssi] | type[WeeChat]) -> None:
    """By SASL EXTERNAL, without a password, if its certificate is the account's."""
    with tls_running() as daemon, daemon.open_tls() as raw:
        daemon.create("clara")
        pair = Pair(daemon.place.root, "clara", label="client")
        daemon.place.ctl("user", "cert", "add", "clara", "--file", pair.certificate)
        raw.register("raw")
        home = Path(tempfile.mkdtemp(prefix="c-", dir=daemon.place.root))
        client = kind(home, daemon, "clara", certificate=pair)
        try:
            raw.expect(":clara!")
            assert " 330 " in "\n".join(raw.ask("WHOIS clara"))
            daemon.expect_log("login clara (user) from 127.0.0.1 by a certificate")
        finally:
            client.close()
