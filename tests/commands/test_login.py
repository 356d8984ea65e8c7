from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.world import PASSWORD, Client, Here, sasl_plain, verbs

from chatroom.chat.records import Role


def with_sasl(here: Here, address: str) -> Client:
    """A client from somewhere that negotiated sasl."""
    client = here.open(address)
    client.say("CAP REQ :sasl", "NICK x", "USER u 0 * :U")
    return client


def log_in(client: Client, name: str, password: str = "wrong") -> list[str]:
    """Try to log in; the numerics that answer."""
    return verbs(client.ask("AUTHENTICATE PLAIN", sasl_plain(name, password)))[1:]


def test_an_ipv6_subscriber_is_slowed_as_one(make_here: Callable[..., Here]) -> None:
    """Whoever tries from ever other addresses of one /64 waits as if it were one address; its neighbour does not."""
    here = make_here(limits={"enabled": True})
    for number in range(4):
        assert log_in(with_sasl(here, f"2001:db8::{number + 1}"), f"name{number}") == ["904"]
    assert here.delays_ms == [1000]
    log_in(with_sasl(here, "2001:db8:0:1::1"), "another")
    assert here.delays_ms == [1000]


def test_a_name_that_is_none_forges_no_line_on_the_screen(here: Here) -> None:
    """What somebody calls itself in a login reads as a name, never as words of ours."""
    log_in(with_sasl(here, "10.0.0.1"), "boss from 10.9.9.9: welcome")
    refused = [line for line in here.world.log if "refused login" in line]
    assert refused == ["refused login as * from 10.0.0.1: wrong name or password"]


@pytest.mark.parametrize("lines", [["AUTHENTICATE PLAIN", sasl_plain("mo")], [f"OPER mo :{PASSWORD}"]])
def test_a_ban_that_comes_while_a_login_waits_for_the_disk_holds(here: Here, lines: list[str]) -> None:
    """Between the check and the login what is stored with the account is read: the account is looked at once more."""
    here.account("mo", Role.MODERATOR)
    client = here.connect("guest", caps="sasl")
    here.holding = True
    client.say(*lines)
    here.release(1)  # the password's check
    here.ban("mo", "noise")
    here.release()
    assert any("banned: noise" in line for line in client.read())
    assert client.user.account is None
