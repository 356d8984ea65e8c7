"""Several servers at once: one list of places, and each typed line goes where it is meant to go."""

from __future__ import annotations

import pytest
from harness.client_stage import NOON, FakeLink

from chatroom.client.address import parse_address
from chatroom.client.chat_events import Denied, Info, Said, Trouble
from chatroom.client.chat_session import ChatSession
from chatroom.client.endings import Over
from chatroom.client.handshake import Login
from chatroom.client.known_servers import KnownServers
from chatroom.client.link import Closed, Crashed, Opened, Received
from chatroom.client.login_steps import Ask
from chatroom.client.route import Route
from chatroom.client.servers import MOST_SERVERS, Chosen, Report, Servers, SessionEvents
from chatroom.client.trust import Untrusted
from chatroom.irc.message import parse


class ServersStage:
    """alice on the server home, in #tea."""

    def __init__(self, *, stays: bool = False, welcomed: bool = True) -> None:
        self.links: dict[str, list[FakeLink]] = {}
        self.now = 0.0
        self.servers = Servers(self._make, stays=stays)
        self.servers.begin("home").start()
        if welcomed:
            self.welcome("home", "#tea")

    def _make(self, address: str, name: str, servers: Servers, chosen: Chosen | None = None) -> ChatSession:
        route = Route(parse_address(address), KnownServers(None), lambda: NOON)
        session = ChatSession(
            route,
            Login("alice"),
            lambda: self._make_link(name),
            lambda: self.now,
            lambda: 0.5,
            places=servers.places,
            name=name,
            servers=servers,
        )
        if address == "secret":
            session.question = Ask("password", "alice", "")
        return session

    def _make_link(self, name: str) -> FakeLink:
        link = FakeLink()
        self.links.setdefault(name, []).append(link)
        return link

    def hear(self, name: str, *lines: str) -> list[SessionEvents]:
        """Read these lines of a server."""
        return self.servers.handle(Report(name, Received([parse(line) for line in lines])))

    def welcome(self, name: str, *channels: str) -> None:
        """Complete the login on a server, which puts the user into channels."""
        self.servers.handle(Report(name, Opened()))
        self.hear(name, ":srv CAP * LS :server-time", ":srv CAP * ACK :server-time", ":srv 001 alice :Welcome")
        self.hear(name, ":srv 422 alice :No MOTD", *(f":alice!a@h JOIN {channel}" for channel in channels))

    def close(self, name: str) -> list[SessionEvents]:
        """End the connection to a server."""
        return self.servers.handle(Report(name, Closed("the network failed", was_open=True)))

    def enter(self, text: str) -> list[object]:
        """Type a line; returns the events to show."""
        return list(self.servers.current.enter(text))

    def sent(self, name: str) -> list[str]:
        """What was said to a server."""
        return [line for line in self.links[name][-1].lines if line.startswith(("PRIVMSG", "QUIT"))]

    def places(self) -> list[tuple[str, str]]:
        """Server and name of each place, in order."""
        return [(place.server, place.name) for place in self.servers.places]

    def turn_to(self, server: str, name: str) -> None:
        """Turn to a place."""
        places = self.servers.places
        places.turn_to(next(place for place in places if (place.server, place.name) == (server, name)))


def test_a_line_goes_to_the_server_of_the_place_in_front() -> None:
    """Places of the same name are two, and each has its own messages."""
    stage = ServersStage()
    (info,) = stage.enter("/connect work")
    assert isinstance(info, Info)
    assert stage.servers.current.talk.here.server == "work"
    stage.welcome("work", "#tea")
    stage.enter("to work")
    stage.turn_to("home", "#tea")
    stage.enter("to home")
    assert (stage.sent("work"), stage.sent("home")) == (["PRIVMSG #tea :to work"], ["PRIVMSG #tea :to home"])
    (told,) = stage.hear("work", ":bob!b@h PRIVMSG #tea :alice?")
    assert told.events == [Said("#tea", "bob", "alice?")]
    assert told.session.talk.here.server == "work"
    assert stage.servers.places.next_mention is stage.servers.session_of(stage.servers.places[3]).talk.here.find("#tea")  # type: ignore[union-attr]
    assert stage.places() == [("home", "home"), ("home", "#tea"), ("work", "work"), ("work", "#tea")]


def test_servers_are_listed_and_turned_to() -> None:
    """/server alone lists them with their state, with a name it turns there."""
    stage = ServersStage()
    stage.enter("/connect irc://work:7000")
    (listed,) = stage.enter("/server")
    assert isinstance(listed, Info)
    assert listed.text.splitlines()[1:3] == ["  home: home:6667, as alice", "  work:7000: work:7000, connecting"]
    assert stage.enter("/server home") == []
    assert stage.servers.current.talk.here.server == "home"
    assert stage.enter("/connect work:7000") == []
    assert stage.servers.current.talk.here.server == "work:7000"
    (denied,) = stage.enter("/server nowhere")
    assert isinstance(denied, Denied)


