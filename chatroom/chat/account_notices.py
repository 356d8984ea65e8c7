"""What all sessions of an account read when something is done to it that its owner should know of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.admission.flood import limit_key

if TYPE_CHECKING:
    from chatroom.chat.people.session import Session
    from chatroom.chat.stored.records import AuditEntry
    from chatroom.chat.world import World


def tell_account(world: World, account_id: int, text: str, skip: Session | None = None) -> None:
    """Send a NOTICE to all sessions of an account but ``skip``, which has done it."""
    for user in world.online.users_of(account_id):
        world.tell_notice(user, text, skip)


def tell_of_certificate_login(world: World, account_id: int, session: Session) -> None:
    """Tell the sessions of an account that a session has logged in by its certificate.

    As with any new device, they read nothing if it comes from where one of them is: clients reconnect all the time.
    """
    key = limit_key(session.version, session.address)
    others = [other for user in world.online.users_of(account_id) for other in user.sessions if other is not session]
    if any(limit_key(other.version, other.address) == key for other in others):
        return
    fingerprint = session.certificate
    tell_account(
        world,
        account_id,
        f"One more device has logged in to your account by the certificate {fingerprint}, from {session.address_text}. "
        f"If it is not yours, remove the certificate: /msg NickServ CERT DEL {fingerprint}",
        session,
    )


def tell_of_shell_change(world: World, row: AuditEntry) -> None:
    """Tell the sessions of an account what the shell has done to it, of which its audit row says."""
    if row.action == "user.set-always-on":
        world.log_line(f"{row.actor} switched always-on {row.detail} for {row.target} in the shell")
        text = f"{always_on_text(row.detail == 'on')}: set by {row.actor}, on the server"
    else:
        text = _certificate_text(world, row)
    account = world.accounts.find(row.target)
    if account is not None:
        tell_account(world, account.id, text)


def always_on_text(always_on: bool) -> str:
    """What a user reads whose account was switched to be always on, or not any more."""
    if always_on:
        return "You stay in your channels while no device of yours is connected"
    return "You leave when your last device disconnects"


def _certificate_text(world: World, row: AuditEntry) -> str:
    fingerprint = row.detail.partition(" ")[0]
    is_added = row.action == "user.cert-add"
    change = "added the certificate" if is_added else "removed the certificate"
    world.log_line(f"{row.actor} {change} {fingerprint} {'to' if is_added else 'from'} {row.target} in the shell")
    if is_added:
        return (
            f"The certificate {fingerprint} was added to your account by {row.actor}, on the server: it logs in "
            f"without the password. If you do not want it, remove it: /msg NickServ CERT DEL {fingerprint}"
        )
    return f"The certificate {fingerprint} was removed from your account by {row.actor}, on the server"
