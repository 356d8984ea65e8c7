"""What of a chat is remembered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest
from harness.client_stage import NOON, Stage

from chatroom.client.place_owner import PlaceOwner
from chatroom.client.remembering import OpenPlaces, may_hold_password

HOME = PlaceOwner("home", "alice")


class FakeMemory:
    """A memory that notes what is changed."""

    def __init__(self, places: dict[str, str], front: str | None = None) -> None:
        self.places = places
        self.front = front
        self.changes: list[str] = []

    def adopt(self, owner: PlaceOwner) -> None:
        """Nothing is of an earlier version."""

    def list_places(self, owner: PlaceOwner) -> dict[str, str]:
        """Return the places."""
        return dict(self.places)

    def find_front(self, owner: PlaceOwner) -> str | None:
        """Return the one in front."""
        return self.front

    def add_place(self, owner: PlaceOwner, folded: str, name: str) -> None:
        """Note it."""
        self.changes.append(f"{owner.server} +{name}")

    def discard_place(self, owner: PlaceOwner, folded: str) -> None:
        """Note it."""
        self.changes.append(f"{owner.server} -{folded}")

    def set_front(self, owner: PlaceOwner, folded: str) -> None:
        """Note it."""
        self.changes.append(f"{owner.server} ={folded}")

    def find_read_mark(self, owner: PlaceOwner, folded: str) -> datetime | None:
        """Return when #tea was read."""
        return NOON if folded == "#tea" else None

    def set_read_marks(self, owner: PlaceOwner, marks: Mapping[str, datetime]) -> None:
        """Note them."""
        self.changes += [f"{owner.server} {folded} {at:%H:%M}" for folded, at in marks.items()]


def test_only_changes_are_written() -> None:
    """What the memory has already is not written again; what another chat has added meanwhile is left alone."""
    memory = FakeMemory({"#tea": "#Tea", "bob": "bob"}, "bob")
    places = OpenPlaces(memory, HOME)
    assert places.names == ["bob", "#Tea"]
    assert places.front == "bob"
    places.follow({"#tea": "#Tea", "bob": "bob"}, "bob")
    places.follow({"#tea": "#Tea", "#cats": "#cats", "nickserv": "NickServ"}, "#cats")
    places.follow({"#tea": "#Tea", "#cats": "#cats"}, None)
    assert memory.changes == ["home +#cats", "home -bob", "home =#cats"]


def test_a_front_that_is_not_open_is_none() -> None:
    """The place that was in front counts only if it is among the open ones."""
    assert OpenPlaces(FakeMemory({"#tea": "#tea"}, "#gone"), HOME).front is None
    assert OpenPlaces(FakeMemory({}), HOME).names == []


def test_the_open_places_of_a_chat() -> None:
    """Channels and conversations are open until the user leaves them or is kicked; one with a key is left out."""
    stage = Stage()
    stage.welcome("#lobby", "#tea", "#cats")
    stage.session.enter("/query Bob")
    stage.session.enter("/join #secret key")
    stage.hear(":alice!a@h JOIN #secret", ":srv 353 alice = #secret :alice", ":srv 366 alice #secret :End")
    navigation = stage.session.navigation
    assert navigation.open_places == {"#lobby": "#lobby", "#tea": "#tea", "#cats": "#cats", "bob": "Bob"}
    stage.session.enter("/part #tea")
    stage.hear(":alice!a@h PART #tea", ":bob!b@h NICK rob", ":op!o@h KICK #cats alice :out")
    assert navigation.open_places == {"#lobby": "#lobby", "rob": "rob"}
    stage.session.enter("/query rob")
    stage.session.enter("/close")
    assert navigation.open_places == {"#lobby": "#lobby"}


def test_places_are_opened_again() -> None:
    """Conversations of an earlier chat are there to return to, and the place that was in front is in front."""
    stage = Stage(join=("#tea",))
    stage.session.navigation.reopen(["bob", "eve"], "#tea")
    assert stage.session.target == "#tea"
    stage.welcome("#lobby")
    assert stage.session.target == "#tea"
    assert "JOIN #tea" in stage.link.sent
    stage.hear(":alice!a@h JOIN #tea", ":srv 353 alice = #tea :alice", ":srv 366 alice #tea :End")
    assert set(stage.session.navigation.open_places) == {"#lobby", "#tea", "bob", "eve"}


def test_what_was_read_in_an_earlier_chat_is_not_new() -> None:
    """Of what the server replays, only that counts as unread which was said after the mark of the last chat."""
    places = OpenPlaces(FakeMemory({}), HOME)
    stage = Stage(join=("#lobby",))
    stage.session.navigation.recall(places.find_read_mark)
    stage.welcome("#lobby")
    at = [(NOON + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.000Z") for seconds in (-1, 0, 1, 2)]
    stage.hear(f"@time={at.pop()} :alice!a@h JOIN #tea")
    stage.hear(*(f"@time={moment} :bob!b@h PRIVMSG #tea :hi" for moment in at))
    (place,) = [place for place in stage.session.places if place.key == "#tea"]
    assert place.unread == 1


def test_marks_are_written_when_they_change() -> None:
    """The same mark is not written twice; a place whose mark is only assumed has none."""
    memory = FakeMemory({})
    places = OpenPlaces(memory, HOME)
    places.mark({"#tea": NOON})
    places.mark({"#tea": NOON})
    places.mark({"#tea": NOON + timedelta(minutes=1), "bob": NOON})
    assert memory.changes == ["home #tea 12:00", "home #tea 12:01", "home bob 12:00"]


@pytest.mark.parametrize(
    "text",
    [
        "/msg NickServ IDENTIFY s3cret",
        "/msg bob,NickServ IDENTIFY s3cret",
        "/m nickserv@services.example IDENTIFY s3cret",
        "/query authserv login x",
        "/join #tea s3cret",
        "/mode #tea +k s3cret",
        "/register 3-s3cret",
        "/connect ircs://chat.example/tea?invite=3-s3cret",
        "/connect ircs://chat.example/?account=bob&reset=3-s3cret",
        "/raw PASS s3cret",
        "/quote OPER a s3cret",
        "/oper a s3cret",
        "/identify s3cret",
        "/ s3cret",
    ],
)
def test_a_line_with_a_password_is_not_remembered(text: str) -> None:
    """Commands that take passwords or keys, here or in other clients, are left out."""
    assert may_hold_password(text, "#tea")


@pytest.mark.parametrize("text", ["/", "/ ", "/login ann s3cret", "/set servers.a.password x"])
def test_what_is_no_command_or_a_misused_one_is_not_remembered(text: str) -> None:
    """A slash alone is no command; a password behind the account is typed by mistake."""
    assert may_hold_password(text, "#tea")


@pytest.mark.parametrize(
    "text",
    [
        *("hello", "//path", "/me waves", "/msg bob hi", "/join #tea", "/mode #tea +o bob", "/topic", "/whois bob"),
        *("/register", "/connect chat.example"),
    ],
)
def test_other_lines_are_remembered(text: str) -> None:
    """Messages and all other commands are kept."""
    assert not may_hold_password(text, "#tea")


@pytest.mark.parametrize("text", ["IDENTIFY s3cret", "/me IDENTIFY s3cret", "//x"])
def test_nothing_said_to_a_service_is_remembered(text: str) -> None:
    """In a conversation with NickServ every message may be a password."""
    assert may_hold_password(text, "NickServ")
