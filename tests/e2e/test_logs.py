"""The log: one line for each event, which no client can forge."""

from __future__ import annotations

import json
import re
import signal
import sqlite3
import subprocess
from pathlib import Path

import pytest
from harness.daemon import CAP_S, PASSWORD, Client, Daemon, Place, running, script, until, verb_of


def test_each_event_is_one_line_with_names_and_addresses(shared: Daemon) -> None:
    """Joins, logins, refusals, kicks, bans and quits are logged once each, with name, address and reason."""
    with shared.connect("alice", from_address="127.6.0.1", password=f"ada:{PASSWORD}") as alice:
        with shared.connect("bob", from_address="127.6.0.2") as bob:
            bob.ask("KILL alice")
            alice.ask("KILL bob :too loud", "UBAN ADD mallory 1h spam", "UBAN ADD 127.6.1.0/24 2d net")
        with shared.open("127.6.0.3") as mallory:
            mallory.send("NICK mallory", "USER m 0 * :M")
            mallory.expect_closed()
        with shared.open("127.6.1.9") as banned:
            banned.expect_closed()
        with shared.open("127.6.0.4") as thief:
            thief.ask("NICK mo", "USER m 0 * :M")
        with shared.open("127.6.0.5") as guesser:
            guesser.send("PASS :guess", "NICK mo", "USER m 0 * :M")
            guesser.expect_closed()
        alice.ask("UBAN DEL mallory", "UBAN DEL 127.6.1.0/24", "NICK alicia")
        alice.send("QUIT :so long")
        alice.expect_closed()
    shared.expect_log("left: alicia")
    until_text = r"\(until \d{4}-\d\d-\d\d \d\d:\d\d UTC\)"
    for pattern in (
        r"login ada \(admin\) from 127\.6\.0\.1",
        r"joined: alice from 127\.6\.0\.1, account ada",
        r"joined: bob from 127\.6\.0\.2",
        r"refused KILL by bob \(127\.6\.0\.2\): needs moderator",
        r"kicked bob by ada: too loud",
        rf"banned mallory by ada: spam {until_text}",
        rf"banned 127\.6\.1\.0/24 by ada: net {until_text}",
        rf"refused mallory from 127\.6\.0\.3: banned: spam {until_text}",
        rf"refused 127\.6\.1\.9: banned: net {until_text}",
        r"refused mo from 127\.6\.0\.4: registered, no password yet",
        r"refused login as mo from 127\.6\.0\.5: wrong name or password",
        r"unbanned mallory by ada",
        r"alice is now alicia",
        r"left: alicia \(Quit: so long\)",
    ):
        found = [line for line in shared.stderr if re.fullmatch(pattern, line)]
        assert len(found) == 1, (pattern, shared.stderr)


def test_no_client_can_forge_a_line(shared: Daemon) -> None:
    """Control characters, escape sequences and texts that look like log lines stay within their own line."""
    forged = "2026-01-01 00:00:00 login ada (admin) from 6.6.6.6"
    with shared.connect("forger", from_address="127.6.2.1") as forger:
        forger.send(f"QUIT :\x1b[2Jbye\x07\x9b31m\u2028{forged}\x0b\x0c\x85 \u202e")
        forger.expect_closed()
    with shared.open("127.6.2.2") as other:
        other.send_bytes(b"NICK ev\x1bil\r\nNICK a\xe2\x80\xa8b\r\nUSER \x1b[31m 0 * :\x1b[0m\r\nOPER \x1b x\r\n")
        other.send(f"PASS :\x1b]0;x\x07:{PASSWORD}", "NICK honest")
        other.expect_closed()
    shared.expect_log("left: forger (Quit: ")
    shared.expect_log("refused login as ")
    for line in list(shared.stderr):
        assert line.isprintable(), ascii(line)
        assert not line.startswith(forged)
    assert len(shared.log_lines(forged)) == 1


def test_passwords_are_never_shown(shared: Daemon) -> None:
    """No password of PASS, SASL, OPER or REGISTER is in the log or reaches another client."""
    with shared.connect("watcher") as watcher:
        with shared.open("127.6.3.1") as client:
            client.send("PASS :s3cret-one", "NICK una", "USER u 0 * :U")
            client.expect_closed()
        with shared.connect("regis", from_address="127.6.3.2") as client:
            client.ask("OPER ada s3cret-two", "REGISTER * * :s3cret-three")
        assert "s3cret" not in "\n".join(watcher.collect())
    assert not shared.log_lines("s3cret")


