from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.world import SERVER, Here, params_of, verbs


def test_user_refuses_empty_names(here: Here) -> None:
    """An empty user name or real name is answered with 461. The client may send USER again."""
    client = here.open()
    client.say("NICK alice")
    for line in ("USER  : 0 * :A", "USER :", "USER a 0 *", "USER al 0 * :"):
        assert client.ask(line) == [f":{SERVER} 461 * USER :Not enough parameters"]
    client.say("USER al 0 * :A")
    assert client.user.realname == "A"


@pytest.mark.parametrize(
    "given, shown",
    [("al", "al"), ("~al", "al"), ("a@b!c", "abc"), ("x" * 40, "x" * 18), ("é" * 18, "é" * 9), ("!!!", "user")],
)
def test_a_user_name_has_only_characters_that_masks_allow(here: Here, given: str, shown: str) -> None:
    """Other characters are dropped and the rest is cut to USERLEN. If nothing is left, it is ``user``."""
    client = here.open()
    client.say("NICK alice", f"USER {given} 0 * :A")
    assert client.user.username == shown


def test_ping_is_answered_with_its_token_before_and_after_registration(here: Here) -> None:
    """PONG has the server and the token. No token is 461, an empty token 409."""
    for client, nick in ((here.open(), "*"), (here.connect("alice"), "alice")):
        assert client.ask("PING abc", "PING :a b", "PING ::") == [
            f":{SERVER} PONG {SERVER} :abc",
            f":{SERVER} PONG {SERVER} :a b",
            f":{SERVER} PONG {SERVER} ::",
        ]
        assert client.ask("PING") == [f":{SERVER} 461 {nick} PING :Not enough parameters"]
        assert client.ask("PING :") == [f":{SERVER} 409 {nick} :No origin specified"]
        assert client.ask("PONG", "PONG a", "PONG a b") == []


@pytest.mark.parametrize("said, why", [("QUIT", "Quit: "), ("QUIT :", "Quit: "), ("QUIT :so long", "Quit: so long")])
def test_quit_is_answered_with_error_and_shown_to_others(here: Here, said: str, why: str) -> None:
    """The client reads its own QUIT, then ERROR, and is closed. Other users read the reason after "Quit: "."""
    bob, alice = here.connect("bob"), here.connect("alice")
    bob.read()
    prefix = alice.prefix
    assert alice.ask(said) == [f":{prefix} QUIT :{why}", f"ERROR :Closing Link: 10.0.0.1 ({why})"]
    assert alice.closed
    assert bob.read() == [f":{prefix} QUIT :{why}"]


def test_quit_before_registration_ends_the_connection(here: Here) -> None:
    """The client reads ERROR and is closed."""
    client = here.open()
    assert client.ask("NICK alice", "QUIT :bye") == ["ERROR :Closing Link: 10.0.0.1 (Quit: bye)"]
    assert client.closed


def test_of_several_server_passwords_the_last_counts(make_here: Callable[..., Here]) -> None:
    """The right password after a wrong one lets the client in. Two wrong ones do not."""
    here = make_here(server={"password": "swordfish"})
    for given, welcome in ((["wrong", "swordfish"], True), (["wrong", "worse"], False)):
        client = here.open()
        sent = client.ask(*[f"PASS {word}" for word in given], "NICK a", "USER a 0 * :A")
        assert ("001" in verbs(sent)) is welcome
        assert client.closed is not welcome
        client.vanish()


def test_other_verbs_before_registration_are_451(here: Here) -> None:
    """The answer is 451 for any parameters, and 421 for an unknown verb."""
    client = here.open()
    client.say("NICK alice")
    for said in ("PRIVMSG", "PRIVMSG #a :x", "JOIN", "AWAY :x", "WHO *", "KILL x"):
        assert client.ask(said) == [f":{SERVER} 451 * :You have not registered"]
    assert client.ask("NONSENSE a b") == [f":{SERVER} 421 * NONSENSE :Unknown command"]


def test_nick_with_another_case_is_a_change(here: Here) -> None:
    """All users read the change. NICK with the very same nick does nothing."""
    alice, bob = here.connect("alice"), here.connect("bob")
    alice.read()
    assert alice.ask("NICK alice") == []
    prefix = alice.prefix
    assert alice.ask("NICK ALICE") == [f":{prefix} NICK ALICE"]
    assert bob.read()[-1] == f":{prefix} NICK ALICE"
    assert params_of(alice.ask("NICK BOB"), "433") == ["ALICE", "BOB", "Nickname is already in use"]
    assert alice.ask("NICK", "NICK :") == [f":{SERVER} 431 ALICE :No nickname given"] * 2
