"""``chatroomctl hook``: what is said in a channel goes to a URL, and programs say something in a channel.

The commands change the database, and a running daemon follows.
"""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime

import click

from chatroom.chat.admission.hook_policy import make_incoming, make_outgoing, nick_of
from chatroom.chat.delivery.hook_payload import make_test_body
from chatroom.chat.stored.hook_records import HOOK_EVENT_KINDS, MOST_WAITING, Hook
from chatroom.ctl.channel_reports import is_kept
from chatroom.ctl.database_choice import pass_changing_invocation
from chatroom.ctl.invocation import Invocation, pass_invocation, utc_option
from chatroom.ctl.output import (
    confirm,
    json_option,
    moment,
    print_json,
    print_table,
    report_result,
    result_option,
    say,
)
from chatroom.ctl.streams import warn
from chatroom.ctl.subcommands import Subcommands
from chatroom.errors import NotFound, Refused
from chatroom.server.hook_sender import send
from chatroom.storage.opening import open_stores
from chatroom.storage.sql.sql_stores import SqlStores

_TOO_OLD_S = 24 * 3600


@click.group(cls=Subcommands)
def hook() -> None:
    """Connect channels with other programs.

    An outgoing hook sends what is said in a channel to a URL, signed. An incoming one lets a program say something. A
    running daemon applies every change within a second.

    \b
    Examples:
      chatroomctl hook add "#ops" https://example.org/chat --prefix "!deploy"
      chatroomctl hook list
    """


@hook.command("add")
@click.argument("channel")
@click.argument("url", required=False, default="")
@click.option(
    "--incoming",
    is_flag=True,
    help="Let a program say something in CHANNEL instead; without URL, with --name. Example: --incoming --name ci",
)
@click.option(
    "--event",
    "events",
    multiple=True,
    type=click.Choice(HOOK_EVENT_KINDS),
    help="What is sent; without it, messages. May be given several times. Example: --event message --event join",
)
@click.option(
    "--prefix",
    default="",
    metavar="TEXT",
    help='Send only messages that begin with TEXT, in upper or lower case. Example: --prefix "!deploy"',
)
@click.option(
    "--mention",
    default="",
    metavar="NAME",
    help="Send only messages with the word NAME; with --prefix too, one of the two is enough. Example: --mention bot",
)
@click.option(
    "--with-hooks",
    "hears_hooks",
    is_flag=True,
    help="Send what incoming hooks say too. Two programs that answer each other never end. Example: --with-hooks",
)
@click.option(
    "--name",
    default="",
    metavar="TEXT",
    help="A note for the list; of an incoming hook, who speaks: ci is shown as ci/hook. Example: --name ci",
)
@result_option("database", "hook", "secret", "url")
@pass_changing_invocation
def add(
    invocation: Invocation,
    channel: str,
    url: str,
    incoming: bool,
    events: tuple[str, ...],
    prefix: str,
    mention: str,
    hears_hooks: bool,
    name: str,
) -> None:
    """Have what is said in CHANNEL sent to URL, as JSON in a POST request; or let a program say something there.

    The secret with which each request is signed is shown this once: the receiver needs it to know that the request is
    this server's. If the receiver is down, events wait and are sent later, the newest thousand of them. URL may be an
    address of your own network.

    With --incoming it shows, this once, the URL of a new hook, which has its token in it. Whoever has it can say
    something in CHANNEL, with a POST request. The daemon needs hooks.listen for that.

    \b
    Examples:
      chatroomctl hook add "#ops" --incoming --name ci
      chatroomctl hook add "#ops" http://127.0.0.1:8080/ --prefix "!deploy"
      chatroomctl hook add "#tea" https://example.org/log --event message --event join --event leave
    """
    if incoming:
        if url or events or prefix or mention or hears_hooks:
            raise click.UsageError("An incoming hook has a channel and a name, and nothing else.")
        new = make_incoming(channel, name)
    else:
        if not url:
            raise click.UsageError("Missing argument 'URL'. Without one, a hook is --incoming.")
        new = make_outgoing(
            channel, url, name=name, events=events, prefix=prefix, mention=mention, hears_hooks=hears_hooks
        )
    hooks = invocation.settings.hooks
    with open_stores(invocation.address) as stores:
        made, secret = stores.hooks.add(new, invocation.actor)
        if not is_kept(stores, invocation.settings, channel):
            warn(f"there is no stored channel {channel}: the hook is for any channel of that name")
    shown = hooks.url_of(secret) if incoming else made.url
    report_result(
        f"Added hook {made.id} in {invocation.address}: {_does(made)}",
        f"URL:    {shown}" if incoming else f"Secret: {secret}",
        database=invocation.address,
        hook=made,
        secret=secret,
        url=shown,
    )
    if incoming and not hooks.listen:
        warn("hooks.listen is not set: nobody can use the hook before that")


