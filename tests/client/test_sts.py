"""Strict Transport Security, without sockets."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from harness.client_stage import NOON, Stage
from hypothesis import given
from hypothesis import strategies as st

from chatroom.client.address import Address
from chatroom.client.chat_events import Info, Trouble
from chatroom.client.known_servers import KnownServers
from chatroom.client.link import Closed, Opened
from chatroom.client.sts import LONGEST_S, Offer, Policy, parse_offer

TLS = Address("host", 6697, tls=True)


@pytest.mark.parametrize(
    "value, offer",
    [
        ("port=6697", Offer(6697, None)),
        ("duration=60,port=7000,preload", Offer(7000, 60)),
        ("duration=0", Offer(None, 0)),
        ("", Offer(None, None)),
        ("port,duration", Offer(None, None)),
        ("port=0,duration=-1", Offer(None, None)),
        ("port=65536,duration=1.5", Offer(None, None)),
        ("port=+1,duration=٣", Offer(None, None)),
        ("duration=99999999999", Offer(None, LONGEST_S)),
        (f"port={'9' * 9000}", Offer(None, None)),
    ],
)
def test_what_a_server_offers(value: str, offer: Offer) -> None:
    """Unknown keys and values that make no sense are ignored."""
    assert parse_offer(value) == offer


@given(st.text())
def test_no_value_is_an_error(value: str) -> None:
    """Whatever the server sends, the client goes on."""
    parse_offer(value)


@pytest.mark.parametrize("lines", [[":srv CAP * LS :sts=port=6697 sasl"], [":srv CAP * LS * :sts=port=6697"]])
def test_a_plain_connection_moves_at_once(lines: list[str]) -> None:
    """At the first line with the offer the client hangs up without another word, and connects to the port with TLS."""
    stage = Stage(account="alice", password="secret", server_password="open sesame")
    stage.session.handle(Opened())
    stage.hear(*lines, ":srv CAP * LS :batch", ":srv 001 alice :Welcome")
    assert stage.link.abandoned
    assert stage.link.sent == ["CAP LS 302"]
    shown = stage.lose()
    assert shown == [Info("The server asks for encryption: connecting to host:6697 with TLS.")]
    assert (len(stage.links), stage.link.opened_after) == (2, 0.0)
    assert stage.route.address == TLS
    stage.session.handle(Opened())
    assert stage.link.sent[0] == "PASS :open sesame"


def test_the_move_holds_for_the_chat() -> None:
    """A reconnect uses TLS, and if that fails there is no way back."""
    stage = Stage()
    stage.session.handle(Opened())
    stage.hear(":srv CAP * LS :sts=port=6697")
    stage.lose()
    stage.welcome("#lobby")
    stage.lose()
    stage.session.handle(Closed("no server is listening there", was_open=False))
    assert stage.route.address == TLS


def test_an_offer_may_come_later() -> None:
    """A plain connection moves at CAP NEW as well, and the client comes back to its channels."""
    stage = Stage()
    stage.welcome("#lobby", "#tea")
    stage.hear(":srv CAP alice NEW :sts=port=6697 batch")
    assert stage.link.abandoned
    assert not any("REQ :batch" in line for line in stage.link.sent)
    stage.lose()
    assert stage.route.address == TLS
    stage.welcome("#lobby")
    assert "JOIN #tea" in stage.link.sent


def test_nobody_requests_it() -> None:
    """Clients must not request the capability."""
    stage = Stage(address=TLS)
    stage.welcome("#lobby", caps="sts=duration=60")
    stage.hear(":srv CAP alice NEW :sts=duration=70")
    assert not any("REQ" in line and "sts" in line for line in stage.link.sent)


def test_a_policy_is_remembered_and_counts_from_the_end_of_the_connection(tmp_path: Path) -> None:
    """A plain request for that host goes to the port that the policy came from, until it expires."""
    known = KnownServers(tmp_path / "known")
    stage = Stage(address=TLS, known=known)
    stage.welcome("#lobby", caps="sts=duration=3600,port=1")
    assert known.find_policy("HOST.", NOON) == Policy(6697, NOON + timedelta(hours=1))
    stage.now = 1800
    stage.session.quit()
    stage.lose()
    assert known.find_policy("host", NOON) == Policy(6697, NOON + timedelta(hours=1.5))
    assert Stage(known=known).route.address == TLS
    assert Stage(known=known, address=Address("other", 6667)).route.address == Address("other", 6667)
    assert known.find_policy("host", NOON + timedelta(hours=1.5)) is None


def test_a_plain_connection_sets_no_policy(tmp_path: Path) -> None:
    """Somebody in between could have written it."""
    known = KnownServers(tmp_path / "known")
    stage = Stage(known=known)
    stage.welcome("#lobby", caps="sts=duration=3600")
    stage.lose()
    assert known.find_policy("host", NOON) is None


def test_a_duration_of_0_forgets(tmp_path: Path) -> None:
    """The operator has ended the policy."""
    known = KnownServers(tmp_path / "known")
    stage = Stage(address=TLS, known=known)
    stage.welcome("#lobby", caps="sts=duration=3600")
    stage.hear(":srv CAP alice NEW :sts=duration=0")
    stage.lose()
    assert known.find_policy("host", NOON) is None


def test_a_policy_that_cannot_be_written_is_told_once() -> None:
    """The chat goes on."""
    stage = Stage(address=TLS)
    stage.session.handle(Opened())
    (trouble,) = stage.hear(":srv CAP * LS :sts=duration=3600")
    assert isinstance(trouble, Trouble)
    assert "no home directory" in trouble.text
    assert stage.link.sent[-1] == "CAP END"
    stage.enter("#lobby")
    assert len(stage.lose()) == 1  # that the connection is lost
