"""The list of places: what has which number."""

from __future__ import annotations

from harness.client_stage import NOON

from chatroom.client.chat_events import Joined, Said, Welcome
from chatroom.client.chat_state import State
from chatroom.client.fullscreen.side_rows import numbered, place_at, place_line, place_rows
from chatroom.client.places.open_places import Places
from chatroom.client.places.server_places import ServerPlaces


def make(places: Places, server: str, *channels: str) -> ServerPlaces:
    """alice in these channels of a server."""
    state = State()
    state.reset("alice", set())
    here = ServerPlaces(places, server, state, lambda: NOON, lambda: 0.0)
    here.follow(Welcome("alice"))
    for channel in channels:
        here.follow(Joined("alice", channel, mine=True))
    return here


def test_a_stranger_does_not_change_the_numbers() -> None:
    """A message opens a place in the list of its server, and those of the others keep the numbers that one knows."""
    places = Places()
    home = make(places, "home", "#lobby", "#tea")
    make(places, "work", "#cake")
    home.follow(Said("dave", "dave", "psst"))
    assert {place.name: number for place, number in numbered(places).items()} == {
        "#lobby": 1,
        "#tea": 2,
        "#cake": 3,
        "dave": 4,
    }
    rows = ["".join(text for _, text in row).split()[:2] for row in place_rows(places, 20)]
    assert rows[1:6] == [["1", "#lobby"], ["2", "#tea"], ["4", "dave"], ["work"], ["3", "#cake"]]
    line = "".join(text for _, text in place_line(places, 40))
    assert line.split() == ["1", "#lobby", "2", "3", "4!"]
    dave = place_at(places, line.index("4"), 40)
    assert dave is not None
    assert dave.name == "dave"


def test_closing_a_place_closes_the_gap() -> None:
    """So the numbers are those of the few keys that there are."""
    places = Places()
    home = make(places, "home", "#lobby", "#tea", "#cake")
    lobby = home.find("#lobby")
    assert lobby is not None
    places.close(lobby)
    assert [place.name for place in numbered(places)] == ["#tea", "#cake"]
