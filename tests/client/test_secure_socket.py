"""A link with TLS, against a scripted server with TLS."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.link_reports import LinkReports
from harness.scripted_server import CAP_S, ScriptedServer
from harness.tls import Pair, server_context

from chatroom.client.address import Address
from chatroom.client.link import Closed, Link, Opened
from chatroom.client.secure_socket import check_files
from chatroom.client.trust import SYSTEM_TRUST, Trust

Connect = Callable[..., Link]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """A self-signed certificate of localhost and its addresses."""
    return Pair(tmp_path_factory.mktemp("tls"), "localhost", "127.0.0.1")


@pytest.fixture
def secure_server(pair: Pair) -> Iterator[ScriptedServer]:
    """A server with that certificate."""
    scripted = ScriptedServer(context=server_context(pair))
    yield scripted
    scripted.close()


@pytest.fixture
def items() -> LinkReports:
    """What the link reports."""
    return LinkReports()


@pytest.fixture
def connect(items: LinkReports) -> Iterator[Connect]:
    """Open links with TLS, and close them at the end."""
    links = []

    def make(server: ScriptedServer, trust: Trust = SYSTEM_TRUST, host: str = "127.0.0.1") -> Link:
        # However slow the machine is, the link asks nothing: what the peer leaves unread would reset the connection.
        address = Address(host, server.port, tls=True)
        links.append(Link(address, items.put, trust=trust, farewell_s=CAP_S, idle_s=CAP_S))
        links[-1].open()
        return links[-1]

    yield make
    for link in links:
        link.abandon()
        link.join(CAP_S)


def closed(items: LinkReports) -> Closed:
    """The link's report that it could not be opened."""
    item = items.next()
    assert isinstance(item, Closed)
    assert not item.was_open
    return item


def accept_refusals(server: ScriptedServer, count: int) -> None:
    """Take connections whose handshake the client ends, and those that it makes to look at the certificate."""
    for _ in range(count):
        server.accept_distrust()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_certificate_of_a_known_authority(
    secure_server: ScriptedServer, pair: Pair, connect: Connect, items: LinkReports, host: str
) -> None:
    """Lines go both ways, names and addresses are verified, and ALPN names the protocol."""
    link = connect(secure_server, Trust(authorities=str(pair.certificate)), host)
    peer = secure_server.accept()
    assert items.next() == Opened(exposed=False)
    assert peer.protocol == "irc"
    link.send("NICK bob")
    assert peer.expect("NICK").params == ["bob"]
    peer.send(":srv 001 bob :Hi")
    assert items.messages(1)[0].verb == "001"


def test_much_at_once_goes_both_ways(
    secure_server: ScriptedServer, pair: Pair, connect: Connect, items: LinkReports
) -> None:
    """More than a record and more than a socket takes: nothing is lost or out of order, and the end is told."""
    link = connect(secure_server, Trust(fingerprint=pair.fingerprint))
    peer = secure_server.accept()
    assert items.next() == Opened()
    text = "x" * 300
    for number in range(20_000):
        link.send(f"PRIVMSG #a :{number} {text}")
    link.close()
    assert [message.params[1] for message in peer.gather("PRIVMSG", 20_000)] == [f"{n} {text}" for n in range(20_000)]
    peer.send(*(f":b PRIVMSG #a :{number} {text}" for number in range(1000)))
    peer.close()
    heard, end = items.to_the_end()
    assert [message.params[1].partition(" ")[0] for message in heard] == [str(number) for number in range(1000)]
    assert end == Closed("the server closed the connection", was_open=True)


@pytest.mark.parametrize(
    "names, host, reason",
    [
        (("localhost",), "localhost", "its certificate is self-signed"),
        (("other.example",), "localhost", "its certificate is for another name"),
        (("localhost",), "127.0.0.1", "its certificate is for another address"),
    ],
)
def test_a_certificate_that_nobody_vouches_for(
    tmp_path: Path, connect: Connect, items: LinkReports, names: tuple[str, ...], host: str, reason: str
) -> None:
    """The link reports why, with the fingerprint, and has sent nothing."""
    pair = Pair(tmp_path, *names)
    server = ScriptedServer(context=server_context(pair))
    connect(server, SYSTEM_TRUST if "self" in reason else Trust(authorities=str(pair.certificate)), host)
    accept_refusals(server, 2)
    untrusted = closed(items).untrusted
    assert untrusted is not None
    assert (untrusted.reason, untrusted.fingerprint) == (reason, pair.fingerprint)
    server.close()


def test_another_certificate_than_the_one_to_trust(
    secure_server: ScriptedServer, pair: Pair, connect: Connect, items: LinkReports
) -> None:
    """It is reported with its fingerprint; nothing is sent."""
    connect(secure_server, Trust(fingerprint="ab" * 32))
    accept_refusals(secure_server, 1)
    untrusted = closed(items).untrusted
    assert untrusted is not None
    assert untrusted.fingerprint == pair.fingerprint


