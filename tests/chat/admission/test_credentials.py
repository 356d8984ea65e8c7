from __future__ import annotations

import pytest

from chatroom.chat.admission import passwords, scram
from chatroom.chat.admission.credentials import make_credentials
from chatroom.config.chatting import Accounts
from chatroom.errors import InvalidValue

SETTINGS = Accounts(bcrypt_cost=4, scram_iterations=4096)


def test_each_verifier_is_of_the_same_password() -> None:
    """A password gets one verifier for PLAIN and one for SCRAM, at the cost of the settings."""
    bcrypt, second = make_credentials("open sesame", SETTINGS)
    assert bcrypt.kind == "bcrypt"
    assert passwords.verify("open sesame", bcrypt.value, cost=31)
    assert not passwords.needs_rehash(bcrypt.value, 4)
    assert second.kind == scram.KIND
    assert not scram.needs_renewal(second.value, 4096)


@pytest.mark.parametrize(
    "settings, password",
    [(Accounts(bcrypt_cost=4, scram=False), "open sesame"), (SETTINGS, "pass😀word")],
    ids=["SCRAM is off", "SCRAM cannot use the password"],
)
def test_without_scram_there_is_bcrypt_alone(settings: Accounts, password: str) -> None:
    """A password has no SCRAM verifier if the settings or SASLprep say so. It is valid for PLAIN all the same."""
    (only,) = make_credentials(password, settings)
    assert passwords.verify(password, only.value, cost=4)


@pytest.mark.parametrize("password", ["", "a\0b", "x" * (passwords.PASSWORD_BYTES + 1)])
def test_an_invalid_password_has_no_verifiers(password: str) -> None:
    """An empty password, a control character and a password that is too long are refused."""
    with pytest.raises(InvalidValue):
        make_credentials(password, SETTINGS)