def test_leaving_a_server_closes_its_places() -> None:
    """The others stay; the only one is left by /quit."""
    stage = ServersStage()
    (denied,) = stage.enter("/disconnect")
    assert isinstance(denied, Denied)
    stage.enter("/connect work")
    stage.welcome("work", "#cake")
    (denied,) = stage.enter("/disconnect nowhere")
    assert isinstance(denied, Denied)
    stage.enter("/disconnect")
    assert stage.sent("work") == ["QUIT"]
    stage.close("work")
    assert stage.places() == [("home", "home"), ("home", "#tea")]
    assert stage.servers.current.talk.here.server == "home"
    assert stage.servers.over is None
    assert stage.hear("work", ":bob!b@h PRIVMSG #cake :too late") == []
    assert not stage.servers.are_several


def test_a_server_that_never_answers_stays_in_front() -> None:
    """Why is said there, and what the user types meanwhile comes to no other place; /disconnect goes back."""
    stage = ServersStage()
    stage.enter("/connect work")
    told = stage.servers.handle(Report("work", Closed("no server is listening there", was_open=False)))
    (trouble,) = [event for one in told for event in one.events]
    assert isinstance(trouble, Trouble)
    assert "no server is listening" in trouble.text
    assert stage.places() == [("home", "home"), ("home", "#tea"), ("work", "work")]
    assert stage.servers.current.talk.here.server == "work"
    assert [type(event) for event in stage.enter("hello")] == [Denied]
    assert stage.sent("home") == stage.sent("work") == []
    assert stage.servers.look_for_ends() == []  # it is told once
    assert stage.enter("/disconnect") == []
    assert stage.places() == [("home", "home"), ("home", "#tea")]
    assert stage.servers.over is None


def test_a_server_that_throws_the_user_out_leaves_its_places_to_read() -> None:
    """They are closed one by one, or by the next /connect there."""
    stage = ServersStage()
    stage.enter("/connect work")
    stage.welcome("work", "#cake", "#pie")
    stage.turn_to("work", "#cake")
    stage.hear("work", ":srv ERROR :Closing link: You are banned from this server")
    stage.close("work")
    assert stage.places()[2:] == [("work", "work"), ("work", "#cake"), ("work", "#pie")]
    assert not any(place.is_joined for place in stage.servers.places if place.server == "work")
    stage.enter("/close")
    assert stage.places()[2:] == [("work", "work"), ("work", "#pie")]
    assert stage.servers.find("work:6667") is None
    stage.enter("/connect work")
    assert stage.places()[2:] == [("work", "work")]
    assert stage.servers.find("work:6667") is stage.servers.current


def test_what_is_typed_in_a_place_of_a_server_that_is_over_stays_there() -> None:
    """It is neither lost nor said on another server, and commands change nothing on that one."""
    stage = ServersStage()
    stage.enter("/connect work")
    stage.welcome("work", "#cake")
    stage.turn_to("work", "#cake")
    stage.hear("work", ":srv ERROR :Closing link: You are banned from this server")
    stage.close("work")
    before = list(stage.links["home"][-1].lines)
    for text in ("a secret of work", "/topic tea", "/nick other"):
        assert [type(event) for event in stage.enter(text)] == [Denied]
    assert stage.servers.places.front is not None
    assert stage.servers.places.front.draft == "a secret of work"
    assert stage.links["home"][-1].lines == before


def test_the_user_may_try_a_server_again_that_is_over() -> None:
    """Unasked the client does not: the server does not want it. Its end is told anew."""
    stage = ServersStage()
    stage.enter("/connect work")
    for attempt in (1, 2):
        (told,) = [one for one in stage.close("work") if one.events]
        assert isinstance(told.events[0], Trouble)
        assert len(stage.links["work"]) == attempt
        stage.enter("/reconnect")
    stage.welcome("work", "#cake")
    assert stage.servers.current.online


def test_the_only_server_that_is_left_is_not_disconnected() -> None:
    """Those that are over do not count; the end of the last one is the end of the chat."""
    stage = ServersStage()
    stage.enter("/connect work")
    stage.close("work")
    stage.enter("/server home")
    (denied,) = stage.enter("/disconnect")
    assert isinstance(denied, Denied)
    stage.hear("home", ":srv ERROR :Closing link: You are banned from this server")
    assert stage.close("home")[1:] == []
    assert stage.servers.over is not None
    assert "banned" in stage.servers.over.text


def test_a_screen_stays_after_the_end_of_the_last_server() -> None:
    """The user reads why, and leaves when that is read: the exit code and the reason are those of the kick."""
    stage = ServersStage(stays=True)
    stage.hear("home", ":srv ERROR :Closing link: (You were kicked by an admin: spam)")
    (told,) = stage.close("home")[1:]
    text = "You were kicked by an admin: spam. /reconnect tries again, /quit leaves the chat."
    assert told.events == [Trouble(text)]
    assert stage.servers.over is None
    assert len(stage.links["home"]) == 1  # it does not come back by itself
    assert isinstance(stage.enter("/disconnect")[0], Denied)
    stage.enter("hello?")
    assert stage.places() == [("home", "home"), ("home", "#tea")]
    assert stage.servers.places.front is not None
    assert stage.servers.places.front.draft == "hello?"
    stage.enter("/quit")
    assert stage.servers.over == Over(1, "You were kicked by an admin: spam")


