"""A disk that takes its time for each sync delays who asked for it, and nobody else."""

from __future__ import annotations

import os

from harness.daemon import PASSWORD, Daemon, Place, until
from harness.injected_code import InjectedCode

SLOW_DISK = """
import os, time

real = os.fdatasync

def wait(descriptor):
    open({asked!r}, "a").close()
    while not os.path.exists({done!r}):
        time.sleep(0.002)
    real(descriptor)

os.fdatasync = wait
"""


def test_messages_go_on_while_a_ban_waits_for_the_disk(place: Place) -> None:
    """Who is banned talks until the ban is on the disk, and is disconnected when it is. It outlives kill -9."""
    place.create("mo", "moderator")
    code = InjectedCode(place)
    daemon = Daemon(place)
    asked, done = place.root / "asked", place.root / "done"
    with (
        daemon.connect("mo", password=PASSWORD) as mo,
        daemon.connect("bob") as bob,
        daemon.connect("eve") as eve,
    ):
        code.run(SLOW_DISK.format(asked=os.fspath(asked), done=os.fspath(done)))
        mo.send("UBAN ADD eve 1h spam")
        until(asked.exists, "the ban waits for the disk")
        for number in range(20):
            eve.send(f"PRIVMSG #lobby :eve {number}")
            bob.expect(f":eve {number}")
            bob.send(f"PRIVMSG eve :bob {number}")
            eve.expect(f":bob {number}")
        assert len(place.ctl_json("history", "search", "eve", "--channel", "#lobby")) == 20
        done.touch()
        eve.expect("ERROR")
        mo.expect("ban 1")
    daemon.kill()
    daemon = Daemon(place)
    with daemon.open() as eve:
        eve.send("NICK eve", "USER eve 0 * :eve")
        eve.expect("465")
    assert daemon.stop() == 0
