"""Which certificates are trusted, without sockets."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from harness.client_stage import NOON, Stage

from chatroom.client.address import Address
from chatroom.client.endings import Over
from chatroom.client.known_servers import KnownServers
from chatroom.client.link import Closed
from chatroom.client.login_steps import Ask
from chatroom.client.sts import Policy
from chatroom.client.trust import Trust, Untrusted, parse_fingerprint

TLS = Address("chat.lan", 6697, tls=True)
FOUND = "ab" * 32
OTHER = "cd" * 32
SELF_SIGNED = Closed("x", was_open=False, untrusted=Untrusted("its certificate is self-signed", FOUND))


@pytest.fixture
def known(tmp_path: Path) -> KnownServers:
    """A file of known servers, which is not there yet."""
    return KnownServers(tmp_path / "state" / "known")


def refused(stage: Stage) -> str:
    """Why the chat is over."""
    assert stage.session.question is None
    assert stage.session.over is not None
    assert stage.session.over.code == 1
    assert not stage.session.over.unreachable
    return stage.session.over.text


@pytest.mark.parametrize(
    "text",
    [FOUND, FOUND.upper(), ":".join(["AB"] * 32), f"SHA256:{FOUND}", f" sha-256:{FOUND}\n", " ".join(["ab"] * 32)],
)
def test_spellings_of_a_fingerprint(text: str) -> None:
    """As openssl, browsers and chatroomctl write it."""
    assert parse_fingerprint(text) == FOUND


@pytest.mark.parametrize("text", ["", "ab", FOUND + "ab", "xy" * 32, "sha1:" + "ab" * 20])
def test_no_fingerprints(text: str) -> None:
    """Half a fingerprint, or one of another kind, is refused."""
    with pytest.raises(ValueError, match=r".*"):
        parse_fingerprint(text)


def test_an_unknown_certificate_is_a_question(known: KnownServers) -> None:
    """After a yes it is remembered, and the only one that the next connections trust, in this run and the next."""
    stage = Stage(address=TLS, known=known)
    stage.session.handle(SELF_SIGNED)
    question = stage.session.question
    assert isinstance(question, Ask)
    assert (question.kind, question.name) == ("certificate", FOUND)
    assert "its certificate is self-signed" in question.why
    assert FOUND in question.why
    assert stage.session.login_open
    assert stage.session.answer("yes") == []
    assert stage.route.trust.fingerprint == FOUND
    assert len(stage.links) == 2
    assert Stage(address=TLS, known=known).route.trust.fingerprint == FOUND
    assert Stage(address=TLS._replace(port=7000), known=known).route.trust.fingerprint == ""


def test_no_is_the_end(known: KnownServers) -> None:
    """Nothing was sent, and nothing is remembered."""
    stage = Stage(address=TLS, known=known)
    stage.session.handle(SELF_SIGNED)
    stage.session.answer("n")
    assert stage.session.over == Over(1, "chat.lan:6697 is not trusted, so nothing was sent to it.")
    assert known.find_certificate(TLS) is None


def test_what_cannot_be_remembered_holds_for_the_chat() -> None:
    """Without a home directory the user is told, and the chat goes on."""
    stage = Stage(address=TLS)
    stage.session.handle(SELF_SIGNED)
    (trouble,) = stage.session.answer("yes")
    assert "no home directory" in str(trouble)
    assert stage.route.trust.fingerprint == FOUND


def test_a_changed_certificate_is_refused(known: KnownServers) -> None:
    """Loudly, with the file and the way to forget the old one. It is no question."""
    known.add_certificate(TLS, OTHER)
    stage = Stage(address=TLS, known=known)
    stage.session.handle(SELF_SIGNED)
    text = refused(stage)
    assert "HAS CHANGED" in text
    assert str(known.path) in text
    assert "chatroom --forget chat.lan" in text
    assert FOUND in text
    assert known.forget("CHAT.LAN")
    assert not known.forget("chat.lan")
    assert Stage(address=TLS, known=known).route.trust.fingerprint == ""


def test_a_certificate_that_changes_during_the_chat_is_refused(known: KnownServers) -> None:
    """A reconnect uses the same rules."""
    known.add_certificate(TLS, OTHER)
    stage = Stage(address=TLS, known=known)
    stage.welcome("#lobby")
    stage.lose()
    stage.session.handle(SELF_SIGNED)
    assert "HAS CHANGED" in refused(stage)


@pytest.mark.parametrize("trust", [Trust(fingerprint=OTHER), Trust(authorities="ca.pem")])
def test_the_command_line_leaves_nothing_to_ask(known: KnownServers, trust: Trust) -> None:
    """What it names is used instead of what is remembered, and anything else is refused."""
    known.add_certificate(TLS, FOUND)
    stage = Stage(address=TLS, known=known, trust=trust)
    assert stage.route.trust == trust
    stage.session.handle(SELF_SIGNED)
    assert "HAS CHANGED" not in refused(stage)


def test_a_demand_for_tls_leaves_nothing_to_ask(known: KnownServers) -> None:
    """If a policy or the server's plain side demands TLS, an attacker may have a hand in it: the user is not asked."""
    known.set_policy("chat.lan", Policy(6697, NOON + timedelta(hours=1)))
    for address in (TLS, Address("chat.lan", 6667)):
        stage = Stage(address=address, known=known)
        stage.session.handle(SELF_SIGNED)
        text = refused(stage)
        assert FOUND in text
        assert "--fingerprint" in text
        assert "--ca" in text


def test_an_accepted_certificate_satisfies_a_policy(known: KnownServers) -> None:
    """A server on a LAN may have both: a certificate of its own, and a policy."""
    known.add_certificate(TLS, FOUND)
    known.set_policy("chat.lan", Policy(6697, NOON + timedelta(hours=1)))
    stage = Stage(address=Address("chat.lan", 6667), known=known)
    assert (stage.route.address, stage.route.trust.fingerprint) == (TLS, FOUND)


def test_a_certificate_that_could_not_be_read_is_no_question(known: KnownServers) -> None:
    """Without a fingerprint there is nothing to compare and to remember."""
    stage = Stage(address=TLS, known=known)
    stage.session.handle(Closed("x", was_open=False, untrusted=Untrusted("its certificate has expired", "")))
    assert refused(stage) == "chat.lan:6697 is not trusted: its certificate has expired."
