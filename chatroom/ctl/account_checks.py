"""What ``chatroomctl user`` checks before it changes an account."""

from __future__ import annotations

from datetime import UTC, datetime

from chatroom.chat.admission.reserved_names import find_reserved, refusal_text
from chatroom.chat.stored.records import IMPORTED, WEAK, Account, Role
from chatroom.ctl.invocation import Invocation
from chatroom.errors import AlreadyExists, DatabaseMissing, NeedsForce
from chatroom.storage.opening import open_stores
from chatroom.storage.sql.sql_stores import SqlStores


def require_allowed(invocation: Invocation, name: str, role: Role, force: bool) -> None:
    """Raise ``NeedsForce`` if the name is reserved for the server, unless ``force``."""
    reserved = invocation.settings.accounts.reserved_names
    # The name may say what an admin is. On any other account it would mislead.
    if role is not Role.ADMIN and not force and find_reserved(reserved, name) is not None:
        raise NeedsForce(f"{refusal_text(reserved, name)}; use --force to take it all the same")


def require_free(invocation: Invocation, name: str) -> None:
    """Raise ``AlreadyExists`` if there is an account of that name.

    Call it before the password is asked for, so that a taken name is refused before the effort of inventing one.
    """
    try:
        with open_stores(invocation.address) as stores:
            taken = stores.accounts.find(name)
    except DatabaseMissing:
        return
    if taken is not None:
        raise AlreadyExists(f"the account {taken.name} exists already in {invocation.address}")


def require_another_admin(stores: SqlStores, account: Account, force: bool) -> None:
    """Raise ``NeedsForce`` if the account is the only admin that can log in, unless ``force``."""
    is_admin = account.role is Role.ADMIN and not account.disabled
    if is_admin and not force and all(admin.id == account.id for admin in find_able_admins(stores)):
        raise NeedsForce(f"no admin but {account.name} can log in; use --force to go on without one")


def find_able_admins(stores: SqlStores) -> list[Account]:
    """Return the admins who can log in: neither disabled nor banned by name."""
    now = datetime.now(UTC)
    return [
        account
        for account in stores.accounts.list_all()
        if account.role is Role.ADMIN
        and not account.disabled
        and stores.bans.find_in_force("name", account.name, now) is None
    ]


def find_unsafe_password(stores: SqlStores, account: Account) -> str | None:
    """Return why the password of an account may be too weak for an admin or a moderator, or None.

    Only its hash is stored, so the audit tells: how the password was set, and that it was found to be weak.
    """
    name = account.name
    names = [name, *stores.accounts.list_former_names(account.id)]
    entries = [entry for one in names for entry in stores.audit.list_entries(target=one)]
    # An earlier account of one of the names has entries from before this one was created.
    setting = sorted(
        (one for one in entries if one.action in ("user.create", "user.passwd") and one.at >= account.created_at),
        key=lambda entry: entry.id,
    )
    if setting and setting[-1].detail.endswith(WEAK):
        return f"the password of {name} is weak"
    if setting and setting[-1].detail.endswith(IMPORTED):
        return f"the password of {name} was imported as a hash, so it may be weak"
    if not setting or setting[-1].origin != "cli":
        return f"the password of {name} was set from the chat, where only its length is checked"
    return None
