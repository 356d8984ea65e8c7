"""A daemon whose modules are compiled: it chats, logs and hands its users over as any other."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.request import urlopen

import pytest
from harness.daemon import Daemon, Place, stopped_well, until
from harness.upgrading import upgradable

pytestmark = pytest.mark.compiled


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    """A daemon with a history, on the compiled modules of this checkout."""
    with Place.make(history__enabled=True, limits__enabled=False) as place:
        yield from stopped_well(Daemon(place))


def test_people_chat(daemon: Daemon) -> None:
    """They join, talk in the room and to each other, change their nicks, and leave."""
    daemon.expect_log("compiled modules are in use")
    with daemon.connect("ada") as ada, daemon.connect("bob") as bob:
        ada.ask("JOIN #tea")
        bob.ask("JOIN #tea")
        ada.send("PRIVMSG #tea :hello", "PRIVMSG bob :psst", "NICK eve", "QUIT :bye")
        seen = [bob.expect(verb) for verb in ("PRIVMSG", "PRIVMSG", "NICK", "QUIT")]
    assert [line.partition(" ")[2] for line in seen] == [
        "PRIVMSG #tea :hello",
        "PRIVMSG bob :psst",
        "NICK eve",
        "QUIT :Quit: bye",
    ]
    daemon.expect_log("ada is now eve")
    assert daemon.place.ctl_json("status")["modules"] == "compiled"


def test_a_flood_of_lines_of_one_place_hides_no_line_of_another(daemon: Daemon) -> None:
    """Each place of the log is thinned by itself, though compiled functions have no frames that tell it."""
    with daemon.connect("ada") as ada:
        ada.ask(*(f"NICK ada{number}" for number in range(400)))
        ada.send("QUIT :enough")
        ada.expect_closed()
    daemon.expect_log("left: ada399 (Quit: enough)")


def test_each_kind_of_hub_and_thread_chats() -> None:
    """Those that keep metrics and those that wait for the disk are subclasses, and are not compiled."""
    with Place.make(history__enabled=True, history__synchronous="full", metrics__listen="127.0.0.1:0") as place:
        for daemon in stopped_well(Daemon(place)):
            daemon.expect_log("compiled modules are in use")
            with daemon.connect("ada") as ada, daemon.connect("bob") as bob:
                ada.ask("PRIVMSG bob :psst")
                assert bob.expect("PRIVMSG").endswith(":psst")
            url = daemon.expect_log("metrics at ").rpartition(" ")[2]
            with urlopen(url) as answer:
                assert "chatroom_messages_received_total 1.0" in answer.read().decode()


def test_it_hands_its_people_over() -> None:
    """The new process runs on them too, and goes on with the connections, in the middle of a line."""
    with upgradable(limits__enabled=False) as house:
        with house.daemon.connect("ada") as ada:
            ada.send_bytes(b"PING :still ")
            house.upgrade()
            ada.send_bytes(b"here\r\n")
            assert ada.expect("PONG").endswith("still here")
        until(lambda: house.daemon.log_lines("left: ada"), "the new process logs it")
        until(lambda: len(house.daemon.log_lines("compiled modules are in use")) == 2, "it runs on them too")
