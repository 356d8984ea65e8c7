"""A server with few free places: who may still come in, and what the others read."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.session_client import Client
from harness.world import PASSWORD, SERVER, Here, sasl_plain, verbs

from chatroom.chat.admission.reserved_places import Places
from chatroom.chat.stored.records import Role

ADVICE = "log in (SASL, or PASS account:password), or try again later"


@pytest.fixture
def busy(make_here: Callable[..., Here]) -> Here:
    """A server of 100 places: the last 5 are for operators, and 20 before them for accounts."""
    here = make_here(limits={"enabled": True, "reserved_for_accounts": 20, "reserved_for_operators": 5})
    here.account("una")
    here.account("mo", Role.MODERATOR)
    return here


def come(here: Here, taken: int, nick: str, *first: str) -> Client:
    """Connect as one of so many connections; ``first`` are the lines before NICK."""
    here.runtime.known_places = Places(taken, 100)
    client = here.open()
    client.say(*first, f"NICK {nick}", f"USER {nick} 0 * :{nick}", "CAP END")
    return client


def test_a_guest_reads_what_would_help(busy: Here) -> None:
    """The last free place for guests is taken; the next guest is told, and closed. Those present stay."""
    first = come(busy, 75, "first")
    assert not first.closed
    late = come(busy, 76, "late")
    text = f"This server has only places for users with an account left: {ADVICE}"
    assert late.read() == [
        f":{SERVER} FAIL * ACCOUNT_REQUIRED :{text}",
        f"ERROR :Closing Link: {late.session.address_text} ({text})",
    ]
    assert late.closed and not first.closed
    assert "PONG" in verbs(first.ask("PING x"))
    assert any("refused late from 10.0.0.1: the last connections are reserved" in line for line in busy.world.log_lines)
    assert not come(busy, 75, "late").closed


@pytest.mark.parametrize(
    "first",
    [["CAP REQ sasl", "AUTHENTICATE PLAIN", f"AUTHENTICATE {sasl_plain('una')}"], [f"PASS :una:{PASSWORD}"]],
)
def test_who_logs_in_has_a_place(busy: Here, first: list[str]) -> None:
    """By SASL as by PASS."""
    assert not come(busy, 95, "una", *first).closed


def test_the_last_places_are_for_operators(busy: Here) -> None:
    """An account is told to try later, and is not asked to log in, which it has done."""
    late = come(busy, 96, "una", f"PASS :una:{PASSWORD}")
    assert f":{SERVER} FAIL * TEMPORARILY_UNAVAILABLE :This server is full, try again later" in late.read()
    assert late.closed
    assert not come(busy, 100, "mo", f"PASS :mo:{PASSWORD}").closed
