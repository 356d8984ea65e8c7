"""A server with few free places: who may still come in, and what the others read."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.session_client import Client
from harness.world import PASSWORD, SERVER, Here, sasl_plain

from chatroom.chat.admission.reserved_places import Places
from chatroom.chat.stored.records import Role

ADVICE = "log in (SASL, or PASS account:password), or try again later"


@pytest.fixture
def busy(make_here: Callable[..., Here]) -> Here:
    """A server of 8 places: the last is for operators, and 2 before it for accounts. Five guests are there."""
    here = make_here(limits={"enabled": True, "reserved_for_accounts": 2, "reserved_for_operators": 1})
    here.account("una")
    here.account("mo", Role.MODERATOR)
    here.runtime.known_places = Places(8, 8)
    for number in range(5):
        assert not come(here, f"guest{number}").closed
    return here


def come(here: Here, nick: str, *first: str) -> Client:
    """Connect and register; ``first`` are the lines before NICK."""
    client = here.open()
    client.say(*first, f"NICK {nick}", f"USER {nick} 0 * :{nick}", "CAP END")
    return client


def test_a_guest_reads_what_would_help(busy: Here) -> None:
    """The last free place for guests is taken; the next guest is told, and closed. Those present stay."""
    late = come(busy, "late")
    text = f"This server has only places for users with an account left: {ADVICE}"
    assert late.read() == [
        f":{SERVER} FAIL * ACCOUNT_REQUIRED :{text}",
        f"ERROR :Closing Link: {late.session.address_text} ({text})",
    ]
    assert late.closed
    assert any(f"refused late from {late.session.address_text}: the last" in line for line in busy.world.log_lines)
    busy.world.close(busy.user("guest0").sessions[0], "bye")
    assert not come(busy, "late").closed


def test_silent_connections_take_no_place(busy: Here) -> None:
    """They end for others, so a guest who leaves is followed by another, however many there are of them."""
    silent = [busy.open() for _ in range(20)]
    busy.world.close(busy.user("guest0").sessions[0], "bye")
    assert not come(busy, "late").closed
    assert not any(client.closed for client in silent)


@pytest.mark.parametrize(
    "first",
    [["CAP REQ sasl", "AUTHENTICATE PLAIN", f"AUTHENTICATE {sasl_plain('una')}"], [f"PASS :una:{PASSWORD}"]],
)
def test_who_logs_in_has_a_place(busy: Here, first: list[str]) -> None:
    """By SASL as by PASS."""
    assert not come(busy, "una", *first).closed


def test_the_last_places_are_for_operators(busy: Here) -> None:
    """An account is told to try later, and is not asked to log in, which it has done."""
    for nick in ("una", "una2"):
        assert not come(busy, nick, f"PASS :una:{PASSWORD}").closed
    late = come(busy, "una3", f"PASS :una:{PASSWORD}")
    assert f":{SERVER} FAIL * TEMPORARILY_UNAVAILABLE :This server is full, try again later" in late.read()
    assert late.closed
    assert not come(busy, "mo", f"PASS :mo:{PASSWORD}").closed
