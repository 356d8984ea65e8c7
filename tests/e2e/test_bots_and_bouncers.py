"""Programs between people and the server: the bot Limnoria, and ZNC in front of a client."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.daemon import CAP_S, Client, Daemon, running, script, until

PASSWORD = "correct-horse"
"""Without a space: ZNC takes what stands behind one for another setting."""


@pytest.fixture(scope="module")
def server() -> Iterator[Daemon]:
    """A daemon for all tests here; zoe uses ZNC and bert is a bot."""
    with running({"zoe": "user", "bert": "user"}, PASSWORD, limits__enabled=False) as daemon:
        yield daemon


# -- a bot ----------------------------------------------------------------------------------------

LIMNORIA_CONFIG = """\
supybot.nick: bert
supybot.ident: bert
supybot.user: a bot
supybot.networks: chat
supybot.networks.chat.servers: 127.0.0.1:{port}
supybot.networks.chat.ssl: False
supybot.networks.chat.channels: #bots
supybot.networks.chat.sasl.username: bert
supybot.networks.chat.sasl.password: {password}
supybot.protocols.irc.throttleTime: 0
supybot.reply.whenAddressedBy.chars: !
supybot.plugins: Utilities
supybot.plugins.Utilities: True
supybot.directories.conf: {home}/conf
supybot.directories.data: {home}/data
supybot.directories.log: {home}/log
"""


@contextlib.contextmanager
def limnoria_running(server: Daemon) -> Iterator[None]:
    """Limnoria, logged in as bert by SASL."""
    with tempfile.TemporaryDirectory(prefix="chatroom-limnoria-", ignore_cleanup_errors=True) as name:
        config = Path(name, "bot.conf")
        config.write_text(LIMNORIA_CONFIG.format(port=server.port, password=PASSWORD, home=name))
        call = [script("limnoria"), "--allow-root", str(config)]
        home = {**server.place.environment, "HOME": name}
        process = subprocess.Popen(call, cwd=name, env=home, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            yield
        finally:
            process.terminate()
            process.wait(CAP_S)


def test_limnoria_answers(server: Daemon) -> None:
    """The bot logs in, joins, and answers a command in the channel and in private."""
    with server.connect("ann") as ann:
        ann.ask("JOIN #bots")
        with limnoria_running(server):
            assert ann.expect(" JOIN #bots").startswith(":bert!")
            assert any(" 330 " in line for line in ann.ask("WHOIS bert"))
            # It obeys nothing in a channel until it has looked around there: it is asked until it answers.
            command, answer = "PRIVMSG #bots :!echo hello $nick", " PRIVMSG #bots :hello ann"
            until(lambda: any(line.endswith(answer) for line in ann.ask(command)), "Limnoria answers in #bots")
            ann.send("PRIVMSG bert :echo in private")
            assert ann.expect("NOTICE").endswith(" NOTICE ann :in private")
        assert ann.expect("QUIT").startswith(":bert!")


# -- a bouncer ------------------------------------------------------------------------------------

_NOBODY = 65_534

ZNC_CONFIG = """\
Version = 1.8.2
ServerThrottle = 1
<Listener local>
    Host = 127.0.0.1
    Port = {port}
    IPv4 = true
    IPv6 = false
    SSL = false
</Listener>
<User zoe>
    Pass = plain#{password}
    Nick = zoe
    RealName = Zoe
    AutoClearChanBuffer = true
    Buffer = 50
    <Network chat>
        Server = 127.0.0.1 {server_port} zoe:{password}
        <Chan #znc>
        </Chan>
    </Network>
</User>
"""


def _free_port() -> int:
    """A port that is free now: ZNC cannot say which one it was given."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port


@contextlib.contextmanager
def znc_running(server: Daemon) -> Iterator[int]:
    """ZNC, connected to the server as zoe; the port that it listens on."""
    with tempfile.TemporaryDirectory(prefix="chatroom-znc-", ignore_cleanup_errors=True) as name:
        port, configs = _free_port(), Path(name, "configs")
        configs.mkdir()
        text = ZNC_CONFIG.format(port=port, password=PASSWORD, server_port=server.port)
        (configs / "znc.conf").write_text(text)
        is_root = os.getuid() == 0
        if is_root:  # as root ZNC waits for half a minute before it starts
            for path in (name, configs, configs / "znc.conf"):
                os.chown(path, _NOBODY, _NOBODY)
        call = ["znc", "--foreground", "--no-color", "--datadir", name]
        process = subprocess.Popen(
            call,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            user=_NOBODY if is_root else None,
            group=_NOBODY if is_root else None,
        )
        printed: list[str] = []
        assert process.stdout is not None
        lines = process.stdout
        reader = threading.Thread(target=lambda: printed.extend(lines), name="znc's output", daemon=True)
        reader.start()
        try:
            until(lambda: _accepts(port) or process.poll() is not None, "ZNC listens")
            assert process.poll() is None, printed
            yield port
        finally:
            process.terminate()
            process.wait(CAP_S)
            reader.join(CAP_S)
            lines.close()


def _accepts(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.debian("znc")
def test_znc_stands_in_front_of_the_server(server: Daemon) -> None:
    """ZNC logs in as zoe and stays while its client is away; what was said meanwhile is in its buffer."""
    with server.connect("ann") as ann:
        ann.ask("JOIN #znc")
        with znc_running(server) as port:
            assert ann.expect(" JOIN #znc").startswith(":zoe!")
            assert any(" 330 " in line for line in ann.ask("WHOIS zoe"))
            ann.ask("PRIVMSG #znc :said while zoe's client is away")
            with Client(port) as zoe:
                zoe.send(f"PASS zoe/chat:{PASSWORD}", "CAP REQ :server-time batch", "NICK zoe", "USER zoe 0 * :Zoe")
                zoe.send("CAP END")
                zoe.expect("said while zoe's client is away")
                zoe.send("PRIVMSG #znc :by the bouncer")
                assert ann.expect("PRIVMSG").endswith(" PRIVMSG #znc :by the bouncer")
                ann.send("PRIVMSG #znc :and back")
                zoe.expect("and back")
        assert ann.expect("QUIT").startswith(":zoe!")