def test_every_line_has_its_time(place: Place) -> None:
    """Each line begins with date and time of day."""
    call = [script("chatroomctl"), "--database", str(place.database), "serve", "--port", "0"]
    with subprocess.Popen(
        call, env=place.environment, cwd=place.root, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            assert process.stderr is not None
            lines = [process.stderr.readline() for _ in range(4)]
            process.terminate()
            process.wait(CAP_S)
            lines += process.stderr.readlines()
        finally:
            process.kill()
    assert process.returncode == 0
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC \S", line) for line in lines), lines


def test_each_refusal_is_one_line(daemon: Daemon) -> None:
    """Ten refused commands are ten lines."""
    with daemon.connect("tina", from_address="127.6.4.1") as tina:
        answers = tina.ask(*(f"KILL x{number}" for number in range(10)))
        assert [verb_of(line) for line in answers] == ["481"] * 10
    daemon.expect_log("left: tina")
    assert len(daemon.log_lines("refused KILL by tina (127.6.4.1)")) == 10


@pytest.mark.parametrize("options, zone", [([], "+05:30"), (["--utc"], "UTC")])
def test_the_log_has_one_zone(place: Place, options: list[str], zone: str) -> None:
    """A ban in the log ends in the zone that each line of it shows: that of the machine, or UTC."""
    place.environment["TZ"] = "IST-5:30"
    daemon = Daemon(place, *options)
    place.ctl("ban", "add", "mallory", "--for", "1d")
    assert f" {zone})" in daemon.expect_log("banned mallory")
    assert daemon.stop() == 0


def test_a_flood_of_refusals_does_not_fill_the_log() -> None:
    """A thousand refused connections are a few lines and their number."""
    with running(limits__connects_per_minute=1) as daemon:
        with daemon.open("127.6.5.1") as first:
            first.ask("CAP LS")
        for _ in range(1000):
            with daemon.open("127.6.5.1") as client:
                client.expect_closed()
        assert daemon.stop() == 0
        refused = daemon.log_lines("refused 127.6.5.1: too many connections")
        assert len(refused) <= 20
        shown = [line for line in refused if not line.startswith("…")]
        counted = [int(line.split(" ")[2].replace(",", "")) for line in refused if line.startswith("…")]
        assert len(shown) + sum(counted) == 1000


def test_a_damaged_database_is_told_once(daemon: Daemon) -> None:
    """The daemon looks for changes five times a second, and cannot: the log says so once. The chat goes on."""
    with sqlite3.connect(daemon.place.database) as database:
        database.execute("DROP TABLE changes")
    database.close()
    with daemon.connect("ann") as ann:
        daemon.expect_log("cannot look for changes")
        ann.ask(*["PRIVMSG #lobby :still here"] * 20)
        daemon.place.ctl_json("status")
    assert daemon.stop() == 0
    told, *counted = daemon.log_lines("cannot look for changes")
    assert told.startswith("cannot look for changes: ")
    assert len(counted) <= 1 and all("more like it in the last minute" in line for line in counted)


def test_a_log_file_is_rotated_and_its_areas_silenced(place: Place) -> None:
    """With a file and JSON, stderr stays empty. After SIGHUP the log goes on in a new file."""
    path, old = place.root / "chat.log", place.root / "chat.log.1"
    place.environment |= {"CHATROOM_LOG__FORMAT": "json", "CHATROOM_LOG__FILE": str(path)}
    call = [script("chatroomctl"), "--database", str(place.database), "serve", "--port", "0"]

    def events(file: Path) -> list[dict[str, object]]:
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def logged(file: Path, message: str) -> bool:
        return any(str(event["message"]).startswith(message) for event in events(file))

    with subprocess.Popen(call, env=place.environment, stderr=subprocess.PIPE, start_new_session=True) as process:
        try:
            until(lambda: logged(path, "configuration "), "the start")
            (listening,) = [str(one["message"]) for one in events(path) if "listening on" in str(one["message"])]
            path.rename(old)
            process.send_signal(signal.SIGHUP)
            until(lambda: logged(path, "configuration read again"), "a new file")
            place.ctl("log", "level", "connecting", "warning")
            with Client(int(listening.rpartition(":")[2])).register("alice") as alice:
                alice.send("QUIT")
                alice.expect_closed()
            process.terminate()
            assert process.wait(CAP_S) == 0
            assert process.stderr is not None and process.stderr.read() == b""
        finally:
            process.kill()
    assert logged(path, "stopped") and not logged(path, "joined: alice")
    assert (path.stat().st_mode & 0o777, events(path)[0]["area"]) == (0o600, "server")
