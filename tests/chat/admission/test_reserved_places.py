"""Which connections may take one of the last places of a full server."""

from __future__ import annotations

import pytest

from chatroom.chat.admission.reserved_places import Places
from chatroom.chat.stored.records import AccountEntry, Role
from chatroom.config.chatting import Limits

LIMITS = Limits(reserved_for_accounts=20, reserved_for_operators=5)
GUEST = None
UNA, MO, ADA = (AccountEntry(number, "x", role, False) for number, role in enumerate(Role))


@pytest.mark.parametrize(
    "taken, welcome",
    [
        (1, [GUEST, UNA, MO, ADA]),
        (75, [GUEST, UNA, MO, ADA]),
        (76, [UNA, MO, ADA]),
        (95, [UNA, MO, ADA]),
        (96, [MO, ADA]),
        (100, [MO, ADA]),
    ],
)
def test_the_last_places_are_for_fewer_and_fewer(taken: int, welcome: list[AccountEntry | None]) -> None:
    """Of a hundred: 75 for all, 20 more for accounts, 5 more for operators."""
    places = Places(taken, 100)
    assert [account for account in (GUEST, UNA, MO, ADA) if places.has_one_for(account, LIMITS)] == welcome


def test_guests_can_come_to_a_small_server() -> None:
    """At most half of the places are reserved, and of these accounts have their share."""
    assert Places(2, 4).has_one_for(GUEST, LIMITS)
    assert not Places(3, 4).has_one_for(GUEST, LIMITS)
    assert Places(1, 1).has_one_for(GUEST, LIMITS)
    assert Places(2, 2).has_one_for(UNA, LIMITS)
    assert [Places(taken, 20).has_one_for(UNA, LIMITS) for taken in (18, 19)] == [True, False]


def test_without_a_bound_or_limits_nothing_is_reserved() -> None:
    """An unlimited number of files, limits that are off, and no reservation."""
    assert Places(10_000, None).has_one_for(GUEST, LIMITS)
    assert Places(100, 100).has_one_for(GUEST, Limits(enabled=False))
    assert Places(100, 100).has_one_for(GUEST, Limits(reserved_for_accounts=0, reserved_for_operators=0))
