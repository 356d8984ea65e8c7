"""What the daemon and the command line write is for their own user alone, whatever the umask."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

from harness.daemon import Daemon, Place, script, until


def run_openly(place: Place, *arguments: str | Path) -> None:
    """Run ``chatroomctl`` with a umask of 0."""
    call = [script("chatroomctl"), "--database", str(place.database), *map(str, arguments)]
    subprocess.run(
        call, env=place.environment, cwd=place.root, umask=0, check=True, capture_output=True, stdin=subprocess.DEVNULL
    )


def modes(directory: Path) -> dict[str, str]:
    """The files and sockets in a directory with another mode than 0600, and their modes."""
    found = {}
    for path in directory.rglob("*"):
        mode = path.lstat().st_mode
        if (stat.S_ISREG(mode) or stat.S_ISSOCK(mode)) and stat.S_IMODE(mode) != 0o600:
            found[str(path.relative_to(directory))] = oct(stat.S_IMODE(mode))
    return found


def test_everything_is_written_with_mode_0600(place: Place) -> None:
    """Database, its log, lock, reserve and socket, and all that a command exports."""
    before = os.umask(0)
    try:
        daemon = Daemon(place)
    finally:
        os.umask(before)
    with daemon.connect("ann") as ann:
        ann.ask("PRIVMSG #lobby :private")
        until(lambda: (place.root / "chat.db-reserve").exists(), "the reserve is made")
        run_openly(place, "ban", "add", "mallory")
        run_openly(place, "ban", "export", place.root / "bans.jsonl")
        run_openly(place, "history", "export", place.root / "history.jsonl")
        run_openly(place, "db", "backup", place.root / "backup.db")
        run_openly(place, "config", "init", place.root / "made.toml")
        run_openly(place, "tls", "self-signed", "chat.lan", "--yes")
        left = modes(place.root)
        left.pop("certificate.pem", None)  # a certificate is public
        assert left == {}
    assert daemon.stop() == 0
    assert modes(place.root / "run") == {}


def test_open_files_are_reported_at_the_start_and_by_db_check(place: Place) -> None:
    """A database that was copied with another mode is named with the command that closes it."""
    place.create("ada", "admin")
    place.database.chmod(0o644)
    warned = place.run("db", "check")
    assert warned.returncode == 0
    assert f"chmod 0600 {place.database}" in warned.stderr
    daemon = Daemon(place)
    daemon.expect_log(f"chmod 0600 {place.database}")
    assert daemon.stop() == 0
    place.database.chmod(0o600)
    assert place.run("db", "check").stderr == ""


def test_the_daemon_leaves_no_core(daemon: Daemon) -> None:
    """A core dump would have the passwords of those who log in at that moment."""
    limits = Path(f"/proc/{daemon.process.pid}/limits").read_text()
    (line,) = [line for line in limits.splitlines() if line.startswith("Max core file size")]
    assert line.split()[4] == "0"
