"""CERT: the certificates by which clients log in to the user's account without a password (SASL EXTERNAL).

NickServ has the same, as on other networks. A certificate is known by its fingerprint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.account_notices import tell_account
from chatroom.chat.stored.records import AccountEntry, Actor, ClientCertificate
from chatroom.commands.command_table import command
from chatroom.commands.context import Context
from chatroom.commands.pending import Pending
from chatroom.errors import InvalidValue
from chatroom.irc.fingerprints import parse_fingerprint

if TYPE_CHECKING:
    from chatroom.chat.stored.stores import Stores


@command("CERT", "<subcommand> [<fingerprint>]")
def cert(context: Context, params: list[str]) -> Pending | None:
    """Adds, removes and lists the certificates that log in to your account by SASL EXTERNAL:

    CERT ADD [<fingerprint>]: the certificate of this connection, or another one
    CERT DEL <fingerprint>
    CERT LIST
    A fingerprint is the SHA-256 of a certificate, in hexadecimal digits.
    """
    subcommand = params[0].upper()
    if subcommand == "ADD":
        return add_certificate(context, params[1:])
    if subcommand == "DEL":
        return remove_certificate(context, params[1:])
    if subcommand == "LIST":
        return list_certificates(context, params[1:])
    raise InvalidValue(f"there is no subcommand CERT {params[0][:20]}; use ADD, DEL or LIST")


def add_certificate(context: Context, words: list[str]) -> Pending | None:
    """Add the certificate of the session, or the one whose fingerprint the words are, to the user's account."""
    account, own = _find_account(context), context.session.certificate
    if account is None:
        return None
    fingerprint = parse_fingerprint(" ".join(words)) if words else own
    if not fingerprint:
        raise InvalidValue("your connection shows no certificate: connect by TLS with one, or name a fingerprint")
    actor = Actor(account.name, context.session.address_text)

    def job(stores: Stores) -> object:
        # The shell, or a token, may have replaced the password, and the world not know it yet.
        return stores.client_certificates.add(
            account.id, fingerprint, actor, shown=fingerprint == own, known_changes=account.password_changes
        )

    def then(context: Context, _: object) -> None:
        context.world.log_line(f"{account.name} added the certificate {fingerprint} from {actor.origin}")
        _tell_others(
            context,
            account,
            f"The certificate {fingerprint} was added to your account, from {actor.origin}: it logs in without the "
            f"password. If that was not you, remove it: /msg NickServ CERT DEL {fingerprint}, and change the password",
        )
        text = f"{fingerprint} logs in to {account.name} now, by SASL EXTERNAL"
        context.note("ADDED", fingerprint, text=text)

    return Pending("store", job, then, _delay_ms(context, account))


def remove_certificate(context: Context, words: list[str]) -> Pending | None:
    """Remove a certificate from the user's account. Sessions that logged in by it stay."""
    account = _find_account(context)
    if account is None:
        return None
    fingerprint = parse_fingerprint(" ".join(words))
    actor = Actor(account.name, context.session.address_text)

    def job(stores: Stores) -> None:
        stores.client_certificates.remove(account.id, fingerprint, actor)

    def then(context: Context, _: None) -> None:
        context.world.log_line(f"{account.name} removed the certificate {fingerprint} from {actor.origin}")
        _tell_others(
            context,
            account,
            f"The certificate {fingerprint} was removed from your account, from {actor.origin}. If that was not you, "
            "change the password: /msg NickServ SET PASSWORD",
        )
        context.note("REMOVED", fingerprint, text=f"{fingerprint} no longer logs in to {account.name}")

    return Pending("store", job, then, _delay_ms(context, account))


def list_certificates(context: Context, _: list[str]) -> Pending | None:
    """List the certificates of the user's account."""
    account = _find_account(context)
    if account is None:
        return None

    def show(context: Context, certificates: list[ClientCertificate]) -> None:
        own = context.session.certificate
        for one in certificates:
            shown = f"shown at {one.shown_at:%Y-%m-%d %H:%M:%S} UTC" if one.shown_at is not None else "never shown yet"
            mine = " (this connection)" if one.fingerprint == own else ""
            text = f"{one.fingerprint}{mine}: added at {one.added_at:%Y-%m-%d %H:%M:%S} UTC, {shown}"
            context.note("ENTRY", one.fingerprint, text=text)
        more = ""
        if own and own not in [one.fingerprint for one in certificates]:
            more = f"; CERT ADD adds that of this connection, {own}"
        count = len(certificates)
        context.note("END", "*", text=f"{count} certificate{'' if count == 1 else 's'}{more}")

    return Pending("store", lambda stores: stores.client_certificates.list_of(account.id), show, reads=True)


def _tell_others(context: Context, account: AccountEntry, text: str) -> None:
    """Tell the account's other sessions: who has stolen one of them must not add a key of their own unseen."""
    tell_account(context.world, account.id, text, context.session)


def _delay_ms(context: Context, account: AccountEntry) -> int:
    """Return how long a change waits. The first few do not; a loop of changes must not fill the audit and the log."""
    world = context.world
    if not world.settings.limits.enabled:
        return 0
    return world.throttle.slow(f"certificates {account.id}", world.mono_ms)


def _find_account(context: Context) -> AccountEntry | None:
    """Return the user's account; None, after a refusal, for a guest."""
    account = context.user.account
    if account is None:
        context.fail("ACCOUNT_REQUIRED", text="Certificates belong to accounts: log in first")
    return account
