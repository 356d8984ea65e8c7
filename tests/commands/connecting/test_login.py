from __future__ import annotations

from collections import deque
from collections.abc import Callable

import pytest
from harness.held_work import HeldPending
from harness.session_client import Client
from harness.world import PASSWORD, Here, sasl_plain, verbs

from chatroom.chat.stored.records import Role
from chatroom.errors import Overloaded


def with_sasl(here: Here, address: str) -> Client:
    """A client from that address, with the sasl capability."""
    client = here.open(address)
    client.say("CAP REQ :sasl", "NICK x", "USER u 0 * :U")
    return client


def log_in(client: Client, name: str, password: str = "wrong") -> list[str]:
    """Try to log in by PLAIN; the numerics of the answer."""
    return verbs(client.ask("AUTHENTICATE PLAIN", sasl_plain(name, password)))[1:]


def test_tries_from_one_ipv6_network_are_slowed_as_one(make_here: Callable[..., Here]) -> None:
    """Tries from different addresses of one /64 wait as if from one address. Another /64 does not wait."""
    here = make_here(limits={"enabled": True})
    for number in range(4):
        assert log_in(with_sasl(here, f"2001:db8::{number + 1}"), f"name{number}") == ["904"]
    assert here.delays_ms == [1000]
    log_in(with_sasl(here, "2001:db8:0:1::1"), "another")
    assert here.delays_ms == [1000]


def guess_in_parallel(here: Here, address: str, names: list[str]) -> list[list[str]]:
    """Try a wrong password for each name, each on its own connection, in one tick; the answers."""
    clients = [with_sasl(here, address) for _ in names]
    with here.tick():
        for client, name in zip(clients, names, strict=True):
            client.read()
            client.say("AUTHENTICATE PLAIN", sasl_plain(name, "wrong"))
    return [client.read() for client in clients]


@pytest.mark.parametrize("known", [True, False])
def test_parallel_tries_from_one_address_take_turns(make_here: Callable[..., Here], known: bool) -> None:
    """Fifty connections guess no faster than one, for known and unknown names: most tries are refused at once."""
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
    assert "try again in " in refused[0][-1]
    here.release()
    assert here.delays_ms == [1000, 3000, 7000, 15_000, 31_000]


def test_a_good_login_does_not_forgive_other_tries_of_its_address(make_here: Callable[..., Here]) -> None:
    """It takes back its own try alone, so an attacker gains nothing by logging in between guesses."""
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


def test_good_logins_from_one_address_do_not_wait(make_here: Callable[..., Here]) -> None:
    """Any number of users behind one address log in at once, if their passwords are right."""
    here = make_here(limits={"enabled": True})
    for number in range(20):
        here.account(f"una{number}")
        assert "903" in log_in(with_sasl(here, "10.0.0.1"), f"una{number}", PASSWORD)
    assert here.delays_ms == []


def test_guesses_do_not_lock_the_owner_out(make_here: Callable[..., Here]) -> None:
    """After any number of guesses from other addresses, the owner waits half a minute at most."""
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
def test_tries_from_this_machine_are_slowed_by_account_only(make_here: Callable[..., Here], address: str) -> None:
    """All clients behind a proxy share the machine's own address, so that address has no turns."""
    here = make_here(limits={"enabled": True})
    guess_in_parallel(here, address, [f"name{number}" for number in range(20)])
    assert here.delays_ms == []
    for _ in range(4):
        log_in(with_sasl(here, address), "una")
    assert here.delays_ms == [1000]


def test_without_limits_nothing_is_slowed_or_counted(make_here: Callable[..., Here]) -> None:
    """With ``limits.enabled = false`` no try waits, and none is counted."""
    here = make_here()
    guess_in_parallel(here, "10.0.0.1", ["una"] * 20)
    assert here.delays_ms == [] and len(here.world.throttle) == 0


def test_a_wrong_pass_takes_turns_too(make_here: Callable[..., Here]) -> None:
    """PASS is slowed like SASL. A try that would wait for more than a minute is answered with 263 at once."""
    here = make_here(limits={"enabled": True})
    clients = [here.open() for _ in range(10)]
    here.holding = True
    with here.tick():
        for client in clients:
            client.say("PASS una:wrong", "NICK x", "USER u 0 * :U")
    said = [client.read() for client in clients]
    assert [verbs(lines)[-2:] for lines in said[8:]] == [["263", "ERROR"]] * 2
    assert "too many" in said[9][-1]
    assert not any(client.closed for client in clients[:8])


