from __future__ import annotations

import pytest

from chatroom.chat.admission.account_directory import AccountDirectory
from chatroom.chat.stored.records import AccountEntry, Role

UNA = AccountEntry(1, "Una", Role.USER, False)


@pytest.fixture
def directory() -> AccountDirectory:
    """A directory with one account, Una."""
    return AccountDirectory([UNA])


@pytest.mark.parametrize("name", ["Una", "una", "UNA"])
def test_names_are_found_whatever_their_case(directory: AccountDirectory, name: str) -> None:
    """Only A to Z are compared without case; another letter makes another name."""
    assert directory.find(name) == UNA
    assert directory.find_by_id(1) == UNA
    assert directory.find("Ùna") is None
    assert directory.find_by_id(2) is None


def test_a_changed_account_replaces_what_was_known(directory: AccountDirectory) -> None:
    """An account keeps its id with a new role or name. Its old name is no longer found."""
    renamed = AccountEntry(1, "Ina", Role.ADMIN, True)
    directory.put(renamed)
    assert directory.find("ina") == renamed
    assert directory.find("una") is None
    assert len(directory) == 1


def test_a_deleted_account_is_forgotten(directory: AccountDirectory) -> None:
    """Its name is no longer found, and discarding it again changes nothing."""
    assert directory.discard(1) == UNA
    assert directory.discard(1) is None
    assert directory.find("una") is None
    assert len(directory) == 0
