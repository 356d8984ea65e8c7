"""``chatroomctl invite``: invites, with which others register accounts. A running daemon knows them at once."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from urllib.parse import urlsplit

import click

from chatroom.chat.admission.durations import parse_duration
from chatroom.chat.admission.invite_rules import make_invite, make_link, make_page_link
from chatroom.chat.stored.invite_records import MOST_USES, Invite
from chatroom.config.values import is_loopback
from chatroom.ctl.channel_reports import is_kept
from chatroom.ctl.database_choice import pass_changing_invocation
from chatroom.ctl.invocation import Invocation, pass_invocation, utc_option
from chatroom.ctl.listeners_in_use import settings_in_use
from chatroom.ctl.output import (
    confirm,
    json_option,
    moment,
    print_json,
    print_table,
    report_result,
    result_option,
    wants_json,
)
from chatroom.ctl.streams import has_all_characters, warn
from chatroom.ctl.subcommands import Subcommands
from chatroom.storage.opening import open_stores


@click.group(cls=Subcommands)
def invite() -> None:
    """Invite people to register accounts.

    An invite is a token in a link. With accounts.registration = "invite" nobody registers without one. The chat's
    moderators make invites too: /invite-link, or INVITELINK CREATE.

    \b
    Examples:
      chatroomctl invite create --channel "#tea"
      chatroomctl invite list
    """


@invite.command("create")
@click.option(
    "--uses",
    type=click.IntRange(1, MOST_USES),
    default=1,
    show_default=True,
    help="How many accounts can be registered with it. Example: --uses 5",
)
@click.option(
    "--for",
    "duration",
    metavar="DURATION",
    default="7d",
    show_default=True,
    help="How long it is open, a year at most. Example: --for 12h",
)
@click.option(
    "--channel",
    default="",
    metavar="CHANNEL",
    help='The channel that the link leads to, which lets in who registers. Example: --channel "#tea"',
)
@click.option("--qr", is_flag=True, help="Show a link as a QR code too, the page's if there is one. Example: --qr")
@result_option("database", "invite", "token", "link", "page")
@utc_option
@pass_changing_invocation
def create(invocation: Invocation, uses: int, duration: str, channel: str, qr: bool) -> None:
    """Make an invite, and show its link and its token, this once.

    Whoever has the link can use it, so send it as you would send a key. The link opens in our client. If the server has
    its page for browsers, there is a link to that, too. Other clients send the token: /msg NickServ REGISTER PASSWORD
    TOKEN

    \b
    Examples:
      chatroomctl invite create --uses 10 --for 2d
      chatroomctl invite create --channel "#tea" --qr
    """
    new = make_invite(uses, parse_duration(duration), channel)
    settings = settings_in_use(invocation)
    with open_stores(invocation.address) as stores:
        if channel and not is_kept(stores, invocation.settings, channel):
            warn(f"there is no stored channel {channel}: if nobody is in it, the first who joins it makes it")
        made, token = stores.invites.add(new, invocation.actor)
    link, page = make_link(settings, token, made.channel), make_page_link(settings, token, made.channel)
    count = "1 account" if made.uses == 1 else f"{made.uses} accounts"
    report_result(
        f"Made invite {made.id} for {count}, until {moment(made.until_at)}, in {invocation.address}",
        f"Link:  {link}",
        *([f"Page:  {page}"] if page else []),
        f"Token: {token}",
        database=invocation.address,
        invite=made,
        token=token,
        link=link,
        page=page,
    )
    if is_loopback(urlsplit(link).hostname or ""):
        warn("the link leads to this machine only: set server.public_address, or listen on a network")
    if page and is_loopback(urlsplit(page).hostname or ""):
        warn("the page's link leads to this machine only: set server.page_address, or listen on a network")
    if settings.accounts.registration == "closed":
        warn('accounts.registration is "closed": nobody can use the invite before that is changed')
    if qr and not wants_json():
        _show_qr(page or link)


@invite.command("list")
@click.option("--all", "show_all", is_flag=True, help="Show those that are used up or over too. Example: --all")
@json_option
@utc_option
@pass_invocation
def list_(invocation: Invocation, show_all: bool, as_json: bool) -> None:
    """List the open invites. Tokens are not stored, so nobody can see one again.

    \b
    Example:
      chatroomctl invite list --all
    """
    now = datetime.now(UTC)
    with open_stores(invocation.address) as stores:
        invites = [one for one in stores.invites.list_all() if show_all or not one.find_fault(now)]
    if as_json:
        print_json(invites)
        return
    headers = ["ID", "STATE", "USED", "CHANNEL", "UNTIL", "LAST USED", "BY", "SINCE"]
    print_table(headers, [_columns(one, now) for one in invites])


@invite.command("remove")
@click.argument("invite_id", metavar="ID", type=click.IntRange(1))
@result_option("database", "invite")
@pass_changing_invocation
def remove(invocation: Invocation, invite_id: int, yes: bool) -> None:
    """Remove the invite with the number ID, which "invite list" shows. Its link opens nothing from then on.

    Accounts that were registered with it stay.

    \b
    Example:
      chatroomctl invite remove 3
    """
    with open_stores(invocation.address) as stores:
        found = stores.invites.find(invite_id)
        if found is not None:
            confirm(f"Remove invite {found.id} (used {found.used} of {found.uses} times)?", yes)
        removed = stores.invites.remove(invite_id, invocation.actor)
    report_result(f"Removed invite {removed.id} from {invocation.address}", database=invocation.address, invite=removed)


def _show_qr(link: str) -> None:
    from chatroom.ctl.qr_code import draw  # here, because only --qr needs it

    if not has_all_characters(sys.stdout.encoding):
        warn(f"the QR code needs a terminal with UTF-8, and this one has {sys.stdout.encoding}")
        return
    context = click.get_current_context()
    coloured = context.color if context.color is not None else sys.stdout.isatty()
    for line in draw(link, coloured=coloured):
        click.echo(line)


def _columns(one: Invite, now: datetime) -> list[object]:
    state = one.find_fault(now)
    shown = "open" if not state else "used up" if one.used >= one.uses else "over"
    used = f"{one.used}/{one.uses}"
    return [one.id, shown, used, one.channel, one.until_at, one.used_at, one.by, one.created_at]
