from __future__ import annotations

import pytest
from scramp import ScramClient

from chatroom.chat.admission import scram
from chatroom.errors import InvalidValue


def run(verifier: scram.Verifier, password: str, name: str = "una") -> bytes | None:
    """The server's last message to a client with that password; None if the proof is refused."""
    client, server = ScramClient([scram.MECHANISM], name, password), scram.ScramExchange()
    first = server.begin(client.get_client_first().encode(), lambda _: verifier)
    assert first is not None
    client.set_server_first(first.decode())
    last = server.finish(client.get_client_final().encode())
    if last is not None:
        client.set_server_final(last.decode())  # raises if the server's proof is wrong
    return last


def stored(password: str) -> scram.Verifier:
    """The verifier of a password, after a round trip through its stored form."""
    credential = scram.make_verifier(password, 4096)
    assert credential is not None
    assert credential.kind == "scram-sha-256"
    verifier = scram.read_verifier(credential.value)
    assert verifier is not None
    return verifier


def test_the_right_password_is_proved_both_ways_another_is_not() -> None:
    """With the right password both sides accept the other's proof. With another one the server refuses."""
    verifier = stored("open sesame")
    assert run(verifier, "open sesame") is not None
    assert run(verifier, "open Sesame") is None


def test_a_password_counts_in_its_normal_form() -> None:
    """A password in other code points is the same password, as for bcrypt."""
    assert run(stored("cafe\u0301 au lait"), "café\u00a0au lait") is not None


def test_a_password_that_scram_cannot_have_has_no_verifier() -> None:
    """A password that SASLprep refuses has no SCRAM verifier. An invalid password is refused."""
    assert scram.make_verifier("pass😀word", 4096) is None
    with pytest.raises(InvalidValue):
        scram.make_verifier("", 4096)


@pytest.mark.parametrize("damaged", [None, "", "x", "SCRAM-SHA-256$4096:a$b:c", "SCRAM-SHA-256$0:YQ==$YQ==:YQ=="])
def test_a_missing_or_damaged_verifier_is_none_and_is_made_anew(damaged: str | None) -> None:
    """A text that is no verifier is read as None, and needs a new one."""
    assert scram.read_verifier(damaged) is None
    assert scram.needs_renewal(damaged, 4096)


def test_renewal_follows_the_configured_iterations() -> None:
    """A verifier of another number of iterations needs a new one; one of the same number does not."""
    credential = scram.make_verifier("open sesame", 4096)
    assert credential is not None
    assert not scram.needs_renewal(credential.value, 4096)
    assert scram.needs_renewal(credential.value, 5000)


def test_a_name_without_verifier_looks_like_any_other() -> None:
    """Its verifier has a salt of the usual length, the same at every try and in every case. No password matches it."""
    unknown = scram.unmatched_verifier("Nobody", b"secret", 4096)
    assert unknown == scram.unmatched_verifier("nobody", b"secret", 4096)
    assert unknown != scram.unmatched_verifier("nobody", b"other", 4096)
    assert [len(part) for part in unknown[:3]] == [len(part) for part in stored("open sesame")[:3]]
    assert run(unknown, "open sesame") is None


@pytest.mark.parametrize(
    "first", [b"", b"\xff", b"n,,", b"n,,n=una", b"p=tls-unique,,n=una,r=x", b"n,,n=,r=x", b"n,,n=a=,r=x"]
)
def test_what_is_no_first_message_is_refused(first: bytes) -> None:
    """A malformed first message is refused, and so is channel binding, which the server does not offer."""
    assert scram.ScramExchange().begin(first, lambda _: stored("open sesame")) is None


def test_a_look_up_that_fails_is_not_taken_for_a_malformed_message() -> None:
    """An exception of the look-up is raised by ``begin``."""

    def fail(name: str) -> scram.Verifier:
        raise LookupError(name)

    with pytest.raises(LookupError, match="una"):
        scram.ScramExchange().begin(b"n,,n=una,r=abc", fail)


def test_a_proof_before_the_opening_is_refused() -> None:
    """``finish`` before ``begin`` returns None."""
    assert scram.ScramExchange().finish(b"c=biws,r=x,p=YQ==") is None
