"""Limits of single actions: what is refused, what the answer says, and for whom it counts."""

from __future__ import annotations

import re
from collections.abc import Callable

from harness.session_client import Client
from harness.world import PASSWORD, Here, verbs

from chatroom.chat.delivery.answer_costs import BYTES_OF_A_READER
from chatroom.chat.people.line_rates import limit_lines


def limited(client: Client) -> Client:
    """Put a client under the limits, as the daemon does with each connection."""
    limit_lines(client.session, client.here.world.settings)
    return client


def test_nick_changes_are_limited(make_here: Callable[..., Here]) -> None:
    """The change above the limit is refused with 438, which says when to try again; then it is possible."""
    here = make_here(limits={"enabled": True, "nick_changes_per_minute": 2})
    alice, bob = limited(here.connect("alice")), limited(here.connect("bob"))
    assert verbs(alice.ask("NICK a1", "NICK a2")) == ["NICK", "NICK"]
    (refusal,) = alice.ask("NICK a3")
    assert " 438 a2 a3 :Too many nick changes (at most 2 a minute), try again in 30 s" in refusal
    assert verbs(bob.ask("NICK b1")) == ["NICK"]
    here.wait(30)
    assert verbs(alice.ask("NICK a3")) == ["NICK"]


def test_registrations_are_limited_by_address(make_here: Callable[..., Here]) -> None:
    """An address registers so many accounts, whatever connection it uses. Another address is not concerned."""
    here = make_here(limits={"enabled": True, "registrations_per_hour": 2})
    for nick in ("ann", "ben"):
        assert "SUCCESS" in " ".join(limited(here.connect(nick)).ask(f"REGISTER * * :{PASSWORD}"))
    refused = " ".join(limited(here.connect("cid")).ask(f"REGISTER * * :{PASSWORD}"))
    assert "FAIL REGISTER TEMPORARILY_UNAVAILABLE cid :Too many names from your address" in refused
    assert "try again in 30m" in refused
    other = limited(here.connect("dan", address="198.51.100.7"))
    assert "SUCCESS" in " ".join(other.ask(f"REGISTER * * :{PASSWORD}"))


def test_searches_and_history_are_limited_by_account(make_here: Callable[..., Here]) -> None:
    """The refusal says what was exceeded and in how many seconds there is one again."""
    limits = {"enabled": True, "searches_per_minute": 2, "history_queries_per_minute": 3}
    here = make_here(keeping=True, limits=limits)
    una = limited(here.member())
    una.say("JOIN #a", "PRIVMSG #a :hello")
    for _ in range(2):
        assert "FAIL" not in " ".join(una.ask("SEARCH text=hello"))
    assert re.search(r"FAIL SEARCH RATE_LIMITED 30 :Too many searches", " ".join(una.ask("SEARCH text=hello")))
    for _ in range(3):
        assert "FAIL" not in " ".join(una.ask("CHATHISTORY LATEST #a * 10"))
    assert "FAIL CHATHISTORY RATE_LIMITED 20 " in " ".join(una.ask("CHATHISTORY LATEST #a * 10"))
    here.wait(20)
    assert "FAIL" not in " ".join(una.ask("CHATHISTORY LATEST #a * 10"))


def test_coming_and_going_is_paid_by_the_number_of_readers(make_here: Callable[..., Here]) -> None:
    """JOIN, PART, NICK and AWAY cost work for each session that is told; a message does not."""
    here = make_here()
    alice, costs = here.connect("alice"), here.world.costs
    for number in range(5):
        here.connect(f"reader{number}").say("JOIN #a")
    costs.work_bytes = 0
    spent: list[int] = []
    for line in ("JOIN #a", "PRIVMSG #a :hello", "NICK alice2", "AWAY :tea", "PART #a"):
        alice.say(line)
        spent.append(costs.work_bytes // BYTES_OF_A_READER)
        costs.work_bytes = 0
    assert spent == [6, 0, 6 + 6, 6 + 6, 6]
