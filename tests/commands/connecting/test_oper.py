from __future__ import annotations

from collections.abc import Callable

from harness.world import PASSWORD, Here, params_of, verbs

from chatroom.chat.stored.records import Role


def test_a_guest_registers_the_name_it_wears(here: Here) -> None:
    """REGISTER creates the account, logs in, and reserves the name from then on, also after a restart."""
    alice = here.connect("Alice", caps="draft/account-registration")
    bob = here.connect("bob", caps="account-notify")
    bob.read()
    sent = alice.ask(f"REGISTER * * :{PASSWORD}")
    assert params_of(sent, "REGISTER")[:2] == ["SUCCESS", "Alice"]
    assert params_of(sent, "900")[2] == "Alice"
    assert bob.read() == [f":{alice.prefix} ACCOUNT Alice"]
    assert alice.user.role is Role.USER
    here.restart()
    assert "433" in verbs(here.open().ask("NICK alice", "USER a 0 * :A"))
    here.connect("alice", login="alice")


def test_register_is_for_guests_where_it_is_allowed(make_here: Callable[..., Here]) -> None:
    """Not twice, and not where the configuration says no."""
    here = make_here()
    line = f"REGISTER * * :{PASSWORD}"
    assert params_of(here.member().ask(line), "FAIL")[:2] == ["REGISTER", "ALREADY_AUTHENTICATED"]
    closed = make_here(accounts={"registration": False})
    assert params_of(closed.connect("alice").ask(line), "FAIL")[:2] == ["REGISTER", "DISALLOWED"]


def test_a_name_registered_by_the_shell_meanwhile_is_not_overwritten(here: Here) -> None:
    """Between the hashing and the storing the name may go to somebody else: ACCOUNT_EXISTS, and nobody is logged in."""
    alice = here.connect("alice")
    here.holding = True
    alice.say(f"REGISTER * * :{PASSWORD}")
    here.release(1)
    here.account("alice")
    here.release()
    assert params_of(alice.read(), "FAIL")[:2] == ["REGISTER", "ACCOUNT_EXISTS"]
    assert alice.user.account is None
    assert alice.user.nick == "Guest1"


def test_who_takes_the_name_while_its_registrar_leaves_loses_it(here: Here) -> None:
    """A guest who wears the name when its account is made, but did not make it, is renamed."""
    alice = here.connect("alice")
    here.holding = True
    alice.say(f"REGISTER * * :{PASSWORD}")
    here.release(1)
    alice.vanish()
    thief = here.connect("alice")
    here.release()
    assert here.stores.accounts.find("alice") is not None
    assert thief.user.nick == "Guest1"


def test_registering_is_slowed_by_address(make_here: Callable[..., Here]) -> None:
    """One address that registers names without end waits longer for each."""
    here = make_here(limits={"enabled": True})
    for number in range(5):
        here.connect(f"alice{number}").say(f"REGISTER * * :{PASSWORD}")
    assert here.delays_ms == [1000, 2000]
    assert len(here.stores.accounts.list_all()) == 5


def test_a_login_after_registration(here: Here) -> None:
    """SASL works for who is connected already; the account's operators get +o, account-notify readers are told."""
    from harness.world import sasl_plain

    here.account("root", Role.ADMIN)
    alice = here.connect("alice", caps="sasl")
    alice.read()
    sent = alice.ask("AUTHENTICATE PLAIN", sasl_plain("root"))
    assert verbs(sent) == ["AUTHENTICATE", "900", "MODE", "903"]
    assert alice.user.account_name == "root"


def test_a_wrong_sasl_login_later_on_costs_nothing_but_itself(make_here: Callable[..., Here]) -> None:
    """Somebody present is not closed for failed SASL logins."""
    from harness.world import sasl_plain

    here = make_here(limits={"enabled": True})
    alice = here.connect("alice", caps="sasl")
    for _ in range(5):
        assert verbs(alice.ask("AUTHENTICATE PLAIN", sasl_plain("root", "wrong")))[-1] == "904"
    assert not alice.closed
