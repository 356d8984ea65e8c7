"""``chatroomctl user``: accounts. The commands change the database, and a running daemon follows within a second."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from chatroom.chat.admission.ban_targets import parse_name
from chatroom.chat.admission.credentials import make_credentials
from chatroom.chat.admission.login_keys import account_key
from chatroom.chat.admission.password_strength import must_be_strong
from chatroom.chat.stored.records import Account, Role
from chatroom.ctl.account_checks import find_unsafe_password, require_allowed, require_another_admin, require_free
from chatroom.ctl.control_client import perform
from chatroom.ctl.database_choice import pass_changing_invocation
from chatroom.ctl.invocation import Invocation, pass_invocation, utc_option
from chatroom.ctl.new_password import password_option, read_password
from chatroom.ctl.offline import without_daemon
from chatroom.ctl.output import confirm, json_option, print_json, print_pairs, print_table, report_result, result_option
from chatroom.ctl.reset_token_command import reset_token
from chatroom.ctl.streams import warn
from chatroom.ctl.subcommands import Subcommands
from chatroom.ctl.user_cert_commands import cert
from chatroom.ctl.user_request_commands import approve, pending, reject
from chatroom.storage.opening import open_stores

_role_type = click.Choice([role.word for role in Role])

_force_option = click.option(
    "--force",
    is_flag=True,
    help="Allow this even for the only admin; then no account has all rights. Example: --force",
)


@click.group(cls=Subcommands)
def user() -> None:
    """Create, change and delete accounts.

    An account reserves its name: using it in the chat takes the account's password. The role says what it may do: a
    moderator can kick and ban, an admin can do everything.

    \b
    Examples:
      chatroomctl user create-admin alice
      chatroomctl user create bob --role moderator
    """


for _command in (cert, pending, approve, reject, reset_token):
    user.add_command(_command)


@user.command("create")
@click.argument("name")
@click.option(
    "--role",
    type=_role_type,
    default="user",
    show_default=True,
    help="What the account may do. Example: --role moderator",
)
@click.option(
    "--force",
    is_flag=True,
    help="Allow a name that accounts.reserved_names keeps for the server. Example: --force",
)
@password_option
@result_option("database", "account")
@utc_option
@pass_changing_invocation
def create(invocation: Invocation, name: str, role: str, force: bool, password_stdin: bool) -> None:
    """Create the account NAME. The database is created too if there is none yet.

    A guest with that name gets another one. A reserved name, such as Admin, takes --force; an admin can have one
    without.

    \b
    Examples:
      chatroomctl user create bob
      chatroomctl user create bot --password-stdin < password.txt
    """
    _create(invocation, name, Role.from_word(role), password_stdin, force=force)


@user.command("create-admin")
@click.argument("name")
@password_option
@result_option("database", "account")
@utc_option
@pass_changing_invocation
def create_admin(invocation: Invocation, name: str, password_stdin: bool) -> None:
    """Create the admin account NAME. The database is created too if there is none yet.

    \b
    Example:
      chatroomctl user create-admin alice
    """
    _create(invocation, name, Role.ADMIN, password_stdin)


@user.command("list")
@json_option
@utc_option
@pass_invocation
def list_(invocation: Invocation, as_json: bool) -> None:
    """List all accounts by name.

    \b
    Example:
      chatroomctl user list --json
    """
    with open_stores(invocation.address) as stores:
        accounts = stores.accounts.list_all()
    if as_json:
        print_json(accounts)
        return
    print_table(
        ["NAME", "ROLE", "STATE", "CREATED", "LAST LOGIN"],
        [[one.name, one.role, _state(one), one.created_at, one.last_login_at] for one in accounts],
    )


@user.command("show")
@click.argument("name")
@json_option
@utc_option
@pass_invocation
def show(invocation: Invocation, name: str, as_json: bool) -> None:
    """Show the account NAME.

    It lists the role, the state, the mail address, the last login, the number of logins that have failed lately ("help
    login-delay"), the number of certificates and any ban on the name.

    \b
    Example:
      chatroomctl user show alice
    """
    with open_stores(invocation.address) as stores:
        account = stores.accounts.get(name)
        email = stores.accounts.find_email(account.id)
        certificates = stores.client_certificates.list_of(account.id)
        ban = stores.bans.find_in_force("name", account.name, datetime.now(UTC))
        failed = stores.failed_logins.find(account_key(account.name))
    failed_at = datetime.fromtimestamp(failed.last_ms / 1000, UTC) if failed is not None else None
    failures = {"failures": failed.failures, "last_at": failed_at} if failed is not None else None
    if as_json:
        shown = {"account": account, "email": email, "certificates": certificates, "ban": ban}
        print_json({**shown, "failed_logins": failures})
        return
    print_pairs(
        [
            ("Name", account.name),
            ("Id", account.id),
            ("Role", account.role),
            ("State", _state(account)),
            ("Mail address", email),
            ("Created", account.created_at),
            ("Last login", account.last_login_at),
            ("Failed logins", failed.failures if failed is not None else 0),
            ("Last failed", failed_at),
            ("Certificates", len(certificates)),
            ("Always on", "yes" if account.always_on else "no"),
            ("Banned", "no" if ban is None else f"yes, by {ban.by} (ban {ban.id})"),
        ]
    )


@user.command("passwd")
@click.argument("name")
@password_option
@result_option("database", "account", "certificates")
@pass_changing_invocation
def passwd(invocation: Invocation, name: str, password_stdin: bool) -> None:
    """Give the account NAME a new password.

    \b
    Example:
      chatroomctl user passwd alice
    """
    settings = invocation.settings.accounts
    with open_stores(invocation.address) as stores:
        account = stores.accounts.get(name)  # refuses an unknown name before asking for a password
        password = read_password(password_stdin, settings.password_min_length, account.name, account.role)
        credentials = make_credentials(password.text, settings)
        stores.accounts.set_credentials(account.id, credentials, invocation.actor, is_weak=password.is_weak)
        certificates = stores.client_certificates.count(account.id)
    lines = [f"Changed the password of {account.name} in {invocation.address}"]
    if certificates:
        lines.append(f"Certificates that log in without it: {certificates} (user cert list {account.name})")
    report_result(*lines, database=invocation.address, account=account, certificates=certificates)


@user.command("set-role")
@click.argument("name")
@click.argument("role", type=_role_type)
@_force_option
@result_option("database", "account", "changed")
@pass_changing_invocation
def set_role(invocation: Invocation, name: str, role: str, force: bool) -> None:
    """Make the account NAME a user, a moderator or an admin.

    \b
    Example:
      chatroomctl user set-role bob moderator
    """
    wanted = Role.from_word(role)
    with open_stores(invocation.address) as stores:
        account = stores.accounts.get(name)
        if account.role is wanted:
            _report_account(invocation, f"{account.name} has the role {role} already", account, changed=False)
            return
        require_another_admin(stores, account, force)
        unsafe = find_unsafe_password(stores, account) if must_be_strong(wanted) else None
        changed = stores.accounts.set_role(account.id, wanted, invocation.actor)
    text = f"Changed the role of {account.name} from {account.role.word} to {role}"
    _report_account(invocation, text, changed, changed=True)
    if unsafe is not None:
        warn(f'{unsafe}; "chatroomctl user passwd {account.name}" sets a new one')


@user.command("set-always-on")
@click.argument("name")
@click.argument("state", type=click.Choice(["on", "off"]))
@result_option("database", "account", "changed")
@pass_changing_invocation
def set_always_on(invocation: Invocation, name: str, state: str) -> None:
    """Have the user of the account NAME stay in its channels while none of its devices is connected.

    It begins when the account's last device disconnects, and holds over restarts. A ban, or disabling the account, ends
    it. Users switch it themselves with: /msg NickServ SET ALWAYS-ON on

    \b
    Example:
      chatroomctl user set-always-on alice on
    """
    wanted, most = state == "on", invocation.settings.accounts.always_on_max
    with open_stores(invocation.address) as stores:
        account = stores.accounts.get(name)
        is_changed = account.always_on is not wanted
        if is_changed:
            account = stores.accounts.set_always_on(account.id, wanted, most, invocation.actor)
    text = f"Switched always-on {state}" if is_changed else f"Always-on is {state} already"
    _report_account(invocation, f"{text} for {account.name}", account, changed=is_changed)


@user.command("disable")
@click.argument("name")
@_force_option
@result_option("database", "account", "changed")
@pass_changing_invocation
def disable(invocation: Invocation, name: str, force: bool) -> None:
    """Keep the account NAME from logging in. Its name stays reserved.

    \b
    Example:
      chatroomctl user disable bob
    """
    _set_disabled(invocation, name, True, force=force)


@user.command("enable")
@click.argument("name")
@result_option("database", "account", "changed")
@pass_changing_invocation
def enable(invocation: Invocation, name: str) -> None:
    """Let the account NAME log in again.

    \b
    Example:
      chatroomctl user enable bob
    """
    _set_disabled(invocation, name, False, force=True)  # enabling never takes an admin away


@user.command("rename")
@click.argument("name")
@click.argument("new_name")
@click.option(
    "--force",
    is_flag=True,
    help="Allow a name that accounts.reserved_names keeps for the server. Example: --force",
)
@result_option("database", "account", "before")
@pass_changing_invocation
def rename(invocation: Invocation, name: str, new_name: str, force: bool) -> None:
    """Give the account NAME another name.

    Its password, history, channels and bans stay with it. A user that is connected gets the new nick at once, and a
    guest that has it gets another one.

    \b
    Example:
      chatroomctl user rename bob robert
    """
    checked = parse_name(new_name).name
    with open_stores(invocation.address) as stores:
        account = stores.accounts.get(name)
        require_allowed(invocation, checked, account.role, force)
        with without_daemon(invocation.address) as is_offline:
            if is_offline:
                stores.accounts.rename(account.id, checked, invocation.actor)
            else:
                perform(invocation, "RENAMEACCOUNT", account.name, checked)
        renamed = stores.accounts.get(checked)
    report_result(
        f"Renamed the account {account.name} to {renamed.name} in {invocation.address}",
        database=invocation.address,
        account=renamed,
        before=account.name,
    )


@user.command("delete")
@click.argument("name")
@_force_option
@result_option("database", "account")
@pass_changing_invocation
def delete(invocation: Invocation, name: str, force: bool, yes: bool) -> None:
    """Permanently delete the account NAME.

    Anyone can use the name then. To keep it reserved, use "user disable".

    \b
    Example:
      chatroomctl user delete bob --yes
    """
    with open_stores(invocation.address) as stores:
        account = stores.accounts.get(name)
        require_another_admin(stores, account, force)
        confirm(f"Permanently delete the account {account.name}? Anyone can use its name then.", yes)
        stores.accounts.delete(account.id, invocation.actor)
    report_result(
        f"Deleted the account {account.name} from {invocation.address}", database=invocation.address, account=account
    )


def create_admin_account(invocation: Invocation, name: str, password_stdin: bool) -> Account:
    """Create the admin account ``name``, whose password is asked for. Raises ``ChatroomError``."""
    return _create_account(invocation, name, Role.ADMIN, password_stdin, force=False)


def _create(invocation: Invocation, name: str, role: Role, password_stdin: bool, *, force: bool = False) -> None:
    account = _create_account(invocation, name, role, password_stdin, force=force)
    report_result(
        f"Created the account {account.name} ({role.word}) in {invocation.address}",
        database=invocation.address,
        account=account,
    )


def _create_account(invocation: Invocation, name: str, role: Role, password_stdin: bool, *, force: bool) -> Account:
    checked = parse_name(name).name
    settings = invocation.settings.accounts
    require_allowed(invocation, checked, role, force)
    require_free(invocation, checked)
    password = read_password(password_stdin, settings.password_min_length, checked, role)
    credentials = make_credentials(password.text, settings)
    with open_stores(invocation.address, create=True) as stores:
        return stores.accounts.create(checked, role, credentials, invocation.actor, is_weak=password.is_weak)


def _set_disabled(invocation: Invocation, name: str, disabled: bool, *, force: bool) -> None:
    word = "disabled" if disabled else "enabled"
    with open_stores(invocation.address) as stores:
        account = stores.accounts.get(name)
        if account.disabled is disabled:
            _report_account(invocation, f"The account {account.name} is {word} already", account, changed=False)
            return
        require_another_admin(stores, account, force)
        changed = stores.accounts.set_disabled(account.id, disabled, invocation.actor)
    _report_account(invocation, f"{word.capitalize()} the account {account.name}", changed, changed=True)


def _report_account(invocation: Invocation, text: str, account: Account, *, changed: bool) -> None:
    database = invocation.address
    report_result(f"{text} in {database}", database=database, account=account, changed=changed)


def _state(account: Account) -> str:
    return "disabled" if account.disabled else "enabled"
