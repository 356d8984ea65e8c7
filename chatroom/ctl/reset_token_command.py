"""``chatroomctl user reset-token``: a token with which the owner of an account sets a new password, once."""

from __future__ import annotations

import click

from chatroom.chat.admission.durations import parse_duration
from chatroom.chat.admission.invite_rules import make_reset_link
from chatroom.ctl.database_choice import pass_changing_invocation
from chatroom.ctl.invocation import Invocation, utc_option
from chatroom.ctl.listeners_in_use import settings_in_use
from chatroom.ctl.output import moment, report_result, result_option
from chatroom.errors import InvalidValue, Refused
from chatroom.storage.opening import open_stores

_LONGEST_S = 30 * 86_400


@click.command("reset-token")
@click.argument("name")
@click.option(
    "--for",
    "duration",
    metavar="DURATION",
    default="1d",
    show_default=True,
    help="How long it can be used, 30 days at most. Example: --for 2h",
)
@result_option("database", "account", "token", "link", "until")
@utc_option
@pass_changing_invocation
def reset_token(invocation: Invocation, name: str, duration: str) -> None:
    """Make a token with which the owner of the account NAME sets a new password, once.

    It is shown this once, and an earlier one for NAME is void. The present password stays valid until then. Send it as
    you would send a key: whoever has it takes the account over. The link opens in our client; others say, as a guest:
    /msg NickServ RESETPASS NAME TOKEN PASSWORD

    \b
    Example:
      chatroomctl user reset-token bob --for 2h
    """
    duration_s = parse_duration(duration)
    if duration_s > _LONGEST_S:
        raise InvalidValue("a token for a new password can be used for 30 days at most")
    with open_stores(invocation.address) as stores:
        account = stores.accounts.get(name)
        if account.disabled:
            raise Refused(f'{account.name} is disabled; "chatroomctl user enable {account.name}" comes first')
        token, until_at = stores.reset_tokens.add(account.id, duration_s, invocation.actor)
    link = make_reset_link(settings_in_use(invocation), token, account.name)
    report_result(
        f"Made a token for a new password of {account.name}, until {moment(until_at)}, in {invocation.address}",
        f"Link:  {link}",
        f"Token: {token}",
        database=invocation.address,
        account=account,
        token=token,
        link=link,
        until=until_at,
    )
