from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.chat.admission.account_directory import AccountDirectory
from chatroom.chat.admission.lookalikes import skeletons
from chatroom.chat.stored.records import AccountEntry, Role
from chatroom.irc.names import casefold


def alike(one: str, other: str) -> bool:
    """Whether two names may be taken for each other."""
    return bool(skeletons(one) & skeletons(other))


@pytest.mark.parametrize(
    "one, other",
    [
        ("evan", "еvan"),  # Cyrillic e
        ("alice", "аlісе"),  # three Cyrillic letters
        ("BOB", "ВОВ"),  # Cyrillic throughout
        ("bob", "ВОВ"),
        ("modern", "modem"),
        ("Iris", "lris"),
        ("bob", "b0b"),
        ("paypal", "pаypaⅼ"),
        ("alice", "𝐚lice"),
        ("alice", "ａlice"),
        ("zoë", "zoё"),  # Cyrillic io
        ("ol", "о١"),  # a one written in Arabic
    ],
)
def test_names_that_look_alike(one: str, other: str) -> None:
    """Other scripts, other widths, letters for digits and two letters for one, in either direction."""
    assert one != other
    assert alike(one, other)
    assert alike(other, one)


@pytest.mark.parametrize(
    "one, other",
    [("strasse", "straße"), ("zoe", "zoë"), ("ian", "lan"), ("una", "una2"), ("anna", "ana"), ("a-b", "a_b")],
)
def test_names_that_do_not(one: str, other: str) -> None:
    """A letter more, an accent, another letter: these can be told apart."""
    assert not alike(one, other)


@given(st.text(max_size=12))
def test_a_name_looks_like_itself_in_any_case(name: str) -> None:
    """Whatever it is made of, also where its letters stand for others."""
    assert alike(name, name)
    assert alike(name, casefold(name))


def test_the_directory_knows_who_looks_like_whom() -> None:
    """Another account is found by its look, an account's own name is not; renamed and deleted ones are forgotten."""
    directory = AccountDirectory(
        [AccountEntry(1, "evan", Role.USER, False), AccountEntry(2, "modern", Role.USER, False)]
    )
    assert directory.find_look_alike("еvan") == AccountEntry(1, "evan", Role.USER, False)
    assert directory.find_look_alike("EVAN") is None
    assert directory.find_look_alike("modem") == directory.find("modern")
    directory.put(AccountEntry(1, "evan", Role.ADMIN, False))
    assert directory.find_look_alike("еvan") == AccountEntry(1, "evan", Role.ADMIN, False)
    directory.put(AccountEntry(1, "ivan", Role.ADMIN, False))
    assert directory.find_look_alike("еvan") is None
    directory.discard(2)
    assert directory.find_look_alike("modem") is None
    assert (directory.find("evan"), directory.find("modern"), len(directory)) == (None, None, 1)


def test_two_accounts_that_look_alike_each_keep_their_own() -> None:
    """The shell may make them; discarding one leaves the other."""
    directory = AccountDirectory(
        [AccountEntry(1, "modern", Role.USER, False), AccountEntry(2, "modem", Role.USER, False)]
    )
    assert directory.find_look_alike("modem") == directory.find_by_id(1)
    directory.discard(1)
    assert directory.find_look_alike("modem") is None
    assert directory.find_look_alike("modern") == directory.find_by_id(2)