def test_a_server_without_tls(server: ScriptedServer, connect: Connect, items: LinkReports) -> None:
    """Its first words are no handshake."""
    connect(server)
    server.accept().send(":srv NOTICE * :Hello there, this is IRC")
    assert closed(items) == Closed("the server does not speak TLS on this port", was_open=False)


def test_a_server_that_hangs_up_in_the_handshake(server: ScriptedServer, connect: Connect, items: LinkReports) -> None:
    """That is no fault of the certificate."""
    connect(server)
    peer = server.accept()
    peer.receive_bytes()
    peer.close()
    assert closed(items) == Closed("the server hung up during the TLS handshake", was_open=False)


def test_a_server_that_says_nothing_in_the_handshake(server: ScriptedServer, items: LinkReports) -> None:
    """The handshake has a time limit."""
    Link(Address("127.0.0.1", server.port, tls=True), items.put, connect_s=0.05).open()
    server.accept()
    assert closed(items) == Closed("the server did not answer in time", was_open=False)


def test_an_old_server(pair: Pair, connect: Connect, items: LinkReports) -> None:
    """TLS 1.1 has known weaknesses."""
    context = server_context(pair)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    server = ScriptedServer(context=context)
    connect(server)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        server.accept()
    assert "no longer safe" in closed(items).reason
    server.close()


def test_the_client_shows_its_certificate(tmp_path: Path, pair: Pair, connect: Connect, items: LinkReports) -> None:
    """From one file or two."""
    own = Pair(tmp_path, "bob", label="bob")
    both = tmp_path / "both.pem"
    both.write_text(own.certificate.read_text() + own.key.read_text())
    server = ScriptedServer(context=server_context(pair, authority=own))
    for files in ((str(own.certificate), str(own.key)), (str(both), "")):
        connect(server, Trust(pair.fingerprint, "", *files))
        assert server.accept().certificate == own.der
        assert items.next() == Opened()
    server.close()


def test_a_server_that_wants_a_certificate(tmp_path: Path, pair: Pair, connect: Connect, items: LinkReports) -> None:
    """The server's refusal comes after the handshake; the reason says what to do."""
    server = ScriptedServer(context=server_context(pair, authority=Pair(tmp_path, "bob")))
    connect(server, Trust(fingerprint=pair.fingerprint))
    with pytest.raises(ssl.SSLError):
        server.accept()
    while not isinstance(item := items.next(), Closed):
        pass
    assert item.reason == "the server wants a certificate: name one with --certificate"
    server.close()


def test_a_link_with_tls_can_be_abandoned(
    secure_server: ScriptedServer, pair: Pair, connect: Connect, items: LinkReports
) -> None:
    """It hangs up at once, without what is queued."""
    link = connect(secure_server, Trust(fingerprint=pair.fingerprint))
    peer = secure_server.accept()
    assert items.next() == Opened()
    link.abandon()
    assert items.next() == Closed("closed", was_open=True)
    assert peer.closed_by_client()


def test_a_plain_connection_within_this_machine_is_not_exposed(items: LinkReports) -> None:
    """By the address that the name stands for; another address of this machine counts as the network."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        link = Link(Address("localhost", listener.getsockname()[1]), items.put)
        link.open()
        assert items.next() == Opened(exposed=False)
        link.abandon()
        link.join(CAP_S)


@pytest.mark.parametrize("fault", ["missing", "nonsense", "mismatch", "no key", "password"])
def test_files_that_cannot_be_used(tmp_path: Path, pair: Pair, fault: str) -> None:
    """One line names the file, and the terminal is not asked for the password of a key."""
    own, other = Pair(tmp_path, "bob", label="bob"), Pair(tmp_path, "eve", label="eve")
    certificate, key = own.certificate, str(own.key)
    if fault == "missing":
        certificate.unlink()
    elif fault == "nonsense":
        certificate.write_text("nonsense")
    elif fault == "mismatch":
        key = str(other.key)
    elif fault == "no key":
        key = ""
    else:
        own.lock("secret")
    with pytest.raises(OSError, match=r"^[^\n]+$") as refusal:
        check_files(Trust("", "", str(certificate), key))
    assert (key if fault == "password" else str(certificate)) in str(refusal.value)
    if fault == "password":
        assert "the key has a password" in str(refusal.value)
    else:
        with pytest.raises(OSError, match=r".+"):
            check_files(Trust("", str(tmp_path / "nowhere"), "", ""))


def test_a_file_without_a_certificate_is_no_authority(tmp_path: Path) -> None:
    """The same for --ca."""
    (tmp_path / "ca").write_text("nonsense")
    with pytest.raises(OSError, match="no certificate in PEM"):
        check_files(Trust(authorities=str(tmp_path / "ca")))
