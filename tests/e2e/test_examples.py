"""The programs in ``examples/``, against a real daemon."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.daemon import Client, Daemon, Place, stopped_well, until

EXAMPLES = Path(__file__).parents[2] / "examples"


def needs(*programs: str) -> pytest.MarkDecorator:
    """Skip a test if one of the programs is missing."""
    return pytest.mark.skipif(not all(map(shutil.which, programs)), reason=f"needs {', '.join(programs)}")


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    """A daemon that listens for incoming hooks."""
    with Place.make(hooks__listen="127.0.0.1:0") as place:
        place.ctl("db", "migrate")
        yield from stopped_well(Daemon(place))


@pytest.fixture
def alice(daemon: Daemon) -> Iterator[Client]:
    """Alice in #lobby."""
    with daemon.connect("alice") as alice:
        yield alice


def add_incoming(daemon: Daemon, name: str) -> str:
    """Add a hook of #lobby that a running daemon follows, and return its URL."""
    base = daemon.expect_log("incoming hooks at ").removeprefix("incoming hooks at ")
    token: str = daemon.place.ctl_json("hook", "add", "#lobby", "--incoming", "--name", name)["secret"]
    return base + token


def run(daemon: Daemon, *call: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program in the daemon's place."""
    who = {f"GIT_{role}_{what}": "x@y" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    return subprocess.run(
        call,
        cwd=daemon.place.root,
        env={**daemon.place.environment, **who, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


@needs("curl")
def test_a_build_tells_its_end(daemon: Daemon, alice: Client) -> None:
    """With one line of shell. What is refused is an exit code, so that a build can notice."""
    url, program = add_incoming(daemon, "ci"), str(EXAMPLES / "ci-notify")
    until(lambda: run(daemon, program, "build 17:", "fine", CHATROOM_HOOK=url).returncode == 0, "the hook is known")
    assert alice.expect("PRIVMSG").endswith(" PRIVMSG #lobby :build 17: fine")
    assert run(daemon, program, f"@{EXAMPLES / 'ci-notify'}", CHATROOM_HOOK=url).returncode == 0
    assert alice.expect("PRIVMSG").endswith(f":@{EXAMPLES / 'ci-notify'}")  # the words, and not what is in a file
    refused = run(daemon, program, "x", CHATROOM_HOOK=f"{url}x")
    assert refused.returncode != 0 and "there is no hook with this token" in refused.stdout


@needs("curl", "git")
def test_a_push_is_told(daemon: Daemon, alice: Client) -> None:
    """New branches, new commits, and deleted branches."""
    url = add_incoming(daemon, "git")
    until(lambda: run(daemon, str(EXAMPLES / "ci-notify"), "?", CHATROOM_HOOK=url).returncode == 0, "it is known")

    def git(*words: str) -> None:
        done = run(daemon, "git", "-c", "init.defaultBranch=main", *words)
        assert done.returncode == 0, done.stderr

    git("init", "-q", "--bare", "bare")
    shutil.copy(EXAMPLES / "git-post-receive", daemon.place.root / "bare" / "hooks" / "post-receive")
    git("-C", "bare", "config", "chatroom.hook", url)
    git("init", "-q", "work")
    for text in (r"first \c", "second"):
        git("-C", "work", "commit", "-q", "--allow-empty", "-m", text)
        git("-C", "work", "push", "-q", "../bare", "HEAD:refs/heads/dev")
    git("-C", "work", "push", "-q", "../bare", ":refs/heads/dev")
    assert r"first \c (x@y)" in alice.expect("dev is new: ")
    alice.expect("dev has new commits:")
    assert alice.expect("second (x@y)").startswith(":git/hook!")
    alice.expect("dev was deleted")


def test_a_bot_answers(daemon: Daemon, alice: Client) -> None:
    """A command in the channel goes to the bot, and its answer comes back."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
        secret = daemon.place.ctl_json("hook", "add", "#lobby", f"http://127.0.0.1:{port}/", "--prefix", "!dice")[
            "secret"
        ]
        url = add_incoming(daemon, "dice")
    environment = {**daemon.place.environment, "SECRET": secret, "URL": url}
    bots: list[subprocess.Popen[bytes]] = []

    def is_answered() -> bool:
        if not bots or bots[-1].poll() is not None:  # at its start another program had the port for a moment
            call = [sys.executable, str(EXAMPLES / "hook_bot.py"), str(port)]
            bots.append(subprocess.Popen(call, env=environment, stderr=subprocess.DEVNULL))
        return any(line.startswith(":dice/hook!") for line in alice.ask("PRIVMSG #lobby :!dice"))

    try:
        until(is_answered, "the bot answers", 60)
    finally:
        for bot in bots:
            bot.kill()
            bot.wait()
    answer = next(line for line in alice.lines if line.startswith(":dice/hook!"))
    assert answer.rpartition(" :alice: ")[2] in "123456"


def test_a_bot_on_a_library_answers(daemon: Daemon, alice: Client) -> None:
    """It joins as a bot, greets, and answers."""
    alice.ask("CAP REQ message-tags")

    def is_answered() -> bool:
        alice.ask("PRIVMSG #lobby :!ping")
        return any(line.endswith(" :alice: pong") for line in alice.lines)

    call = [sys.executable, str(EXAMPLES / "irc_bot.py"), "127.0.0.1", str(daemon.port), "robby", "#lobby"]
    bot = subprocess.Popen(call, env=daemon.place.environment)
    try:
        alice.expect(":robby!")
        until(is_answered, "the bot answers")
        with daemon.connect("bob"):
            assert alice.expect(":Welcome, bob!").startswith("@")
        assert any("bot" in line.partition(" ")[0].split(";") for line in alice.lines if "Welcome, bob" in line)
        assert bot.poll() is None
    finally:
        bot.kill()
        bot.wait()