def test_a_login_name_cannot_forge_a_log_line(here: Here) -> None:
    """A name that is no account is not logged."""
    log_in(with_sasl(here, "10.0.0.1"), "boss from 10.9.9.9: welcome")
    refused = [line for line in here.world.log_lines if "refused login" in line]
    assert refused == ["refused login as an unknown name from 10.0.0.1: wrong name or password"]


@pytest.mark.parametrize("verb", ["OPER ", "NS IDENTIFY ", "PRIVMSG NickServ :IDENTIFY "])
def test_a_password_in_the_place_of_the_name_is_not_logged(here: Here, verb: str) -> None:
    """People mix up the order of the two. The name of an account is logged, and no other word."""
    here.account("una")
    bob = here.connect("bob")
    bob.say(f"{verb}hunter2 una", f"{verb}una hunter2")
    refused = [line for line in here.world.log_lines if "refused login" in line]
    assert [line.split(" from ")[0] for line in refused] == ["refused login as an unknown name", "refused login as una"]
    assert "hunter2" not in "".join(here.world.log_lines)


def test_a_password_before_the_colon_of_pass_is_not_logged(here: Here) -> None:
    """``PASS password:account`` and a password as the identity of SASL are the same mistake."""
    here.account("una")
    here.open("10.0.0.2").say("PASS hunter2:una", "NICK x", "USER u 0 * :U")
    log_in(with_sasl(here, "10.0.0.1"), "hunter2", "una")
    assert any("refused login as an unknown name" in line for line in here.world.log_lines)
    assert "hunter2" not in "".join(here.world.log_lines)


@pytest.mark.parametrize("lines", [["AUTHENTICATE PLAIN", sasl_plain("mo")], [f"OPER mo :{PASSWORD}"]])
def test_a_ban_during_a_login_holds(here: Here, lines: list[str]) -> None:
    """After the password, account data is read from the disk. The account is checked again after that."""
    here.account("mo", Role.MODERATOR)
    client = here.connect("guest", caps="sasl")
    here.holding = True
    client.say(*lines)
    here.release(1)  # the check of the password
    here.ban("mo", "noise")
    here.release()
    assert any("banned: noise" in line for line in client.read())
    assert client.user.account is None


def test_login_to_an_account_that_the_daemon_does_not_know_yet(here: Here) -> None:
    """A login finds an account that the shell has just made, before the daemon follows the change."""
    for name, given in (("vic", PASSWORD), ("wim", f"wim:{PASSWORD}")):
        here.world.accounts.discard(here.account(name).id)
        client = here.open()
        client.say(f"PASS :{given}", f"NICK {name}", "USER v 0 * :V")
        assert client.user.account_name == name


def test_failures_grow_old_by_themselves(make_here: Callable[..., Here]) -> None:
    """A clock that jumps a day ahead does not forget failed logins, and one that jumps back does not keep them."""
    here = make_here(limits={"enabled": True})
    here.account("ada")
    for _ in range(4):
        log_in(with_sasl(here, "10.0.0.1"), "ada", "wrong")
    here.set_clock(86_400)
    log_in(with_sasl(here, "10.0.0.1"), "ada", "wrong")
    here.set_clock(-86_400)
    assert here.delays_ms == [1000, 2000]
    here.wait(600)
    log_in(with_sasl(here, "10.0.0.1"), "ada", "wrong")
    assert here.delays_ms == [1000, 2000]


@pytest.mark.parametrize(
    "lines, answers",
    [
        (["PASS una:right", "NICK una", "USER u 0 * :U"], ["263", "ERROR"]),
        (["CAP REQ :sasl", "AUTHENTICATE PLAIN", sasl_plain("una")], ["904"]),
    ],
)
def test_a_login_for_which_there_is_no_room_is_answered(here: Here, lines: list[str], answers: list[str]) -> None:
    """If too many passwords wait to be checked, the user reads it at once and may try again."""
    here.account("una")
    client = here.open()
    here.holding = True
    client.say(*lines)
    while here.held:
        held = here.held.popleft()
        assert isinstance(held, HeldPending)
        here.go_on(held.context, held.pending, Overloaded("too much waits already"))
    said = client.read()
    assert verbs(said)[-len(answers) :] == answers
    assert any("too many log in at once, try again in a moment" in line for line in said)


def test_a_site_of_ipv6_is_no_crowd_of_addresses(make_here: Callable[..., Here]) -> None:
    """Tries from the networks of one /48 take turns after a while."""
    here = make_here(limits={"enabled": True})
    here.holding = True
    for number in range(30):
        with_sasl(here, f"2001:db8:7:{number:x}::1").say("AUTHENTICATE PLAIN", sasl_plain(f"x{number}"))
    assert sum(isinstance(held, HeldPending) and held.pending.delay_ms > 0 for held in here.held) >= 5
