"""A thread that dies is noticed: it is started again, or the daemon ends and says why. It never limps on."""

from __future__ import annotations

import pytest
from harness.daemon import PASSWORD, Daemon, Place, until
from harness.dying_threads import Killer


@pytest.mark.parametrize("name", ["io-0", "io-1"])
def test_a_daemon_without_an_io_thread_ends(place: Place, name: str) -> None:
    """It says so in one line, tells the clients that still have a thread, and has the exit code 1."""
    killer = Killer(place)
    daemon = Daemon(place)
    with daemon.connect("ann"), daemon.connect("bob"):
        killer.kill(name)
        assert daemon.wait() == 1
    why = f"the thread {name} has died, and the daemon cannot go on without it"
    assert daemon.log_lines(f"stopping ({why})")
    assert daemon.stderr[-1].endswith(why)
    assert place.run("status").returncode == 1


@pytest.mark.parametrize("name", ["store", "history", "password-0", "upkeep", "screen"])
def test_a_background_thread_is_started_again(place: Place, name: str) -> None:
    """What waited for it is done. ``status`` says what happened."""
    place.create("mod", "moderator")
    killer = Killer(place)
    daemon = Daemon(place)
    with daemon.connect("mod", password=PASSWORD) as mod:
        assert place.ctl_json("status")["threads"].startswith("all ")
        killer.kill(name)
        # They wait for a job: each gets one, so that the next line of Python comes.
        for _ in range(3):
            with daemon.connect("mod", password=PASSWORD) as again:
                again.ask("CHATHISTORY LATEST #lobby * 10")
        mod.send("UBAN ADD eve 1h spam")
        mod.expect("eve is banned")
        daemon.expect_log(f"the thread {name} has died, and was started again")
        threads = until(
            lambda: [text for text in [place.ctl_json("status")["threads"]] if "again" in text], "status says so"
        )
        assert threads == [f"{threads[0].split(';')[0]}; {name} was started again 1x"]
        assert threads[0].startswith("all ")
    assert daemon.stop() == 0


def test_a_journal_thread_that_dies_loses_nothing(place: Place) -> None:
    """What was said before and meanwhile is stored and told once, when the thread was started again."""
    place.environment["CHATROOM_HISTORY__SYNCHRONOUS"] = "full"
    killer = Killer(place)
    daemon = Daemon(place)
    with daemon.connect("ann") as ann, daemon.connect("bob") as bob:
        ann.ask("PRIVMSG #lobby :0")
        killer.kill("journal")
        for number in range(1, 20):
            ann.ask(f"PRIVMSG #lobby :{number}")
        daemon.expect_log("the thread journal has died, and was started again")
        ann.ask("PRIVMSG #lobby :20")
        read = [line.rpartition(":")[2] for line in bob.collect() if "PRIVMSG" in line]
    assert read == [str(number) for number in range(21)]
    assert daemon.stop() == 0
    assert len(place.ctl_json("history", "search", "--from", "ann")) == 21


def test_a_thread_that_dies_again_and_again_ends_the_daemon(place: Place) -> None:
    """Starting it anew does not help then."""
    killer = Killer(place)
    daemon = Daemon(place)
    for count in range(1, 6):
        killer.kill("store")
        again = "the thread store has died, and was started again"
        until(lambda: len(daemon.log_lines(again)) == count, "it is started again")  # noqa: B023
    killer.kill("store")
    assert daemon.wait() == 1
    assert daemon.stderr[-1].endswith("the thread store dies again and again, and the daemon cannot go on without it")
