from __future__ import annotations

import pytest

from chatroom.chat.admission.sasl_exchange import PLAIN, SaslExchange, mechanisms
from chatroom.config import Settings
from chatroom.config.chatting import Accounts


@pytest.mark.parametrize("scram, offered", [(True, ["PLAIN", "SCRAM-SHA-256"]), (False, ["PLAIN"])])
def test_the_settings_decide_on_scram(scram: bool, offered: list[str]) -> None:
    """PLAIN is always offered, SCRAM only if ``accounts.scram`` is on."""
    assert mechanisms(Settings(accounts=Accounts(scram=scram)), certified=False) == offered


def test_external_is_for_sessions_with_a_certificate() -> None:
    """The others could not use it, and clients try what is offered."""
    assert mechanisms(Settings(), certified=True) == ["PLAIN", "SCRAM-SHA-256", "EXTERNAL"]


def test_a_new_exchange_has_proved_nothing() -> None:
    """A new exchange has neither a SCRAM message nor an account."""
    exchange = SaslExchange("SCRAM-SHA-256")
    assert exchange.mechanism == "SCRAM-SHA-256"
    assert exchange.scram is None
    assert exchange.proven is None


def test_each_exchange_gathers_its_own_response() -> None:
    """A response in pieces belongs to one exchange: pieces of another exchange are not part of it."""
    one, other = SaslExchange(PLAIN), SaslExchange(PLAIN)
    assert one.buffer.feed("A" * 400) is None
    assert other.buffer.feed("YQ==") == b"a"
    assert one.buffer.feed("+") == b"\0" * 300
