"""The tutorial is followed as it stands, in the order of the page, on a home without any files."""

from __future__ import annotations

import os
import random
import re
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from harness.daemon import PASSWORD, Place, script
from harness.tutorial import Reader, read_blocks

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"
_SYSTEMCTL = """#!/bin/sh
case "$*" in
*enable*)
    call=$(sed -n 's/^ExecStart=//p' "$HOME/.config/systemd/user/chatroom.service")
    setsid sh -c "echo \\$\\$ > $HOME/daemon.pid; exec $call" </dev/null >"$HOME/daemon.log" 2>&1 &
    until grep -q 'configuration ' "$HOME/daemon.log"; do sleep 0.05; done
    ;;
esac
"""
"""Starts what the unit names, and returns when it serves, as systemd does with ``Type=notify``."""


@pytest.fixture
def place() -> Iterator[Place]:
    """A home without files, in which both programs and a service manager are on the path."""
    with Place.make() as made:
        programs = made.root / "programs"
        programs.mkdir()
        for name in ("chatroomctl", "chatroom"):
            (programs / name).symlink_to(script(name))
        (programs / "systemctl").write_text(_SYSTEMCTL)
        (programs / "systemctl").chmod(0o755)
        made.environment["PATH"] = f"{programs}:{made.environment['PATH']}"
        made.environment["CHATROOM_DATABASE__WARN_FREE_MB"] = "0"  # the disk of this machine may be nearly full
        yield made
        with suppress(FileNotFoundError, ProcessLookupError):
            os.kill(int((made.root / "daemon.pid").read_text()), signal.SIGKILL)


def test_the_tutorial_can_be_followed(place: Place) -> None:
    """Every command of the page succeeds, and shows what the page says that it shows."""
    # An address of this machine that no other test has, because the page names a port.
    address = f"127.{random.randint(1, 250)}.{random.randint(1, 250)}.{random.randint(2, 250)}"
    reader = Reader({**place.environment, "HOME": str(place.root)}, PASSWORD, {"127.0.0.1": address})
    try:
        done = list(reader.follow(read_blocks(PAGE)))
        reader.wait_for_shells("operator", "alice", "bob")
    finally:
        reader.close()
    assert len(done) > 60
    assert "Traceback" not in (place.root / "daemon.log").read_text()


def test_the_tutorial_leads_to_pages_that_exist() -> None:
    """Its links are files of the repository."""
    links = re.findall(r"\]\(([^)#]+)", PAGE.read_text())
    assert links
    assert [link for link in links if not (PAGE.parent / link).exists()] == []
