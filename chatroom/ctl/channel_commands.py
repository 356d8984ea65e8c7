"""``chatroomctl channel``: a running daemon is asked; otherwise the stored channels are read from the database."""

from __future__ import annotations

from contextlib import closing

import click

from chatroom.ctl.channel_reports import (
    ChannelReport,
    find_stored,
    from_answers,
    from_summary,
    list_stored,
)
from chatroom.ctl.control_client import perform, request
from chatroom.ctl.database_choice import pass_changing_invocation
from chatroom.ctl.invocation import Invocation, pass_invocation, utc_option
from chatroom.ctl.offline import without_daemon
from chatroom.ctl.output import (
    confirm,
    json_option,
    print_json,
    print_pairs,
    print_table,
    report_result,
    result_option,
)
from chatroom.ctl.subcommands import Subcommands
from chatroom.errors import NotFound, Refused
from chatroom.irc.names import casefold
from chatroom.storage.daemon_lock import is_held
from chatroom.storage.opening import open_journal, open_stores


@click.group(cls=Subcommands)
def channel() -> None:
    """List, show and delete channels.

    A running daemon tells of all channels. While there is none, the stored ones are shown: those that stay when their
    last member leaves.

    \b
    Example:
      chatroomctl channel list
    """


@channel.command("list")
@json_option
@utc_option
@pass_invocation
def list_(invocation: Invocation, as_json: bool) -> None:
    """List the channels by name.

    \b
    Example:
      chatroomctl channel list
    """
    reports = _list(invocation)
    if as_json:
        keys = ("name", "member_count", "stored", "modes", "founder", "created_at", "topic")
        print_json([{key: getattr(one, key) for key in keys} for one in reports])
        return
    print_table(
        ["NAME", "MEMBERS", "STORED", "MODES", "FOUNDER", "CREATED", "TOPIC"],
        [
            [one.name, one.member_count, one.stored, f"+{one.modes}", one.founder, one.created_at, one.topic]
            for one in reports
        ],
    )


@channel.command("show")
@click.argument("name")
@json_option
@utc_option
@pass_invocation
def show(invocation: Invocation, name: str, as_json: bool) -> None:
    """Show the channel NAME.

    It lists the topic, the modes, the members, the bans and exceptions, and who has rights in it.

    \b
    Example:
      chatroomctl channel show "#lobby"
    """
    found = _get(invocation, name)
    if as_json:
        print_json(found)
        return
    print_pairs(
        [
            ("Name", found.name),
            ("Topic", found.topic),
            ("Topic set by", found.topic_by),
            ("Topic set", found.topic_at),
            ("Modes", f"+{found.modes}"),
            ("Key", found.key),
            ("Limit of members", found.limit),
            ("Forwards to", found.forward),
            ("Joins", _throttle(found.join_throttle)),
            ("Nick changes", _throttle(found.nick_throttle)),
            ("Slow mode", found.slow_mode_s and f"one message of a user every {found.slow_mode_s} s"),
            ("Founder", found.founder),
            ("Created", found.created_at),
            ("Last used", found.used_at),
            ("Stored", found.stored),
            ("Members", ", ".join(found.members)),
            *((f"Access of {account}", level) for account, level in found.access.items()),
            *((f"Metadata {key}", value) for key, value in found.metadata.items()),
        ]
    )
    if found.masks:
        click.echo()
        print_table(
            ["LIST", "MASK", "REASON", "BY", "SINCE", "UNTIL"],
            [[one.mode, one.mask, one.reason, one.set_by, one.set_at, one.until_at] for one in found.masks],
        )


@channel.command("delete")
@click.argument("name")
@result_option("database", "channel")
@pass_changing_invocation
def delete(invocation: Invocation, name: str, yes: bool) -> None:
    """Delete the channel NAME with its topic, modes, lists and rights.

    Its members are removed. Its history stays, but a later channel of that name does not show it.

    \b
    Example:
      chatroomctl channel delete "#old" --yes
    """
    found = _get(invocation, name)
    if casefold(found.name) in map(casefold, invocation.settings.channels.autojoin):
        raise Refused(f"{found.name} is one of channels.autojoin; take it out there first")
    members = f"{found.member_count} {'member is' if found.member_count == 1 else 'members are'} removed"
    confirm(f"Permanently delete {found.name}? {members}.", yes)
    with without_daemon(invocation.address) as is_offline:
        if is_offline:
            _delete_stored(invocation, found.name)
        else:
            perform(invocation, "DELETECHANNEL", found.name)
    report_result(f"Deleted {found.name} from {invocation.address}", database=invocation.address, channel=found.name)


def _throttle(text: str | None) -> str | None:
    """A throttle in words."""
    if text is None:
        return None
    most, _, period_s = text.partition(":")
    return f"at most {most} in {period_s} s"


def _list(invocation: Invocation) -> list[ChannelReport]:
    if not is_held(invocation.address):
        with open_stores(invocation.address) as stores:
            return list_stored(stores)
    return [
        from_summary(message.params[1:])
        for message in request(invocation, "CHANNELS")
        if message.verb == "NOTE" and message.params[:1] == ["CHANNELS"] and len(message.params) == 8
    ]


def _get(invocation: Invocation, name: str) -> ChannelReport:
    if is_held(invocation.address):
        found = from_answers(request(invocation, "CHANNEL", name))
    else:
        with open_stores(invocation.address) as stores:
            found = find_stored(stores, name)
    if found is None:
        raise NotFound(f"there is no channel called {name}")
    return found


def _delete_stored(invocation: Invocation, name: str) -> None:
    with open_stores(invocation.address) as stores:
        stores.channels.delete(name, invocation.actor)
        stores.presence.forget_channel(casefold(name))
        with closing(open_journal(invocation.address)) as journal:
            if not journal.begin():
                raise Refused(f"{invocation.address}: another process writes to it; try again")
            journal.end_channel(name)
            journal.commit()
