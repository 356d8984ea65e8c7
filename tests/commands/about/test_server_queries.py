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
    """By its name in any case, a mask of it, or somebody on it; for any other server 402 and nothing else."""
    alice = here.connect("alice")
    before, _, after = query.partition(" * ")
    for target in (SERVER, SERVER.upper(), "*.local", "ALICE"):
        line = f"{before} {target} {after}" if after else f"{query} {target}"
        assert QUERIES[query] in verbs(alice.ask(line.strip()))
    for target in ("elsewhere.example", "nobody", "*.example"):
        line = f"{before} {target} {after}" if after else f"{query} {target}"
        assert alice.ask(line.strip()) == [f":{SERVER} 402 alice {target} :No such server"]


def test_admin_tells_whom_to_ask(make_here: Callable[..., Here]) -> None:
    """256 to 259, the last with what the configuration says of how to reach the operator."""
    here = make_here(server={"admin_info": "Ann <ann@example.org>"})
    assert here.connect("alice").ask("ADMIN") == [
        f":{SERVER} 256 alice {SERVER} :Administrative info",
        f":{SERVER} 257 alice :chatroom",
        f":{SERVER} 258 alice :A chatroom server",
        f":{SERVER} 259 alice :Ann <ann@example.org>",
    ]
    assert verbs(make_here().connect("alice").ask("ADMIN")) == ["256", "257", "258", "259"]


def test_links_lists_the_one_server(here: Here) -> None:
    """364 and 365; a mask that does not fit leaves 365."""
    alice = here.connect("alice")
    assert alice.ask("LINKS") == [
        f":{SERVER} 364 alice * {SERVER} :0 A chatroom server",
        f":{SERVER} 365 alice * :End of LINKS list",
    ]
    assert alice.ask("LINKS *.example") == [f":{SERVER} 365 alice *.example :End of LINKS list"]


def test_stats_for_everybody(here: Here) -> None:
    """u tells since when the server runs, p who its operators are; a letter without a meaning is answered by 219."""
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
    """o lists the accounts that are operators, for those who are one; 481 for others, and 219 in any case."""
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


def test_many_nicks_in_one_question(here: Here) -> None:
    """ISON and USERHOST tell of all that were asked for, in as many lines as it takes; an empty one where none is."""
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


def test_what_is_supported_is_said(here: Here) -> None:
    """ISUPPORT has the tokens of what these verbs can do."""
    sent = here.connect("alice").ask("VERSION")
    tokens = {word for line in sent if parse(line).verb == "005" for word in parse(line).params[1:-1]}
    assert {"WHOX", "KNOCK", "SAFELIST", "BOT=B", "ELIST=CMNTU", "MONITOR=100"} <= tokens
