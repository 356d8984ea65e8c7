from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.world import SERVER, Here, params_of, verbs

from chatroom.config.redis_url import RedisUrl
from chatroom.config.server_url import ServerUrl
from chatroom.irc import names
from chatroom.irc.message import parse


def tokens(here: Here) -> dict[str, str]:
    """The ISUPPORT tokens, from VERSION."""
    sent = here.connect("isupport").ask("VERSION")
    words = [word for line in sent if parse(line).verb == "005" for word in parse(line).params[1:-1]]
    return {word.partition("=")[0]: word.partition("=")[2] for word in words}


def test_lusers_counts_users_and_channels(here: Here) -> None:
    """Users, invisible users, operators, unregistered connections, channels, and the highest number of users."""
    alice, ada = here.connect("alice"), here.admin()
    here.connect("gone").say("QUIT")
    ada.say("MODE ada +i", "JOIN #a")
    here.open()
    assert alice.ask("LUSERS") == [
        f":{SERVER} 251 alice :There are 1 users and 1 invisible on 1 servers",
        f":{SERVER} 252 alice 1 :operator(s) online",
        f":{SERVER} 253 alice 1 :unknown connection(s)",
        f":{SERVER} 254 alice 2 :channels formed",
        f":{SERVER} 255 alice :I have 2 clients and 0 servers",
        f":{SERVER} 265 alice 2 3 :Current local users 2, max 3",
        f":{SERVER} 266 alice 2 3 :Current global users 2, max 3",
    ]


def test_the_message_of_the_day(make_here: Callable[..., Here]) -> None:
    """422 if there is none; otherwise 375, 372 for each line, 376. Another server as the target gets 402."""
    here = make_here()
    assert here.connect("alice").ask("MOTD") == [f":{SERVER} 422 alice :MOTD File is missing"]
    here = make_here(server={"motd": "one\n\ntwo\n"})
    alice = here.connect("alice")
    assert alice.ask("MOTD") == [
        f":{SERVER} 375 alice :- {SERVER} Message of the day -",
        f":{SERVER} 372 alice :- one",
        f":{SERVER} 372 alice :- ",
        f":{SERVER} 372 alice :- two",
        f":{SERVER} 376 alice :End of MOTD command",
    ]
    assert alice.ask("MOTD elsewhere.example") == [f":{SERVER} 402 alice elsewhere.example :No such server"]


def test_version_time_and_info(here: Here) -> None:
    """351 and 391 name the server. INFO is 371 lines and 374."""
    alice = here.connect("alice")
    assert params_of(alice.ask("VERSION"), "351")[2] == SERVER
    assert params_of(alice.ask("TIME"), "391")[1] == SERVER
    assert "2030" in params_of(alice.ask("TIME"), "391")[-1]
    assert verbs(alice.ask("INFO"))[-1] == "374"


def test_version_and_info_name_the_database(make_here: Callable[..., Here]) -> None:
    """They name what the settings say: SQLite or PostgreSQL, and the Redis of a cluster."""
    server, redis = ServerUrl().read_text("postgresql://chat@db/chat"), RedisUrl().read_text("redis://localhost")
    for sections, stands_on in (
        ({}, "threads, SQLite and IRC"),
        ({"database": {"url": server}}, "threads, PostgreSQL and IRC"),
        ({"database": {"url": server}, "cluster": {"redis": redis, "node": "a"}}, "threads, PostgreSQL, Redis and IRC"),
    ):
        alice = make_here(**sections).connect("alice")
        assert params_of(alice.ask("VERSION"), "351")[-1] == stands_on
        assert alice.ask("INFO")[0].endswith(f": {stands_on}")


@pytest.mark.parametrize("excess", [0, 1])
def test_lengths_in_isupport_are_exact(here: Here, excess: int) -> None:
    """A text of the length in ISUPPORT is taken whole. A longer one is refused, or cut to that length."""
    supported = tokens(here)
    alice, bob = here.connect("alice"), here.connect("bob")
    nick = "n" * (int(supported["NICKLEN"]) + excess)
    assert verbs(here.connect("carl").ask(f"NICK {nick}")) == ["432" if excess else "NICK"]
    channel = "#" + "c" * (int(supported["CHANNELLEN"]) - 1 + excess)
    assert verbs(alice.ask(f"JOIN {channel}"))[0] == ("476" if excess else "JOIN")
    alice.say("JOIN #a")
    bob.say("JOIN #a")
    for verb, token in (("TOPIC #a", "TOPICLEN"), ("AWAY", "AWAYLEN")):
        sent = alice.ask(f"{verb} :" + "t" * (int(supported[token]) + excess))
        assert ("FAIL" in verbs(sent)) == bool(excess)
    assert alice.user.away == (None if excess else "t" * int(supported["AWAYLEN"]))
    assert here.channel("#a").topic == ("" if excess else "t" * int(supported["TOPICLEN"]))
    alice.say("KICK #a bob :" + "t" * (int(supported["KICKLEN"]) + excess))
    kicked = params_of([line for line in bob.read() if " KICK " in line], "KICK")[-1]
    assert kicked == "t" * int(supported["KICKLEN"])
    assert ("has at most" in "".join(alice.read())) == bool(excess)
    key = "k" * (int(supported["KEYLEN"]) + excess)
    assert verbs(alice.ask(f"MODE #a +k {key}")) == ["696" if excess else "MODE"]


def test_isupport_describes_the_modes_that_the_code_has(here: Here) -> None:
    """Case mapping, channel prefixes and modes in ISUPPORT are those that the verbs take."""
    supported = tokens(here)
    assert supported["CASEMAPPING"] == "ascii"
    assert supported["CHANTYPES"] == names.CHANNEL_PREFIXES
    assert supported["PREFIX"] == "(ov)@+"
    assert "UTF8ONLY" in supported
    lists, always, when_set, flags = supported["CHANMODES"].split(",")
    alice = here.connect("alice", secure=True)
    alice.say("JOIN #a")
    for letter in lists:
        assert "472" not in verbs(alice.ask(f"MODE #a {letter}"))
    for letter in always + when_set:
        assert verbs(alice.ask(f"MODE #a +{letter}")) == ["696"]
    alice.say(f"MODE #a -{flags}")
    assert params_of(alice.ask("MODE #a"), "324")[2] == "+"
    for letter in flags:
        assert f"+{letter}" in alice.ask(f"MODE #a +{letter}")[-1]


def test_the_welcome_lists_every_mode(here: Here) -> None:
    """004 lists user modes, channel modes, and channel modes with a parameter, as ISUPPORT does."""
    sent = here.open().ask("NICK alice", "USER a 0 * :A")
    _, server, _, user_modes, channel_modes, with_parameter = params_of(sent, "004")
    supported = tokens(here)
    lists, always, when_set, flags = supported["CHANMODES"].split(",")
    assert server == SERVER
    assert set("iow") <= set(user_modes)
    assert set(channel_modes) == set(lists + always + when_set + flags + "ov")
    assert set(with_parameter) == set(lists + always + when_set + "ov")
