"""A network of several servers, as a cluster has: here the world is told of another server and who is on it."""

from __future__ import annotations

import pytest
from harness.world import SERVER, Here, params_of, verbs

from chatroom.chat.people.server import Server
from chatroom.chat.people.user import User

pytestmark = pytest.mark.interpreted("replaces methods of the world, which compiled code calls directly")

OTHER = "b.chat.example"


@pytest.fixture
def two(here: Here, monkeypatch: pytest.MonkeyPatch) -> Here:
    """A world in which users whose nick begins with b are on another server."""

    def server_name_of(user: User) -> str:
        return OTHER if user.nick.startswith("b") else SERVER

    servers = [Server(SERVER, "A chatroom server"), Server(OTHER, "The other one")]
    monkeypatch.setattr(here.world, "list_servers", lambda: servers)
    monkeypatch.setattr(here.world, "server_name_of", server_name_of)
    monkeypatch.setattr(here.world, "count_here", lambda: (1, 4, 2))
    return here


def test_one_daemon_is_a_network_of_one_server(here: Here) -> None:
    """MAP has its line, and LINKS too."""
    alice = here.connect("alice")
    assert alice.ask("MAP") == [f":{SERVER} 006 alice :{SERVER} (1 user)", f":{SERVER} 007 alice :End of MAP"]
    assert len(alice.ask("LINKS")) == 2


def test_links_and_map_have_each_server(two: Here) -> None:
    """The own one is the first, and the others are one hop away. MAP has the users of each."""
    alice = two.connect("alice")
    two.connect("bob"), two.connect("bea")
    assert alice.ask("LINKS") == [
        f":{SERVER} 364 alice {SERVER} {SERVER} :0 A chatroom server",
        f":{SERVER} 364 alice {OTHER} {SERVER} :1 The other one",
        f":{SERVER} 365 alice * :End of LINKS list",
    ]
    assert [params_of(alice.ask("LINKS b.*"), "364")[1]] == [OTHER]
    assert alice.ask("MAP") == [
        f":{SERVER} 006 alice :{SERVER} (1 user)",
        f":{SERVER} 006 alice :`-{OTHER} (2 users)",
        f":{SERVER} 007 alice :End of MAP",
    ]


def test_who_and_whois_name_the_server_of_a_user(two: Here) -> None:
    """In the plain row, in the fields of WHOX, with the hops, and in 312."""
    alice = two.connect("alice")
    two.connect("bob")
    row = params_of(alice.ask("WHO bob"), "352")
    assert (row[4], row[-1]) == (OTHER, "1 Real Name")
    own = params_of(alice.ask("WHO alice"), "352")
    assert (own[4], own[-1]) == (SERVER, "0 Real Name")
    assert params_of(alice.ask("WHO bob %snd"), "354")[1:] == [OTHER, "bob", "1"]
    assert params_of(alice.ask("WHOIS bob"), "312")[1:] == ["bob", OTHER, "The other one"]
    assert params_of(alice.ask(f"WHOIS {OTHER} alice"), "312")[1:] == ["alice", SERVER, "A chatroom server"]


def test_whowas_names_the_server_of_then(two: Here) -> None:
    """Also once somebody on another server has the nick."""
    alice, bob = two.connect("alice"), two.connect("bob")
    bob.say("NICK ann")
    assert params_of(alice.ask("WHOWAS bob"), "312")[1:3] == ["bob", OTHER]
    assert verbs(alice.ask(f"WHOWAS bob 1 {OTHER}")) == verbs(alice.ask("WHOWAS bob"))


def test_lusers_counts_the_network_and_this_server(two: Here) -> None:
    """251 and 266 are of all servers, 255 and 265 of this one; the welcome has the same."""
    alice = two.connect("alice")
    newcomer = two.open().ask("NICK bob", "USER bob 0 * :Real Name")
    counts = alice.ask("LUSERS")
    assert params_of(counts, "251")[1] == "There are 2 users and 0 invisible on 2 servers"
    assert params_of(counts, "255")[1] == "I have 1 clients and 1 servers"
    assert params_of(counts, "265")[1:3] == ["1", "4"]
    assert params_of(counts, "266")[1:3] == ["2", "2"]
    assert params_of(newcomer, "251")[1:] == params_of(counts, "251")[1:]


@pytest.mark.parametrize("query", ["VERSION", "TIME", "ADMIN", "INFO", "MOTD", "STATS u", "LUSERS *"])
@pytest.mark.parametrize("target", [OTHER, "*.example", "bob"])
def test_what_only_the_other_server_knows_is_asked_there(two: Here, query: str, target: str) -> None:
    """It is named; only what is no server at all gets 402."""
    alice = two.connect("alice")
    two.connect("bob")
    (said,) = alice.ask(f"{query} {target}")
    verb = query.split()[0]
    assert said == f":{SERVER} FAIL {verb} ASK_THERE {OTHER} :Only that server knows: connect to it"
    assert verbs(alice.ask(f"{query} elsewhere.test")) == ["402"]
