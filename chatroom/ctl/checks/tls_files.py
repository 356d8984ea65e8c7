"""The certificates of the listeners: whether they can be used, until when, for which names, and with their chain.

Imported only if a listener has TLS: what reads certificates takes 100 ms to load.
"""

from __future__ import annotations

import itertools
import ssl
import warnings
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.utils import CryptographyDeprecationWarning

from chatroom.ctl.checks.scene import Scene
from chatroom.ctl.output import moment
from chatroom.errors import CertificateUnusable
from chatroom.findings import Finding
from chatroom.plain_file import read_plain
from chatroom.server.certificates import Certificates, covers, read_names

_SOON = timedelta(days=14)
"""A certificate that ends in less than this should have been renewed; the alert for Prometheus has the same bound."""
_RENEW = "renew it; docs/certificates.md tells how to have that done by itself"


def find(scene: Scene) -> Iterator[Finding]:
    """Yield what is wrong with the certificates."""
    names: list[str] = []
    for listen in scene.settings.listen:
        if not listen.tls:
            continue
        try:
            Certificates(listen)
        except CertificateUnusable as error:
            yield Finding(
                f"{listen.host} port {listen.port}: {error}",
                'name the right files in [[listen]], or make new ones ("chatroomctl tls self-signed")',
            )
            continue
        for path in listen.certificate:
            chain = read_chain(path)
            found = read_names(path)
            names += found
            yield from find_in_dates(path, chain, datetime.now(UTC))
            yield from find_in_chain(path, chain, read_authorities)
            if not found:
                yield Finding(
                    f"{path}: it has no name, so clients refuse it", "have one made for the names of the server"
                )
    name = scene.settings.server.name.lower()
    # The default is no name that anybody could connect to.
    if names and "server.name" in scene.settings.key_sources and not any(covers(one, name) for one in names):
        yield Finding(
            f"no certificate is for {name} (server.name), but for {', '.join(names)}: clients that connect to {name}"
            " refuse it",
            f"add {name} to the certificate",
        )


def read_chain(path: Path) -> list[x509.Certificate]:
    """Return all certificates of a PEM file: the server's own, then those that vouch for it.

    Raises ``CertificateUnusable``.
    """
    try:
        return x509.load_pem_x509_certificates(read_plain(path))
    except OSError as error:
        raise CertificateUnusable(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise CertificateUnusable(f"{path}: not certificates in PEM: {error}") from None


def find_in_dates(path: Path, chain: Sequence[x509.Certificate], now: datetime) -> Iterator[Finding]:
    """Yield each certificate that does not count at this moment, or not for long."""
    for number, one in enumerate(chain):
        shown = str(path) if number == 0 else f"{path}: its certificate {number + 1} ({_name(one)})"
        if one.not_valid_after_utc < now:
            yield Finding(f"{shown} ended at {moment(one.not_valid_after_utc)}: clients refuse it", _RENEW)
        elif one.not_valid_before_utc > now:
            yield Finding(
                f"{shown} begins at {moment(one.not_valid_before_utc)}: clients refuse it until then",
                "check the clock of this machine",
            )
        elif one.not_valid_after_utc - now < _SOON:
            yield Finding(f"{shown} ends at {moment(one.not_valid_after_utc)}", _RENEW)


def find_in_chain(
    path: Path, chain: Sequence[x509.Certificate], authorities: Callable[[], frozenset[bytes]]
) -> Iterator[Finding]:
    """Yield a finding if clients cannot follow the certificates of a file to an authority.

    ``authorities`` returns the names of those that this machine trusts, or nothing if they are not known. It is asked
    only for a chain that does not end in itself. A self-signed certificate is no finding: its user has decided for it.
    """
    for number, (one, issuer) in enumerate(itertools.pairwise(chain), 1):
        try:
            one.verify_directly_issued_by(issuer)
        except (InvalidSignature, ValueError, TypeError):
            yield Finding(
                f"{path}: its certificate {number + 1} ({_name(issuer)}) has not signed the one before ({_name(one)}):"
                " clients refuse it",
                "use the full chain of the certificate, in its order, such as certbot's fullchain.pem",
            )
            return
    last = chain[-1]
    if last.issuer == last.subject:
        return
    known = authorities()
    if known and last.issuer.public_bytes() not in known:
        yield Finding(
            f"{path}: the certificate of {last.issuer.rfc4514_string()}, which signed {_name(last)}, is not in it, and"
            " it is no authority that this machine knows: clients refuse it",
            "use the full chain of the certificate, such as certbot's fullchain.pem",
        )


def read_authorities() -> frozenset[bytes]:
    """Return the names of the authorities that this machine trusts, as DER."""
    authorities = ssl.create_default_context().get_ca_certs(binary_form=True)
    with warnings.catch_warnings():  # of serial numbers that old authorities have
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        return frozenset(x509.load_der_x509_certificate(one).subject.public_bytes() for one in authorities)


def _name(certificate: x509.Certificate) -> str:
    return certificate.subject.rfc4514_string() or "without a name"
