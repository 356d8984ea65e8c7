from __future__ import annotations

from collections import deque
from collections.abc import Callable

import pytest
from harness.world import PASSWORD, Client, Here, sasl_plain, verbs

from chatroom.chat.stored.records import Role


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


def guess_in_parallel(here: Here, address: str, names: list[str]) -> list[list[str]]:
    """Try a wrong password for each name on a connection of its own, all at once; what each was answered."""
    clients = [with_sasl(here, address) for _ in names]
    with here.tick():
        for client, name in zip(clients, names, strict=True):
            client.read()
            client.say("AUTHENTICATE PLAIN", sasl_plain(name, "wrong"))
    return [client.read() for client in clients]


@pytest.mark.parametrize("known", [True, False])
def test_parallel_tries_from_one_address_take_turns(make_here: Callable[..., Here], known: bool) -> None:
    """Fifty connections guess no faster than one, at known and unknown names alike: most are refused at once."""
    here = make_here(limits={"enabled": True})
    names = [f"name{number}" for number in range(50)]
    if known:
        for name in names:
            here.account(name)
    here.holding = True
    answers = guess_in_parallel(here, "10.0.0.1", names)
    refused = [lines for lines in answers if any("too many" in line for line in lines)]
    assert len(refused) == 42
    assert all("904" in verbs(lines) for lines in refused)
    assert "wait a minute" in refused[0][-1]
    here.release()
    assert here.delays_ms == [1000, 3000, 7000, 15_000, 31_000]


def test_an_account_of_ones_own_buys_no_guesses(make_here: Callable[..., Here]) -> None:
    """A good login forgives its address that try alone: guessing goes on as slowly as before."""
    here = make_here(limits={"enabled": True})
    here.account("mallory")
    for number in range(4):
        log_in(with_sasl(here, "10.0.0.1"), f"name{number}")
    assert here.delays_ms == [1000]
    assert "903" in log_in(with_sasl(here, "10.0.0.1"), "mallory", PASSWORD)
    assert here.delays_ms == [1000, 2000]
    log_in(with_sasl(here, "10.0.0.1"), "another")
    log_in(with_sasl(here, "10.0.0.1"), "yet-another")
    assert here.delays_ms == [1000, 2000, 4000]


def test_good_logins_of_many_at_one_address_do_not_add_up(make_here: Callable[..., Here]) -> None:
    """Behind one address any number of people log in without waiting, as long as their passwords are right."""
    here = make_here(limits={"enabled": True})
    for number in range(20):
        here.account(f"una{number}")
        assert "903" in log_in(with_sasl(here, "10.0.0.1"), f"una{number}", PASSWORD)
    assert here.delays_ms == []


def test_nobody_is_locked_out_of_their_account_by_others(make_here: Callable[..., Here]) -> None:
    """Any number of guesses at a name from elsewhere make its owner wait half a minute, never more."""
    here = make_here(limits={"enabled": True})
    here.account("una")
    here.holding = True
    for number in range(100):
        guess_in_parallel(here, f"10.0.1.{number}", ["una"])
    owner = with_sasl(here, "10.0.0.1")
    owner.say("AUTHENTICATE PLAIN", sasl_plain("una"))
    here.held, others = deque([here.held[-1]]), here.held
    here.release()
    assert here.delays_ms == [30_000]
    assert len(others) == 101
    assert "903" in verbs(owner.read())


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_this_machines_own_address_is_no_bodys(make_here: Callable[..., Here], address: str) -> None:
    """Behind a proxy, or on the machine itself, everybody comes from one address: only the account is slowed."""
    here = make_here(limits={"enabled": True})
    guess_in_parallel(here, address, [f"name{number}" for number in range(20)])
    assert here.delays_ms == []
    for _ in range(4):
        log_in(with_sasl(here, address), "una")
    assert here.delays_ms == [1000]


def test_without_limits_nothing_is_slowed_or_counted(make_here: Callable[..., Here]) -> None:
    """``limits.enabled = false`` switches the slowing off; what failed meanwhile is not held against anybody later."""
    here = make_here()
    guess_in_parallel(here, "10.0.0.1", ["una"] * 20)
    assert here.delays_ms == [] and len(here.world.throttle) == 0


def test_a_wrong_pass_is_spaced_too(make_here: Callable[..., Here]) -> None:
    """PASS goes the same way as SASL: beyond a minute's worth of tries the answer is 464 at once."""
    here = make_here(limits={"enabled": True})
    clients = [here.open() for _ in range(10)]
    here.holding = True
    with here.tick():
        for client in clients:
            client.say("PASS una:wrong", "NICK x", "USER u 0 * :U")
    said = [client.read() for client in clients]
    assert [verbs(lines)[-2:] for lines in said[8:]] == [["464", "ERROR"]] * 2
    assert "too many" in said[9][-1]
    assert not any(client.closed for client in clients[:8])


def test_a_name_that_is_none_forges_no_line_on_the_screen(here: Here) -> None:
    """What somebody calls itself in a login reads as a name, never as words of ours."""
    log_in(with_sasl(here, "10.0.0.1"), "boss from 10.9.9.9: welcome")
    refused = [line for line in here.world.log_lines if "refused login" in line]
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
