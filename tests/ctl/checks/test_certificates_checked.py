from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from harness.checked_setup import CheckedSetup
from harness.tls import Pair

from chatroom.ctl.checks import tls_files

NOW = datetime(2030, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


class Authority:
    """Signs certificates."""

    def __init__(self, name: str, issuer: Authority | None = None) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self.certificate = (issuer or self).sign(self.name, self.key)

    def sign(
        self,
        name: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        begin: datetime = NOW - DAY,
        end: datetime = NOW + 90 * DAY,
    ) -> x509.Certificate:
        """Return a certificate of that name, signed by this authority."""
        builder = x509.CertificateBuilder(self.name, name, key.public_key(), x509.random_serial_number(), begin, end)
        return builder.sign(self.key, hashes.SHA256())


ROOT = Authority("root")
MIDDLE = Authority("middle", ROOT)
LEAF = Authority("chat.example.org", MIDDLE)
KNOWN = frozenset({ROOT.name.public_bytes()})


def listen(setup: CheckedSetup, pair: Pair, *lines: str) -> None:
    """Configure a listener with TLS."""
    files = f'certificate = "{pair.certificate}"\nkey = "{pair.key}"'
    setup.configure(*lines, listen=f"port = 0\ntls = true\n{files}")
    pair.key.chmod(0o600)


def test_a_good_certificate(setup: CheckedSetup) -> None:
    """A self-signed one for the name of the server is no finding."""
    listen(setup, Pair(setup.home, "chat.example.org"), '[server]\nname = "chat.example.org"')
    assert setup.find() == {}


def test_a_certificate_for_another_name(setup: CheckedSetup) -> None:
    """It must be for the name of the server, if the configuration has one; a wildcard will do."""
    pair = Pair(setup.home, "chat.lan")
    listen(setup, pair)
    assert setup.find() == {}
    listen(setup, pair, '[server]\nname = "chat.example.org"')
    assert "no certificate is for chat.example.org (server.name), but for chat.lan" in setup.find()["certificates"][0]
    pair.write("*.example.org")
    listen(setup, pair, '[server]\nname = "chat.example.org"')
    assert setup.find() == {}


def test_the_key_of_another_certificate(setup: CheckedSetup) -> None:
    """The server could not start with it."""
    pair, other = Pair(setup.home, "chat.lan"), Pair(setup.home, "other.lan", label="other")
    pair.key.write_bytes(other.key.read_bytes())
    listen(setup, pair)
    assert "not the private key of" in setup.find()["certificates"][0]


def test_a_missing_certificate(setup: CheckedSetup) -> None:
    """The way out makes one."""
    pair = Pair(setup.home, "chat.lan")
    listen(setup, pair)
    pair.certificate.unlink()
    [found] = setup.find()["certificates"]
    assert "cannot be read" in found and "tls self-signed" in found


def test_a_key_that_all_can_read(setup: CheckedSetup) -> None:
    """A group may read it."""
    pair = Pair(setup.home, "chat.lan")
    listen(setup, pair)
    pair.key.chmod(0o644)
    assert f"chmod o= {pair.key}" in setup.find()["permissions"][0]
    pair.key.chmod(0o640)
    assert setup.find() == {}


def test_a_certificate_without_a_name(setup: CheckedSetup) -> None:
    """Clients look at its names only, and not at its subject."""
    pair = Pair(setup.home, "chat.lan")
    key = ec.generate_private_key(ec.SECP256R1())
    self_signed = Authority("chat.lan")
    self_signed.key = key
    now = datetime.now(UTC)
    made = self_signed.sign(self_signed.name, key, now - DAY, now + 90 * DAY)
    pair.certificate.write_bytes(made.public_bytes(Encoding.PEM))
    pair.key.write_bytes(_pem(key))
    listen(setup, pair)
    assert "it has no name" in setup.find()["certificates"][0]


@pytest.mark.parametrize(
    "at, words",
    [
        (NOW, None),
        (NOW - 2 * DAY, "begins at 2029-12-31"),
        (NOW + 80 * DAY, "ends at 2030-04-01"),
        (NOW + 91 * DAY, "ended at 2030-04-01"),
    ],
)
def test_dates(at: datetime, words: str | None) -> None:
    """A certificate that does not count yet, or not for long, or not any more; that of an authority in the file too."""
    found = [finding.problem for finding in tls_files.find_in_dates(Path("x.pem"), [LEAF.certificate], at)]
    assert [words] == [None, *found] or (len(found) == 1 and words is not None and words in found[0])
    both = list(tls_files.find_in_dates(Path("x.pem"), [LEAF.certificate, MIDDLE.certificate], at))
    assert len(both) == 2 * len(found)
    assert all("its certificate 2 (CN=middle)" in one.problem for one in both[1:])


@pytest.mark.parametrize(
    "chain, known, words",
    [
        ([LEAF, MIDDLE], KNOWN, ""),
        ([LEAF, MIDDLE, ROOT], frozenset(), ""),
        ([LEAF, MIDDLE], frozenset(), ""),
        ([LEAF], KNOWN, "the certificate of CN=middle, which signed CN=chat.example.org, is not in it"),
        ([LEAF, ROOT], KNOWN, "certificate 2 (CN=root) has not signed the one before (CN=chat.example.org)"),
        ([LEAF, Authority("middle", ROOT)], KNOWN, "certificate 2 (CN=middle) has not signed"),
        ([ROOT], KNOWN, ""),
    ],
)
def test_chains(chain: list[Authority], known: frozenset[bytes], words: str) -> None:
    """Each certificate is signed by the next, and the last by an authority that this machine knows."""
    certificates = [one.certificate for one in chain]
    found = list(tls_files.find_in_chain(Path("x.pem"), certificates, lambda: known))
    assert len(found) == bool(words)
    assert not words or words in found[0].problem


def test_the_authorities_of_this_machine() -> None:
    """Their names can be read, whatever old serial numbers they have."""
    assert all(isinstance(one, bytes) for one in tls_files.read_authorities())


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import NoEncryption, PrivateFormat

    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
