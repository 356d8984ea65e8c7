"""The terminal client and the daemon, both as processes."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Callable, Iterator

import pytest
from harness.daemon import PASSWORD, Daemon, running, script
from harness.terminal import CAP_S, Terminal

Sit = Callable[..., Terminal]


@pytest.fixture
def sit(daemon: Daemon) -> Iterator[Sit]:
    """Run ``chatroom --prompt --nick NICK`` in a terminal."""
    terminals = []

    def start(nick: str, *args: str) -> Terminal:
        environment = {**daemon.place.environment, "TERM": "xterm-256color"}
        terminal = Terminal(
            f"127.0.0.1:{daemon.port}", "--prompt", "--nick", nick, *args, program=script("chatroom"), env=environment
        )
        terminals.append(terminal)
        return terminal

    yield start
    for terminal in terminals:
        terminal.close()


@pytest.fixture
def log_in(daemon: Daemon, sit: Sit) -> Callable[[str, str], Terminal]:
    """Make an account with this role, run ``chatroom`` in a terminal and type the password."""

    def start(name: str, role: str) -> Terminal:
        daemon.place.create(name, role)
        terminal = sit(name)
        terminal.see_last(f"Password for {name} (leave empty for another nick):")
        terminal.enter(PASSWORD)
        terminal.see_last("[#lobby]")
        return terminal

    return start


def pipe(daemon: Daemon, text: str, *args: str, password: str = "") -> subprocess.CompletedProcess[str]:
    """Pipe a text into ``chatroom``."""
    return subprocess.run(
        [script("chatroom"), f"127.0.0.1:{daemon.port}", *args],
        input=text,
        capture_output=True,
        text=True,
        env={**daemon.place.environment, "CHATROOM_PASSWORD": password},
        timeout=CAP_S,
    )


def test_two_users_chat(daemon: Daemon, sit: Sit) -> None:
    """Connecting is enough to chat. Each user reads what the other says, and sees the other join and leave."""
    ann, ben = sit("ann"), sit("ben")
    ann.see_last("[#lobby]")
    ben.see_last("[#lobby]")
    ann.enter("hello there")
    ben.see("<ann> hello there")
    ann.see("<ann> hello there")
    ben.enter("/msg ann just between us")
    ann.see("[ben] <ben> just between us")
    cara = sit("cara")
    ann.see("cara joined")
    cara.see_last("[#lobby]")
    cara.enter("/quit bedtime")
    ann.see("cara left (bedtime)")
    assert cara.finish() == 0


def test_a_registered_name_asks_for_its_password(daemon: Daemon, sit: Sit) -> None:
    """The client shows that a password is wrong and asks again. It ends after three of them; the daemon goes on."""
    daemon.place.create("ada", "admin")
    terminal = sit("ada")
    for tries in range(3):
        why, count = ("Wrong name or password", tries) if tries else ("ada is registered", 1)
        # The prompt is drawn again when the line above it is shown, so its text is not counted.
        terminal.wait(
            lambda why=why, count=count: (  # type: ignore[misc]
                terminal.raw.count(why) == count and terminal.last.startswith("Password for ada")
            ),
            "the question",
        )
        terminal.enter("not this one")
    assert terminal.finish() == 1
    assert "not this one" not in terminal.raw
    assert daemon.is_well()


def test_a_kicked_user_may_come_back(sit: Sit, log_in: Callable[[str, str], Terminal]) -> None:
    """The kicked user reads the reason, all others read of it, and the next connection gets in."""
    ann, ben = sit("ann"), sit("ben")
    for guest in (ann, ben):
        guest.see_last("[#lobby]")
    ada = log_in("ada", "admin")
    ada.enter("/kick ben too loud")
    ada.see_last("disconnect ben from the whole server? y/N, or r for #lobby only:")
    ada.enter("y")
    assert ben.finish() == 1
    ben.see("You were kicked by an admin: too loud")
    ann.see("ben was kicked by an admin: too loud")
    sit("ben").see_last("[#lobby]")


def test_a_ban_lasts_until_it_is_lifted(sit: Sit, log_in: Callable[[str, str], Terminal]) -> None:
    """A banned name reads the reason and the end at every try. Another name gets in, and later this one does."""
    ben = sit("ben")
    ben.see_last("[#lobby]")
    mo = log_in("mo", "moderator")
    mo.enter("/ban ben 1h spam")
    mo.see_last("ban ben from the whole server? y/N, or r for #lobby only:")
    mo.enter("y")
    assert ben.finish() == 1
    mo.enter("/bans")
    mo.see("1 ban in force")
    again = sit("BEN")
    assert again.finish() == 1
    assert "banned: spam (until " in " ".join(again.lines)
    other = sit("benny")
    other.see_last("[#lobby]")
    other.enter("/nick Ben")
    other.wait(lambda: "banned: spam" in " ".join(other.lines), "the refusal of the nick")
    other.see_last("[#lobby]")
    mo.enter("/unban ben")
    mo.see("ben is no longer banned")
    sit("ben").see_last("[#lobby]")


def test_what_a_guest_may_not_do(sit: Sit) -> None:
    """The client shows the refusal, and the guest chats on."""
    ann, ben = sit("ann"), sit("ben")
    for guest in (ann, ben):
        guest.see_last("[#lobby]")
    refused = ("/kick --server ben", "/ban --server ben", "/unban --server ben", "/bans --server", "/raw KILL ben :x")
    for command in refused:
        count = ann.raw.count("it takes a moderator or an admin")
        ann.enter(command)
        ann.wait(
            lambda count=count: ann.raw.count("it takes a moderator or an admin") > count,  # type: ignore[misc]
            f"the refusal of {command}",
        )
    for command in ("/kick ben", "/ban ben 1h", "/op ann"):
        count = ann.raw.count("Only an operator of #lobby may do that.")
        ann.enter(command)
        ann.wait(
            lambda count=count: ann.raw.count("Only an operator of #lobby may do that.") > count,  # type: ignore[misc]
            f"the refusal of {command}",
        )
    ann.enter("still here")
    ben.see("<ann> still here")


def test_registering_from_the_chat(daemon: Daemon, sit: Sit) -> None:
    """/register makes an account. The name then needs its password."""
    ann = sit("ann")
    ann.see_last("[#lobby]")
    ann.enter("/register")
    ann.see_last("New password for ann:")
    ann.enter(PASSWORD)
    ann.see_last("Repeat the password:")
    ann.enter(PASSWORD)
    ann.see("ann is registered")
    assert [account["name"] for account in daemon.place.ctl_json("user", "list")] == ["ann"]
    assert pipe(daemon, "hi\n", "--nick", "ann").returncode == 1


def test_a_restart_of_the_daemon_is_survived(daemon: Daemon, log_in: Callable[[str, str], Terminal]) -> None:
    """After a shutdown the client connects again by itself, logs in, and joins its channels."""
    ada = log_in("ada", "admin")
    ada.enter("/join #tea")
    ada.see_last("[#tea]")
    ada.type("half a th")
    assert daemon.stop(signal.SIGTERM) == 0
    ada.see("The connection is lost: Server is shutting down.")
    again = subprocess.Popen(
        [script("chatroomctl"), "--database", str(daemon.place.database), "serve", "--port", str(daemon.port)],
        env=daemon.place.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        ada.see("Connected again, as ada.")
        ada.see_last("[#tea] half a th")
        ada.enter("ought")
        ada.see("<ada> half a thought")
    finally:
        again.terminate()
        assert again.wait(CAP_S) == 0


def test_a_script_says_a_line(daemon: Daemon, sit: Sit) -> None:
    """Users read the line of ``echo deployed | chatroom --nick bot``, which exits with 0."""
    ann = sit("ann")
    ann.see_last("[#lobby]")
    done = pipe(daemon, "deployed\n", "--nick", "bot")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    ann.see("<bot> deployed")
    ann.see("bot left")


def test_a_script_follows_its_channel(daemon: Daemon) -> None:
    """A channel that gets another name is the same one, also in a pipe that stays open."""
    daemon.create("ada", "admin")
    with daemon.connect("ada", password=PASSWORD) as ada:
        ada.ask("JOIN #builds")
        process = subprocess.Popen(
            [script("chatroom"), f"127.0.0.1:{daemon.port}", "--nick", "bot", "--join", "#builds"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=daemon.place.environment,
        )
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(b"one\n")
        process.stdin.flush()
        ada.expect("PRIVMSG #builds :one")
        ada.ask("RENAME #builds #renamed")
        while b"ada renamed #builds to #renamed" not in (line := process.stdout.readline()):
            assert line, "the script has ended"
        assert process.communicate(b"two\n", CAP_S) == (b"", b"")
        ada.expect("PRIVMSG #renamed :two")
        assert process.returncode == 0


def test_a_long_file_arrives_whole(daemon: Daemon) -> None:
    """It has more lines than the rate limit takes at once. The client paces them, in order."""
    with daemon.connect("ear") as ear:
        done = pipe(daemon, "".join(f"line {number}\n" for number in range(60)), "--nick", "bot")
        assert (done.returncode, done.stderr) == (0, "")
        said = [line.rpartition(":")[2] for line in ear.collect() if " PRIVMSG #lobby " in line]
        assert said == [f"line {number}" for number in range(60)]


def test_a_script_logs_in(daemon: Daemon) -> None:
    """The password comes from the environment. Without it, or with a wrong one, there is one line and exit code 1."""
    daemon.place.create("bot")
    assert pipe(daemon, "hi\n", "--nick", "bot", password=PASSWORD).returncode == 0
    assert pipe(daemon, "hi\n", "--account", "bot", password=PASSWORD).returncode == 0
    for password in ("", "wrong"):
        done = pipe(daemon, "hi\n", "--nick", "bot", password=password)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)


def test_a_long_line_arrives_whole(daemon: Daemon) -> None:
    """A text longer than an IRC line arrives in parts, and nothing of it is lost."""
    text = "wörter " * 200
    with daemon.connect("ear") as ear:
        assert pipe(daemon, text + "\n", "--nick", "bot").returncode == 0
        lines = [line for line in ear.collect() if " PRIVMSG #lobby " in line]
        assert len(lines) > 2
        assert all(len(f"{line}\r\n".encode()) <= 512 for line in lines)
        assert " ".join(line.partition(" PRIVMSG #lobby :")[2] for line in lines).split() == text.split()


def test_search_finds_messages(daemon: Daemon, sit: Sit) -> None:
    """/search shows messages with their date. It says if nothing is found or it is refused. A script can search too."""
    ann = sit("ann")
    ann.see_last("[#lobby]")
    for text in ("carrot cake at four", "tea at five"):
        ann.enter(text)
        ann.see(f"<ann> {text}")
    ann.enter("/search carrot")
    ann.see("Found 1 in #lobby:")
    found = [line for line in ann.lines if line.endswith("<ann> carrot cake at four")]
    assert len(found) == 2
    assert re.fullmatch(r"  [0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2} <ann> carrot cake at four", found[1])
    ann.enter("/search all from:ANN at")
    ann.see("Found 2 in #lobby:")
    ann.enter("/search from:ben cake")
    ann.see("Nothing found.")
    ann.enter("/search in:#nowhere cake")
    ann.see("/search in:#nowhere cake: You cannot search there: it does not exist")
    done = pipe(daemon, "/search five\n/search nonesuch\n", "--nick", "bot", "--commands")
    assert (done.returncode, done.stderr) == (0, "")
    header, line, none = done.stdout.splitlines()
    assert (header, line[-17:], none) == ("Found 1 in #lobby:", "<ann> tea at five", "Nothing found.")


def test_missed_messages_are_shown_once_and_not_to_scripts() -> None:
    """A user that connects reads earlier messages with their time. A script that says a line does not."""
    with running(history__replay_guests=50) as daemon:
        with daemon.connect("ann") as ann:
            ann.ask("PRIVMSG #lobby :before you came")
        environment = {**daemon.place.environment, "TERM": "xterm-256color"}
        ben = Terminal(
            f"127.0.0.1:{daemon.port}", "--prompt", "--nick", "ben", program=script("chatroom"), env=environment
        )
        try:
            ben.see("<ann> before you came")
            done = pipe(daemon, "deployed\n", "--nick", "bot")
            assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
            ben.see("<bot> deployed")
            assert sum("before you came" in line for line in ben.lines) == 1
        finally:
            ben.close()
