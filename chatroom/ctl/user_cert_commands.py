"""``chatroomctl user cert``: the certificates by which clients log in to an account without its password."""

from __future__ import annotations

from pathlib import Path

import click

from chatroom.chat.stored.records import Account
from chatroom.ctl.database_choice import pass_changing_invocation
from chatroom.ctl.invocation import Invocation, pass_invocation, utc_option
from chatroom.ctl.output import json_option, print_json, print_table, report_result, result_option
from chatroom.ctl.subcommands import Subcommands
from chatroom.errors import AlreadyExists
from chatroom.irc.fingerprints import parse_fingerprint
from chatroom.storage.opening import open_stores
from chatroom.storage.sql.sql_stores import SqlStores


@click.group(cls=Subcommands)
def cert() -> None:
    """Add, remove and list the certificates that log in to an account.

    A client that shows one of them in its TLS connection logs in by SASL EXTERNAL, without the password. A certificate
    is known by its fingerprint: SHA-256, with or without colons.

    \b
    Example:
      chatroomctl user cert list alice
    """


@cert.command("add")
@click.argument("name")
@click.argument("fingerprint", required=False)
@click.option(
    "--file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="PEM",
    help="Take the fingerprint of the certificate in this file. Example: --file alice.crt",
)
@result_option("database", "account", "certificate")
@pass_changing_invocation
def add(invocation: Invocation, name: str, fingerprint: str | None, file: Path | None) -> None:
    """Let clients with a certificate log in to the account NAME.

    The certificate is given by its FINGERPRINT or by --file. A running daemon accepts it at once, and
    tells the account's clients.

    \b
    Examples:
      chatroomctl user cert add alice --file alice.crt
      chatroomctl user cert add alice "$(openssl x509 -noout -fingerprint -sha256 -in alice.crt)"
    """
    wanted = _read_fingerprint(fingerprint, file)
    with open_stores(invocation.address) as stores:
        account = stores.accounts.get(name)
        _require_no_other_account(stores, account, wanted)
        added = stores.client_certificates.add(account.id, wanted, invocation.actor)
    text = f"Added the certificate {wanted} to {account.name} in {invocation.address}"
    report_result(text, database=invocation.address, account=account.name, certificate=added)


@cert.command("remove")
@click.argument("name")
@click.argument("fingerprint")
@result_option("database", "account", "fingerprint")
@pass_changing_invocation
def remove(invocation: Invocation, name: str, fingerprint: str) -> None:
    """Take the certificate with that FINGERPRINT from the account NAME.

    A running daemon refuses it at once, and tells the account's clients. Those that have logged in by it stay
    connected.

    \b
    Example:
      chatroomctl user cert remove alice 0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0
    """
    wanted = parse_fingerprint(fingerprint)
    with open_stores(invocation.address) as stores:
        account = stores.accounts.get(name)
        stores.client_certificates.remove(account.id, wanted, invocation.actor)
    text = f"Removed the certificate {wanted} from {account.name} in {invocation.address}"
    report_result(text, database=invocation.address, account=account.name, fingerprint=wanted)


@cert.command("list")
@click.argument("name")
@json_option
@utc_option
@pass_invocation
def list_(invocation: Invocation, name: str, as_json: bool) -> None:
    """List the certificates of the account NAME, the oldest first.

    "Shown" is when a client last logged in by it.

    \b
    Example:
      chatroomctl user cert list alice --json
    """
    with open_stores(invocation.address) as stores:
        certificates = stores.client_certificates.list_of(stores.accounts.get(name).id)
    if as_json:
        print_json(certificates)
        return
    print_table(
        ["FINGERPRINT", "ADDED", "SHOWN"],
        [[one.fingerprint, one.added_at, one.shown_at] for one in certificates],
    )


def _read_fingerprint(fingerprint: str | None, file: Path | None) -> str:
    if (fingerprint is None) == (file is None):
        raise click.UsageError("Give either FINGERPRINT or --file.")
    if fingerprint is not None:
        return parse_fingerprint(fingerprint)
    assert file is not None
    # Here, because cryptography takes a while to import.
    from cryptography.hazmat.primitives.hashes import SHA256

    from chatroom.server.certificates import read_certificate

    return read_certificate(file).fingerprint(SHA256()).hex()


def _require_no_other_account(stores: SqlStores, account: Account, fingerprint: str) -> None:
    """Raise ``AlreadyExists`` with the account's name, which the store keeps from users."""
    found = stores.client_certificates.find(fingerprint)
    other = stores.accounts.find_by_id(found.account_id) if found is not None else None
    if other is not None and other.id != account.id:
        raise AlreadyExists(f"the account {other.name} has this certificate: remove it there first")