def test_after_a_kick_the_user_may_come_back() -> None:
    """/reconnect connects again; who then leaves ends with exit code 0."""
    stage = ServersStage(stays=True)
    stage.hear("home", ":srv ERROR :Closing link: (You were kicked by an admin: spam)")
    stage.close("home")
    stage.enter("/reconnect")
    stage.welcome("home", "#tea")
    assert stage.servers.current.online
    stage.enter("/quit")
    stage.close("home")
    assert stage.servers.over == Over(0)


def test_a_screen_stays_with_all_servers_over() -> None:
    """One is closed, the last one cannot be; a further one may be connected to."""
    stage = ServersStage(stays=True)
    stage.enter("/connect work")
    stage.close("work")
    stage.hear("home", ":srv ERROR :Closing link: You are banned from this server")
    stage.close("home")
    assert stage.servers.over is None
    assert stage.enter("/disconnect work") == []
    assert isinstance(stage.enter("/disconnect home")[0], Denied)
    stage.enter("/connect work")
    stage.welcome("work", "#cake")
    assert stage.servers.over is None
    assert stage.servers.current.online


def test_a_screen_ends_if_no_server_was_ever_there() -> None:
    """There is no log to read."""
    stage = ServersStage(stays=True, welcomed=False)
    stage.close("home")
    assert stage.servers.over is not None


def test_quit_leaves_all_servers() -> None:
    """The chat is over when the last one is left."""
    stage = ServersStage()
    stage.enter("/connect work")
    stage.welcome("work")
    stage.enter("/quit bye")
    assert stage.servers.quitting
    assert stage.sent("home")[-1] == stage.sent("work")[-1] == "QUIT :bye"
    overs = []
    for name in ("home", "work"):
        stage.close(name)
        overs.append(stage.servers.over)
    assert overs == [None, Over(0)]


def test_questions_are_asked_of_the_server_in_front_first() -> None:
    """A server whose password is needed is connected to after the answer."""
    stage = ServersStage()
    stage.enter("/connect secret")
    session = stage.servers.current
    assert stage.servers.asking is session
    assert "secret" not in stage.links
    session.answer("sesame")
    assert stage.links["secret"][0].opened_after == 0.0
    assert stage.servers.asking is None


def test_an_answer_can_be_the_end() -> None:
    """Of one server if there are others, and of the chat if there is none."""
    stage = ServersStage()
    stage.enter("/connect work")
    work = stage.servers.current
    stage.servers.handle(Report("work", Closed("no", False, Untrusted("its certificate is odd", "ab" * 32))))
    assert stage.servers.asking is work
    work.answer("no")
    (told,) = stage.servers.look_for_ends()
    assert isinstance(told.events[0], Trouble)
    stage.enter("/disconnect")
    assert stage.places() == [("home", "home"), ("home", "#tea")]
    stage.servers.current.over = Over(1, "declined")
    assert stage.servers.over == Over(1, "declined")


def test_what_cannot_be_connected_to_is_refused() -> None:
    """No address, and too many servers."""
    stage = ServersStage()
    (denied,) = stage.enter("/connect http://work")
    assert isinstance(denied, Denied)
    for number in range(MOST_SERVERS - 1):
        stage.enter(f"/connect work{number}")
    (denied,) = stage.enter("/connect one-more")
    assert isinstance(denied, Denied)


def test_one_server_alone_needs_no_others() -> None:
    """Where there can be no other server, the commands say so, and the end of the session is the end."""
    stage = ServersStage()
    stage.servers.current.servers = None
    for command in ("/connect work", "/disconnect", "/server"):
        (denied,) = stage.enter(command)
        assert isinstance(denied, Denied)


def test_a_dying_link_ends_the_program() -> None:
    """Its error is raised."""
    stage = ServersStage()
    with pytest.raises(RuntimeError):
        stage.servers.handle(Report("home", Crashed(RuntimeError("boom"))))


def test_time_passes_on_all_servers() -> None:
    """Who has stopped typing is forgotten everywhere."""
    stage = ServersStage()
    stage.enter("/connect work")
    stage.welcome("work", "#cake")
    for name, channel in (("home", "#tea"), ("work", "#cake")):
        stage.hear(name, f"@+typing=active :bob!b@h TAGMSG {channel}")
    stage.servers.places.take_changes()
    assert stage.servers.tick()
    stage.now = 6.0
    assert not stage.servers.tick()
    assert {place.name for place in stage.servers.places.take_changes()} == {"#tea", "#cake"}
