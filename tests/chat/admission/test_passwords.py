"""Passwords: which are the same, which are refused, and that every try costs one bcrypt check."""

from __future__ import annotations

import bcrypt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatroom.chat.admission.passwords import PASSWORD_BYTES, hash_password, needs_rehash, normalise, verify
from chatroom.errors import InvalidValue

COST = 4
STORED = hash_password("correct horse", COST).value


def test_right_and_wrong() -> None:
    """The right password is accepted; any other is not."""
    assert verify("correct horse", STORED, COST)
    for wrong in ("Correct horse", "correct horse ", "correct", "", "correct\0horse", "\udc80", STORED):
        assert not verify(wrong, STORED, COST)


def test_stored_form() -> None:
    """A verifier is salted bcrypt of the given cost: two verifiers of one password differ."""
    credential = hash_password("correct horse", COST)
    assert credential.kind == "bcrypt"
    assert credential.value.startswith("$2b$04$")
    assert credential.value != STORED


def test_long_passphrases_count_whole() -> None:
    """Passphrases that differ only after bcrypt's 72 bytes are different passwords."""
    long = "x" * (PASSWORD_BYTES - 1)
    stored = hash_password(long + "a", COST).value
    assert verify(long + "a", stored, COST)
    assert not verify(long + "b", stored, COST)


def test_same_password_on_another_keyboard() -> None:
    """Composed and decomposed letters are the same, and so are all kinds of space. Letters of another case are not."""
    stored = hash_password("caf\u00e9 \u00e0 deux", COST).value
    assert verify("cafe\u0301\u00a0a\u0300\u3000deux", stored, COST)
    assert not verify("CAF\u00c9 \u00e0 deux", stored, COST)


@pytest.mark.parametrize(
    "password, words",
    [
        ("", "empty"),
        ("x" * (PASSWORD_BYTES + 1), "longer than"),
        ("é" * (PASSWORD_BYTES // 2 + 1), "longer than"),
        ("a\tb", "character"),
        ("a\0b", "character"),
        ("a\u200bb", "character"),
        ("a\udc80", "character"),
    ],
)
def test_refusals(password: str, words: str) -> None:
    """A text that cannot be a password is refused; the message does not repeat it."""
    with pytest.raises(InvalidValue, match=words) as refusal:
        hash_password(password, COST)
    assert not password or password not in str(refusal.value)


@given(st.text(max_size=20))
def test_normal_form_is_final(password: str) -> None:
    """Every text is refused or has a normal form, which is its own normal form."""
    try:
        normal = normalise(password)
    except InvalidValue:
        return
    assert normalise(normal) == normal


@given(st.text(st.characters(), max_size=20), st.none() | st.text(max_size=70) | st.just(STORED))
@settings(max_examples=50)
def test_verify_never_raises(password: str, stored: str | None) -> None:
    """Any password against any stored text gives False, never an exception."""
    assert verify(password, stored, COST) is False


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The cost of each bcrypt check that ran to its end."""
    made: list[int] = []
    real = bcrypt.checkpw

    def counted(password: bytes, hashed: bytes) -> bool:
        answer = real(password, hashed)
        made.append(int(hashed[4:6]))
        return answer

    monkeypatch.setattr(bcrypt, "checkpw", counted)
    monkeypatch.setattr(bcrypt, "hashpw", None)
    return made


VERIFIERS = {
    "known": STORED,
    "unknown": None,
    "empty": "",
    "plain": "plain text",
    "not ASCII": "é" * 60,
    "cut": STORED[:-1],
}
TRIES = {
    "right": "correct horse",
    "wrong": "wrong",
    "empty": "",
    "NUL": "a\0b",
    "surrogate": "\udc80",
    "long": "x" * (PASSWORD_BYTES + 1),
}


@pytest.mark.parametrize("stored", VERIFIERS.values(), ids=VERIFIERS)
@pytest.mark.parametrize("password", TRIES.values(), ids=TRIES)
def test_one_check_for_every_try(checks: list[int], password: str, stored: str | None) -> None:
    """Every try makes one bcrypt check at the configured cost: for any account, known or not, and any password."""
    assert verify(password, stored, COST) is (stored == STORED and password == "correct horse")
    assert checks == [COST]


def test_what_cannot_be_a_password_opens_nothing() -> None:
    """An empty or impossible password does not match even a verifier of the empty text."""
    nothing = bcrypt.hashpw(b"", bcrypt.gensalt(COST)).decode()
    assert not any(verify(password, nothing, COST) for password in TRIES.values())


def test_unknown_account_is_never_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """If bcrypt matched the dummy verifier, an unknown account would still not be logged in."""
    monkeypatch.setattr(bcrypt, "checkpw", lambda password, hashed: True)
    assert verify("correct horse", STORED, COST)
    assert not verify("correct horse", None, COST)
    assert not verify("correct horse", "plain text", COST)


def test_damaged_verifier_is_a_no() -> None:
    """A well-formed verifier that bcrypt refuses matches no password."""
    for damaged in (STORED.replace("$04$", "$03$"), STORED.replace("$04$", "$99$")):
        assert not verify("correct horse", damaged, COST)


def test_needs_rehash() -> None:
    """A verifier of another cost, and a text that is no verifier, need a new hash."""
    assert not needs_rehash(STORED, COST)
    assert needs_rehash(STORED, COST + 1)
    assert needs_rehash("plain text", COST)
    assert verify("correct horse", STORED, COST + 1)
