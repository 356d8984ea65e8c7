from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.chat.admission.account_directory import AccountDirectory
from chatroom.chat.admission.lookalikes import OF_ASCII, find_prototypes, skeletons
from chatroom.chat.stored.records import AccountEntry, Role
from chatroom.irc.names import casefold


def alike(one: str, other: str) -> bool:
    """True if two names have a skeleton in common."""
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
        ("alice", "ａｌｉｃｅ"),
        ("kate", "ｋａｔｅ"),
        ("kate", "ᴋᴀᴛᴇ"),  # small capitals
    ],
)
def test_names_that_look_alike(one: str, other: str) -> None:
    """Letters of other scripts or widths, digits for letters, and two letters for one look alike both ways."""
    assert one != other
    assert alike(one, other)
    assert alike(other, one)


@pytest.mark.parametrize(
    "one, other",
    [("strasse", "straße"), ("zoe", "zoë"), ("ian", "lan"), ("una", "una2"), ("anna", "ana"), ("a-b", "a_b")],
)
def test_names_that_do_not_look_alike(one: str, other: str) -> None:
    """Names that differ by a letter or an accent do not look alike."""
    assert not alike(one, other)


@given(st.text(max_size=12))
def test_a_name_looks_like_itself_in_any_case(name: str) -> None:
    """Any text looks like itself and like its lower case."""
    assert alike(name, name)
    assert alike(name, casefold(name))


def test_the_directory_finds_accounts_that_look_like_a_name() -> None:
    """A look-alike finds the account; its own name does not. Renamed and deleted accounts are no longer found."""
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


@pytest.mark.parametrize("name", ["ALlCE", "ΑLΙCΕ", "АLІСЕ", "ＡＬＩＣＥ", "ᴀʟɪᴄᴇ"])
def test_a_name_in_capitals_looks_like_the_account(name: str) -> None:
    """People read ALICE for alice. So what looks like ALICE is refused, and a name that differs by a letter is not."""
    directory = AccountDirectory([AccountEntry(1, "alice", Role.USER, False), AccountEntry(2, "ian", Role.USER, False)])
    assert directory.find_look_alike(name) == directory.find_by_id(1)
    assert directory.find_look_alike("lan") is None
    assert directory.find_look_alike("IAN") is None
    directory.discard(1)
    assert directory.find_look_alike(name) is None


def test_two_accounts_that_look_alike_are_kept_apart() -> None:
    """The shell can create two accounts that look alike. Discarding one leaves the other."""
    directory = AccountDirectory(
        [AccountEntry(1, "modern", Role.USER, False), AccountEntry(2, "modem", Role.USER, False)]
    )
    assert directory.find_look_alike("modem") == directory.find_by_id(1)
    directory.discard(1)
    assert directory.find_look_alike("modem") is None
    assert directory.find_look_alike("modern") == directory.find_by_id(2)


def test_the_table_of_ascii_is_that_of_the_data() -> None:
    """It stands in the code, so that names in ASCII need no data."""
    assert {code: like for code, like in find_prototypes().items() if code < 128} == OF_ASCII
