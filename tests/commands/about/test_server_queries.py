from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.world import SERVER, Here, verbs

from chatroom.chat.stored.records import Role
from chatroom.irc.message import parse

QUERIES = {
    "ADMIN": "256",
    "INFO": "371",
    "LINKS * *": "365",
    "LUSERS *": "251",
    "MOTD": "422",
    "STATS u": "242",
    "TIME": "391",
    "VERSION": "351",
}


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_may_name_the_server(here: Here, query: str) -> None:
    """By name in any case, by a mask, or by a user's nick. Any other target is answered with 402 alone."""
    alice = here.connect("alice")
    before, _, after = query.partition(" * ")
    for target in (SERVER, SERVER.upper(), "*.local", "ALICE"):
        line = f"{before} {target} {after}" if after else f"{query} {target}"
        assert QUERIES[query] in verbs(alice.ask(line.strip()))
    for target in ("elsewhere.example", "nobody", "*.example"):
        line = f"{before} {target} {after}" if after else f"{query} {target}"
        assert alice.ask(line.strip()) == [f":{SERVER} 402 alice {target} :No such server"]


def test_admin_shows_the_contact(make_here: Callable[..., Here]) -> None:
    """256 to 259; the last has ``server.admin_info``, or a text that there is no contact."""
    here = make_here(server={"admin_info": "Ann <ann@example.org>"})
    assert here.connect("alice").ask("ADMIN") == [
        f":{SERVER} 256 alice {SERVER} :Administrative info",
        f":{SERVER} 257 alice :chatroom",
        f":{SERVER} 258 alice :A chatroom server",
        f":{SERVER} 259 alice :Ann <ann@example.org>",
    ]
    assert verbs(make_here().connect("alice").ask("ADMIN")) == ["256", "257", "258", "259"]


def test_links_lists_the_one_server(here: Here) -> None:
    """364 and 365. With a mask that does not match, 365 alone."""
    alice = here.connect("alice")
    assert alice.ask("LINKS") == [
        f":{SERVER} 364 alice {SERVER} {SERVER} :0 A chatroom server",
        f":{SERVER} 365 alice * :End of LINKS list",
    ]
    assert alice.ask("LINKS *.example") == [f":{SERVER} 365 alice *.example :End of LINKS list"]


def test_stats_that_any_user_may_ask(here: Here) -> None:
    """u shows the uptime, p the operators. An unknown letter is answered with 219 alone."""
    alice = here.connect("alice")
    here.moderator()
    here.wait(2 * 86_400 + 3 * 3600 + 4 * 60 + 5)
    assert alice.ask("STATS u") == [
        f":{SERVER} 242 alice :Server Up 2 days 3:04:05",
        f":{SERVER} 219 alice u :End of STATS report",
    ]
    assert alice.ask("STATS p") == [
        f":{SERVER} 249 alice p :mo (moderator)",
        f":{SERVER} 219 alice p :End of STATS report",
    ]
    assert alice.ask("STATS x") == [f":{SERVER} 219 alice x :End of STATS report"]
    assert verbs(alice.ask("STATS")) == ["461"]
    assert verbs(alice.ask("STATS :")) == ["461"]


def test_stats_for_operators(here: Here) -> None:
    """o lists the accounts of operators. A user without a role gets 481 and 219."""
    here.account("ada", Role.ADMIN)
    here.account("off", Role.MODERATOR, disabled=True)
    mo, una = here.moderator(), here.member()
    assert una.ask("STATS o") == [
        f":{SERVER} 481 una :Permission Denied - You're not an IRC operator",
        f":{SERVER} 219 una o :End of STATS report",
    ]
    assert mo.ask("STATS o") == [
        f":{SERVER} 243 mo O * * ada admin",
        f":{SERVER} 243 mo O * * mo moderator",
        f":{SERVER} 219 mo o :End of STATS report",
    ]


def test_ison_and_userhost_with_many_nicks(here: Here) -> None:
    """The answer has as many lines as it needs. If no nick is connected, it is one empty line."""
    alice = here.connect("alice")
    nicks = [f"{'ä' * 14}{number:04d}" for number in range(13)]
    for nick in nicks:
        here.connect(nick)
    sent = [parse(line) for line in alice.ask(f"ISON {' '.join(nicks)} nobody")]
    assert {message.verb for message in sent} == {"303"}
    assert [word for message in sent for word in message.params[-1].split()] == nicks
    sent = [parse(line) for line in alice.ask(f"USERHOST {' '.join(nicks)}")]
    assert [word.partition("=")[0] for message in sent for word in message.params[-1].split()] == nicks[:5]
    assert alice.ask("ISON nobody") == [f":{SERVER} 303 alice :"]
    assert alice.ask("USERHOST nobody") == [f":{SERVER} 302 alice :"]


def test_isupport_has_the_tokens_of_these_verbs(here: Here) -> None:
    """A client finds WHOX, KNOCK, SAFELIST, BOT, ELIST and MONITOR in 005."""
    sent = here.connect("alice").ask("VERSION")
    tokens = {word for line in sent if parse(line).verb == "005" for word in parse(line).params[1:-1]}
    assert {"WHOX", "KNOCK", "SAFELIST", "BOT=B", "ELIST=CMNTU", "MONITOR=100"} <= tokens
