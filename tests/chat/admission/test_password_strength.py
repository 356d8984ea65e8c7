"""Which passwords are too weak for an admin or a moderator."""

from __future__ import annotations

import pytest

from chatroom.chat.admission.password_strength import find_weakness, must_be_strong
from chatroom.chat.stored.records import Role


@pytest.mark.parametrize(
    "password, weakness",
    [
        ("a", "has fewer than 8 characters"),
        ("xk4T%p1", "has fewer than 8 characters"),
        ("éééé", "has fewer than 8 characters"),
        ("password", "is one of the most common passwords"),
        ("PassWord123", "is one of the most common passwords"),
        ("12345678", "is one of the most common passwords"),
        ("qwertyuiop", "is one of the most common passwords"),
        ("ALEXANDRINA", "is the name of the account"),
        ("aaaaaaaaaaaaaaaa", "is one character repeated"),
        ("xk4T%p1q", None),
        ("correct horse", None),
        ("日本語の合言葉です", None),
    ],
)
def test_weakness(password: str, weakness: str | None) -> None:
    """Characters are counted, not bytes, and the case of letters does not matter."""
    assert find_weakness(password, "alexandrina") == weakness


def test_for_whom() -> None:
    """Admins and moderators must have a strong password."""
    assert [role for role in Role if must_be_strong(role)] == [Role.MODERATOR, Role.ADMIN]
