from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chatroom.chat.stored.records import AccountData, Ban, Role

NOW = datetime(2030, 5, 1, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("role", Role)
def test_a_role_comes_back_from_its_word(role: Role) -> None:
    """A role is stored as its word, in lower case."""
    assert Role.from_word(role.word) is role
    assert role.word == role.word.lower()


def test_an_unknown_word_is_no_role() -> None:
    """A word that is no role raises KeyError."""
    with pytest.raises(KeyError):
        Role.from_word("owner")


def test_a_higher_role_includes_the_lower_ones() -> None:
    """Rules compare roles: admin is above moderator, and moderator above user."""
    assert Role.ADMIN > Role.MODERATOR > Role.USER


def test_a_role_in_a_sentence_has_its_article() -> None:
    """Only ``admin`` begins with a vowel that takes ``an``."""
    assert [role.with_article for role in Role] == ["a user", "a moderator", "an admin"]


@pytest.mark.parametrize(
    "until_at, lifted_at, in_force",
    [
        (None, None, True),
        (NOW + SECOND, None, True),
        (NOW, None, False),
        (NOW - SECOND, None, False),
        (None, NOW - SECOND, False),
        (NOW + SECOND, NOW - SECOND, False),
    ],
    ids=["permanent", "not yet expired", "expires now", "expired", "lifted", "lifted before it expired"],
)
def test_a_ban_is_in_force_until_it_is_lifted_or_expires(
    until_at: datetime | None, lifted_at: datetime | None, in_force: bool
) -> None:
    """A ban is in force if it was not lifted, and up to but not at the time it expires."""
    lifted_by = None if lifted_at is None else "ada"
    ban = Ban(1, "name", "mallory", "", "ada", NOW - 2 * SECOND, until_at, lifted_at, lifted_by)
    assert ban.in_force(NOW) is in_force


def test_new_account_data_is_empty_and_shared_with_none() -> None:
    """Two accounts never share their data by accident."""
    one, other = AccountData(), AccountData()
    one.markers["#a"] = 1
    one.metadata["url"] = "x"
    assert (other.markers, other.metadata) == ({}, {})
