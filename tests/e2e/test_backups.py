"""Backups of a daemon whose users chat on."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.daemon import Daemon, Place, running, script, until


class Talk:
    """Two users in #lobby: one counts aloud until told to stop, the other writes down what it reads."""

    def __init__(self, daemon: Daemon) -> None:
        self.said = 0
        self.heard: list[int] = []
        self._stop = threading.Event()
        self._speaker, self._listener = daemon.connect("ann"), daemon.connect("ben")
        self._threads = [threading.Thread(target=self._speak), threading.Thread(target=self._listen)]

    def _speak(self) -> None:
        while not self._stop.is_set():
            # Many in one go, so that a tick stores several; answered, so that none is refused unnoticed.
            numbers = range(self.said + 1, self.said + 21)
            answers = self._speaker.ask(*(f"PRIVMSG #lobby :number {number}" for number in numbers))
            assert not any("NOT_KEPT" in line for line in answers)
            self.said += 20
        self._speaker.ask("PRIVMSG #lobby :the end")

    def _listen(self) -> None:
        while (line := self._listener.read_line()) is not None and "the end" not in line:
            if "PRIVMSG #lobby :number " in line:
                self.heard.append(int(line.rpartition(" ")[2]))

    @contextmanager
    def under_way(self) -> Iterator[Talk]:
        """Talk while the block runs. At its end all that was said has been heard, once and in order."""
        for thread in self._threads:
            thread.start()
        try:
            until(lambda: self.said > 100, "the talk begins")
            yield self
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join()
            for client in (self._speaker, self._listener):
                client.sock.close()
        assert self.heard == list(range(1, self.said + 1))


def status(place: Place) -> dict[str, Any]:
    """Return the status of the daemon."""
    found: dict[str, Any] = json.loads(place.run_here("status", "--json"))
    return found


def restored_numbers(place: Place, backup: Path, name: str) -> list[int]:
    """Restore a backup into a database of its own, check that, and return the numbers that were said, in order."""
    restored = Place(place.root, place.root / "run", {})
    restored.database = place.root / name / "chat.db"
    # In this process: programs take long to start.
    restored.run_here("db", "restore", backup, "--yes")
    assert "has no faults" in restored.run_here("db", "check")
    entries = [json.loads(line) for line in restored.run_here("history", "export").splitlines()]
    said = [entry["text"] for entry in entries if entry["kind"] == "PRIVMSG"]
    return [int(text.removeprefix("number ")) for text in said]


def test_backups_under_load() -> None:
    """Each is a whole prefix of what was said, by hand as scheduled, and the talk goes on without a gap."""
    with running(limits__enabled=False) as daemon:
        place = daemon.place
        place.run_here("config", "init")
        place.run_here("config", "set", "database.warn_free_mb", "0")
        place.run_here("config", "set", "backup.directory", str(place.root / "backups"))
        place.run_here("config", "set", "backup.every", "1d")
        by_hand, piped = place.root / "by-hand.db", place.root / "piped.db"
        with Talk(daemon).under_way() as talk:
            before = talk.said
            assert "backup.every" in place.run_here("reload")
            until(lambda: status(place).get("backup") == "good", "the scheduled backup")
            place.ctl("db", "backup", by_hand)
            call = [script("chatroomctl"), "--database", str(place.database), "db", "backup", "-"]
            with open(piped, "wb") as out:
                subprocess.run(call, env=place.environment, stdout=out, check=True, timeout=60)
            after = talk.said
        [scheduled] = (place.root / "backups").iterdir()
        assert scheduled.stat().st_mode & 0o777 == 0o600
        assert status(place)["backup_age_s"] < 1000
        counts = []
        for number, backup in enumerate((scheduled, by_hand, piped)):
            numbers = restored_numbers(place, backup, f"restored{number}")
            assert numbers == list(range(1, len(numbers) + 1))
            counts.append(len(numbers))
        assert before <= counts[0] <= counts[1] <= counts[2] <= after
        assert daemon.is_well()


def test_a_daemon_that_cannot_make_backups() -> None:
    """It chats on; the log says why once, and the status and the check until it can."""
    with running(limits__enabled=False) as daemon:
        place = daemon.place
        place.run_here("config", "init")
        in_the_way = place.root / "backups"
        in_the_way.write_text("a file")
        place.run_here("config", "set", "backup.directory", str(in_the_way))
        place.run_here("config", "set", "backup.every", "1d")
        place.run_here("reload")
        until(lambda: "failed: " in status(place).get("backup", ""), "the failure")
        daemon.expect_log("no backup could be made: ")  # the log may be a moment behind the status
        assert len(daemon.log_lines("no backup could be made: ")) == 1
        done = place.run("check", "--quick")
        assert done.returncode == 1
        assert "no backup could be made" in done.stdout
        with daemon.connect("ann") as ann:
            assert ann.ask("PRIVMSG #lobby :still here") == []
        in_the_way.unlink()
        place.run_here("config", "set", "backup.every", "12h")  # another interval is tried at once
        place.run_here("reload")
        until(lambda: status(place).get("backup") == "good", "a backup")
