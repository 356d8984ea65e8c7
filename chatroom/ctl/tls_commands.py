"""``chatroomctl tls``: certificates for encrypted connections."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chatroom.ctl.invocation import Invocation, pass_invocation
from chatroom.ctl.output import (
    confirm,
    json_option,
    print_json,
    print_table,
    report_result,
    result_option,
    say,
    yes_option,
)
from chatroom.ctl.subcommands import Subcommands
from chatroom.errors import Refused
from chatroom.new_file import new_file

if TYPE_CHECKING:
    from cryptography import x509

_CERTIFICATE, _KEY = "certificate.pem", "key.pem"


@click.group(cls=Subcommands)
def tls() -> None:
    """Make and show the certificates of encrypted connections.

    \b
    Example:
      chatroomctl tls self-signed chat.lan
    """


@tls.command("self-signed")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Write the two files there; the working directory if not given. Example: --directory /etc/chatroom",
)
@click.option("--days", type=click.IntRange(1, 36_500), default=3650, help="The validity. Example: --days 365")
@yes_option
@result_option("certificate", "key", "fingerprint", "names", "expires")
@pass_invocation
def self_signed(invocation: Invocation, names: tuple[str, ...], directory: Path, days: int, yes: bool) -> None:
    """Make a self-signed certificate for the host names and addresses NAME.

    It writes certificate.pem and key.pem and prints the fingerprint, which clients must trust: no authority vouches for
    a self-signed certificate. Use it on a LAN, or until a certificate of a public authority is there.

    \b
    Examples:
      chatroomctl tls self-signed chat.lan 192.168.1.5
      chatroomctl tls self-signed chat.example.org --directory /etc/chatroom
    """
    # Here, because cryptography takes a while to import and no other command needs it.
    from cryptography import x509

    from chatroom.ctl.self_signed import make_self_signed

    files = directory / _CERTIFICATE, directory / _KEY
    for file in files:
        if file.exists():
            confirm(f"{file} exists. Replace it?", yes)
    try:
        texts = make_self_signed(names, datetime.now(UTC), days)
    except ValueError as error:
        raise Refused(str(error)) from None
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for file, text in zip(files, texts, strict=True):
        with new_file(file) as out:
            out.write(text)
    certificate = x509.load_pem_x509_certificate(texts[0].encode())
    fingerprint = _fingerprint(certificate)
    absolute = [file.absolute() for file in files]
    expires = certificate.not_valid_after_utc
    report_result(
        f"Made {absolute[0]} and {absolute[1]}, valid until {expires:%Y-%m-%d}",
        f"Fingerprint (SHA-256): {fingerprint}",
        "Add to the configuration and restart the daemon:",
        *("", "  [[listen]]", '  host = "0.0.0.0"', "  port = 6697", "  tls = true"),
        f'  certificate = "{absolute[0]}"',
        f'  key = "{absolute[1]}"',
        certificate=absolute[0],
        key=absolute[1],
        fingerprint=fingerprint,
        names=names,
        expires=expires,
    )


@tls.command("show")
@json_option
@pass_invocation
def show(invocation: Invocation, as_json: bool) -> None:
    """Show the certificates of the configured listeners: names, expiry and fingerprint.

    \b
    Example:
      chatroomctl tls show
    """
    from chatroom.server.certificates import read_certificate, read_names

    found = [
        (f"{listen.host} port {listen.port}", path, read_certificate(path))
        for listen in invocation.settings.listen
        for path in listen.certificate
    ]
    if as_json:
        print_json(
            [
                {
                    "listen": listen,
                    "certificate": path,
                    "names": read_names(path),
                    "expires": certificate.not_valid_after_utc,
                    "fingerprint": _fingerprint(certificate),
                }
                for listen, path, certificate in found
            ]
        )
        return
    if not found:
        say("No listener uses TLS (tls = true in the configuration)")
        return
    rows = [
        (listen, path, ", ".join(read_names(path)), f"{one.not_valid_after_utc:%Y-%m-%d}", _fingerprint(one))
        for listen, path, one in found
    ]
    print_table(("LISTEN", "CERTIFICATE", "NAMES", "EXPIRES", "FINGERPRINT (SHA-256)"), rows)


def _fingerprint(certificate: x509.Certificate) -> str:
    from cryptography.hazmat.primitives.hashes import SHA256

    return certificate.fingerprint(SHA256()).hex()
