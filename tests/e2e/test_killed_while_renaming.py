"""A daemon is killed when a channel's new name stands in one half of the database: the history, or all other tables."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness.daemon import PASSWORD, Daemon, Place, until
from harness.fault_points import FaultPoints
from harness.injected_code import InjectedCode
from harness.postgresql_server import PostgresqlServer


@pytest.fixture(params=["file", pytest.param("server", marks=pytest.mark.debian("postgres"))])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """A place whose database is a file, or one of a server."""
    with Place.make(limits__enabled=False, history__synchronous="full") as made:
        if request.param == "file":
            yield made
            return
        server: PostgresqlServer = request.getfixturevalue("postgresql_server")
        made.database = server.make_database(empty=True)  # type: ignore[assignment] # only its text is used
        yield made
        server.drop_database(made.database)  # type: ignore[arg-type]


def names_of(place: Place) -> list[str]:
    """The stored channels."""
    return sorted(channel["name"] for channel in place.ctl_json("channel", "list"))


@pytest.mark.parametrize("half", ["the history has", "the stores have"])
def test_the_next_start_gives_the_other_half_the_new_name(place: Place, half: str) -> None:
    """The channel is there once, under its new name, with its topic and what was said in it."""
    points = FaultPoints(InjectedCode(place), lambda: None)
    daemon = Daemon(place)
    place.create("ada")
    until(lambda: daemon.status()["accounts"] == 1, "the account is known")
    with daemon.connect("ada", password=PASSWORD) as ada:
        ada.ask("JOIN #tea", "TOPIC #tea :of leaves", "PRIVMSG #tea :before")
        planted = points.plant(daemon, f"before {half} the name", "hold")
        ada.send("RENAME #tea #coffee")
        planted.wait()
        if half == "the history has":
            until(lambda: "#coffee" in names_of(place), "the other half has it")
        else:
            ada.expect("JOIN #coffee")  # it is told when the history has the name
        daemon.kill()
    daemon = Daemon(place)
    with daemon.connect("ada", password=PASSWORD) as ada:
        ada.ask("CAP REQ :draft/chathistory message-tags batch", "JOIN #coffee")
        assert "of leaves" in "".join(ada.ask("TOPIC #coffee"))
        lines = ada.ask("CHATHISTORY LATEST #coffee * 9")
        assert [line.rpartition(":")[2] for line in lines if " PRIVMSG #coffee" in line] == ["before"]
    assert "#tea" not in names_of(place)
    assert daemon.stop() == 0
