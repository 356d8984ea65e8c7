from __future__ import annotations

from datetime import UTC, datetime

from chatroom.client.chat_events import Event, Welcome
from chatroom.client.chat_state import State
from chatroom.client.navigation import Navigation
from chatroom.client.places.open_places import Places
from chatroom.client.places.server_places import ServerPlaces
from chatroom.irc.message import parse


class Walk:
    """alice on a server, before she is in any channel."""

    def __init__(self, *join: str) -> None:
        self.state = State()
        self.state.reset("alice", set())
        self.here = ServerPlaces(Places(), "srv", self.state, lambda: datetime.now(UTC), lambda: 0.0)
        self.here.follow(Welcome("alice"))
        self.navigation = Navigation(self.state, self.here, join)

    def hear(self, *lines: str) -> list[Event]:
        """Follow these lines of the server; the events that are not a mere return."""
        events = [event for line in lines for event in self.state.feed(parse(line))]
        for event in events:
            self.here.follow(event)
            self.navigation.follow(event)
        return [event for event in events if not self.navigation.is_return(event)]

    def target(self) -> str | None:
        """The target now."""
        return self.navigation.target


def test_the_first_channel_is_the_target() -> None:
    """The server's first channel becomes the target, the next one does not."""
    walk = Walk()
    walk.hear(":alice!a@h JOIN #lobby", ":alice!a@h JOIN #tea", ":bob!b@h JOIN #cake")
    assert walk.target() == "#lobby"


def test_a_wanted_channel_becomes_the_target() -> None:
    """A channel of the command line, or one that the user asks for, is the target once the server lets the user in."""
    walk = Walk("#Tea")
    assert walk.navigation.joins() == ["JOIN #Tea"]
    walk.hear(":alice!a@h JOIN #lobby", ":alice!a@h JOIN #tea")
    assert walk.target() == "#tea"
    walk.navigation.await_join("#cake", "sesame")
    assert walk.target() == "#cake"
    assert walk.navigation.can_speak("#cake")
    walk.hear(":alice!a@h JOIN #cake")
    assert walk.target() == "#cake"


def test_a_channel_that_does_not_let_the_user_in_stays_in_front() -> None:
    """After a refusal, or if the server leads on to another channel, no line is for a place that was not named."""
    walk = Walk()
    walk.hear(":alice!a@h JOIN #lobby")
    walk.navigation.await_join("#cake", "")
    walk.navigation.refused("#CAKE")
    walk.hear(":alice!a@h JOIN ##cake")
    assert walk.target() == "#cake"
    assert not walk.navigation.can_speak("#cake")
    assert "/join #cake goes there again, /close leaves it for #lobby." in walk.navigation.why_unsaid
    walk.navigation.leave("#cake")
    assert walk.target() == "#lobby"
    assert walk.navigation.why_unsaid == ""


def test_a_draft_belongs_to_its_place() -> None:
    """A text waits in the place that it was written for, also under another nick of the user there."""
    walk = Walk()
    walk.hear(":alice!a@h JOIN #lobby")
    walk.navigation.keep_draft("#Lobby", "to all")
    walk.navigation.turn_to("bob")
    assert walk.navigation.take_draft() == ""
    walk.navigation.keep_draft("bob", "to bob")
    walk.hear(":bob!b@h NICK rob")
    assert walk.navigation.take_draft() == "to bob"
    walk.navigation.turn_to("#lobby")
    assert walk.navigation.take_draft() == "to all"
    assert walk.navigation.take_draft() == ""
    assert walk.navigation.way_out == "rob"


def test_the_user_turns_to_a_channel_or_a_nick() -> None:
    """A channel that the user is not in cannot be the target."""
    walk = Walk()
    walk.hear(":alice!a@h JOIN #lobby")
    assert walk.navigation.turn_to("bob")
    assert not walk.navigation.turn_to("#nowhere")
    assert walk.target() == "bob"
    walk.hear(":bob!b@h NICK rob")
    assert walk.target() == "rob"
    assert walk.navigation.turn_to("#LOBBY")
    assert walk.target() == "#lobby"


def test_only_the_user_leaves_the_place_in_front() -> None:
    """A kick or a forced PART leaves the user in front of the channel; the user's own leaving turns away."""
    for line in (":bob!b@h KICK #lobby alice", ":alice!a@h PART #lobby"):
        walk = Walk()
        walk.hear(":alice!a@h JOIN #lobby", ":alice!a@h JOIN #tea", line)
        assert walk.target() == "#lobby"
        assert not walk.navigation.can_speak("#lobby")
        walk.navigation.leave("#lobby")
        assert walk.target() == "#tea"
        walk.navigation.leave("#tea")
        assert walk.target() is None
        assert walk.navigation.joins() == []


def test_a_return_is_silent_once() -> None:
    """After a reconnect the JOIN and the members of an old channel are no news; the next ones are."""
    walk = Walk()
    names = (":srv 353 alice = #tea :alice", ":srv 366 alice #tea :End")
    walk.navigation.await_join("#tea", "sesame")
    walk.hear(":alice!a@h JOIN #tea", *names)
    walk.here.lost()
    walk.state.reset("alice", set())
    walk.navigation.begin_return()
    assert walk.navigation.joins() == ["JOIN #tea sesame"]
    assert walk.hear(":alice!a@h JOIN #tea", *names) == []
    assert walk.target() == "#tea"
    assert walk.navigation.joins() == []
    walk.hear(":alice!a@h PART #tea")
    assert len(walk.hear(":alice!a@h JOIN #tea", *names)) == 2


def test_a_join_that_the_lost_connection_did_not_answer_is_asked_for_again() -> None:
    """One that was refused is not."""
    walk = Walk()
    walk.hear(":alice!a@h JOIN #lobby")
    for name in ("#tea", "#cake"):
        walk.navigation.await_join(name, "")
    walk.navigation.refused("#cake")
    walk.navigation.begin_return()
    walk.state.reset("alice", set())
    assert walk.navigation.joins() == ["JOIN #lobby", "JOIN #tea"]