@hook.command("list")
@json_option
@utc_option
@pass_invocation
def list_(invocation: Invocation, as_json: bool) -> None:
    """List the hooks, with how their deliveries go. Secrets are not shown.

    \b
    Example:
      chatroomctl hook list --json
    """
    with open_stores(invocation.address) as stores:
        hooks = stores.hooks.list_all()
    if as_json:
        print_json(hooks)
        return
    headers = ["ID", "CHANNEL", "NAME", "URL", "WHAT", "STATE", "WAITING", "DONE", "DROPPED", "LAST", "BY", "SINCE"]
    print_table(headers, [_columns(one) for one in hooks])
    for one in hooks:
        if one.failing_since is not None:
            say(f"hook {one.id} fails since {moment(one.failing_since)}: {one.failure}")
        elif one.paused and one.failure:
            say(f"hook {one.id} is paused: {one.failure}")


@hook.command("remove")
@click.argument("hook_id", metavar="ID", type=click.IntRange(1))
@result_option("database", "hook")
@pass_changing_invocation
def remove(invocation: Invocation, hook_id: int, yes: bool) -> None:
    """Remove the hook with the number ID, which "hook list" shows, and what waits for it.

    \b
    Example:
      chatroomctl hook remove 3
    """
    with open_stores(invocation.address) as stores:
        found = _get(stores, hook_id)
        waiting = f", {found.waiting} events wait" if found.waiting else ""
        confirm(f"Remove hook {found.id} ({_does(found)}{waiting})?", yes)
        removed = stores.hooks.remove(hook_id, invocation.actor)
    report_result(f"Removed hook {removed.id} from {invocation.address}", database=invocation.address, hook=removed)


@hook.command("pause")
@click.argument("hook_id", metavar="ID", type=click.IntRange(1))
@result_option("database", "hook")
@pass_changing_invocation
def pause(invocation: Invocation, hook_id: int) -> None:
    """Pause the hook with the number ID. It takes no new events meanwhile; what waits already stays.

    \b
    Example:
      chatroomctl hook pause 3
    """
    _set_paused(invocation, hook_id, True)


@hook.command("resume")
@click.argument("hook_id", metavar="ID", type=click.IntRange(1))
@result_option("database", "hook")
@pass_changing_invocation
def resume(invocation: Invocation, hook_id: int) -> None:
    """Have the paused hook with the number ID go on.

    \b
    Example:
      chatroomctl hook resume 3
    """
    _set_paused(invocation, hook_id, False)


@hook.command("test")
@click.argument("hook_id", metavar="ID", type=click.IntRange(1))
@result_option("hook", "test", "answer")
@pass_invocation
def test(invocation: Invocation, hook_id: int) -> None:
    """Send a test to the URL of the hook with the number ID, from this machine, and show the answer.

    Nothing is said in the channel. The exit code is 1 if the receiver does not take it.

    \b
    Example:
      chatroomctl hook test 3
    """
    with open_stores(invocation.address) as stores:
        found = _get(stores, hook_id)
        secret = stores.hooks.get_secret(hook_id)
    if not found.is_outgoing:
        raise Refused(f"hook {found.id} is incoming: try it with a POST request to its URL")
    test_id = f"test-{secrets.token_hex(8)}"
    answer = send(found.url, secret, test_id, make_test_body(found, test_id, time.time_ns() // 1_000_000))
    if not answer.is_good:
        raise Refused(f"hook {found.id} could not be delivered: {answer.why}")
    text = f"Delivered {test_id} to hook {found.id}: {answer.why}"
    report_result(text, hook=found, test=test_id, answer=answer.why)


def _set_paused(invocation: Invocation, hook_id: int, paused: bool) -> None:
    with open_stores(invocation.address) as stores:
        changed = stores.hooks.set_paused(hook_id, paused, invocation.actor)
    text = f"{'Paused' if paused else 'Resumed'} hook {changed.id} in {invocation.address}"
    report_result(text, database=invocation.address, hook=changed)


def _get(stores: SqlStores, hook_id: int) -> Hook:
    found = stores.hooks.find(hook_id)
    if found is None:
        raise NotFound(f"there is no hook {hook_id}")
    return found


def _does(one: Hook) -> str:
    if not one.is_outgoing:
        return f"{nick_of(one.name)} speaks in {one.channel}"
    return f"{', '.join(one.events)} of {one.channel} to {one.url}"


def _columns(one: Hook) -> list[object]:
    sends = [
        *([] if one.is_outgoing else [f"as {nick_of(one.name)}"]),
        *one.events,
        *(text for text in (one.prefix, one.mention) if text),
        *(["hooks"] if one.hears_hooks else []),
    ]
    if one.paused:
        state = "paused"
    elif one.failing_since is not None:
        age_s = (datetime.now(UTC) - one.failing_since).total_seconds()
        state = "fails for a day" if age_s > _TOO_OLD_S else "fails"
    else:
        state = "full" if one.waiting >= MOST_WAITING else "good"
    return [
        *(one.id, one.channel, one.name, one.url, " ".join(sends), state),
        *(one.waiting, one.done, one.dropped, one.done_at, one.by, one.created_at),
    ]
