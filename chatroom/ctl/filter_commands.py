"""``chatroomctl filter``: spam filters. The commands change the database, and a running daemon follows."""

from __future__ import annotations

from typing import NamedTuple

import click

from chatroom.chat.admission.durations import format_duration, parse_duration
from chatroom.chat.admission.filter_policy import ACTIONS, MOST_FILTERS, PATTERN_BYTES, make_filter, read_action
from chatroom.chat.admission.spam_filters import FilterSet
from chatroom.chat.stored.records import FilterKind, SpamFilter
from chatroom.ctl.control_client import request
from chatroom.ctl.database_choice import pass_changing_invocation
from chatroom.ctl.invocation import Invocation, pass_invocation, utc_option
from chatroom.ctl.output import confirm, json_option, print_json, print_table, report_result, result_option, say
from chatroom.ctl.streams import plain, warn
from chatroom.ctl.subcommands import Subcommands
from chatroom.errors import NeedsForce, NotFound
from chatroom.storage.opening import open_stores
from chatroom.storage.sql.sql_stores import SqlStores

MATCHED = 3
"""The exit code of ``filter test`` if a filter matches. 1 and 2 are those of errors."""


class Mute(NamedTuple):
    """One user who is muted. The field names are the keys of ``filter mutes --json``."""

    nick: str
    left_s: int
    """For how long the mute still lasts."""
    filter_id: int
    reason: str


@click.group("filter", cls=Subcommands)
def filter_() -> None:
    """Refuse texts that match a pattern, and mute, kick or ban who sends them.

    A running daemon applies every change within a second. Moderators and admins are exempt.

    \b
    Examples:
      chatroomctl filter add "*buy?followers*" --action refuse
      chatroomctl filter list
    """


@filter_.command("add")
@click.argument("pattern")
@click.option(
    "--action",
    required=True,
    type=click.Choice(ACTIONS),
    help="What happens to who sends such a text; refuse only refuses the text. Example: --action mute",
)
@click.option("--reason", default="", metavar="TEXT", help='Shown to the user. Example: --reason "no advertising"')
@click.option(
    "--for",
    "duration",
    metavar="DURATION",
    help="How long a mute or ban lasts; without it 10 minutes and 1 day. Example: --for 1h",
)
@click.option(
    "--regex", is_flag=True, help="PATTERN is a regular expression; needs the library google-re2. Example: --regex"
)
@click.option("--force", is_flag=True, help="Allow a pattern that matches ordinary texts. Example: --force")
@result_option("database", "filter")
@pass_changing_invocation
def add(
    invocation: Invocation, pattern: str, action: str, reason: str, duration: str | None, regex: bool, force: bool
) -> None:
    """Add a filter for texts that match PATTERN, or change the filter with that PATTERN.

    In PATTERN, * stands for any text and ? for any character, and it must fit the whole text. A PATTERN without * and ?
    is looked for anywhere. Upper and lower case, colours, invisible characters and letters that look alike make no
    difference. A regular expression (--regex) may match anywhere in the text.

    \b
    Examples:
      chatroomctl filter add "free bitcoin" --action ban --for 7d --reason "advertising"
      chatroomctl filter add --regex "(buy|sell).{0,20}followers" --action mute
    """
    duration_s = parse_duration(duration) if duration is not None else None
    kind: FilterKind = "regex" if regex else "glob"
    try:
        new = make_filter(pattern, kind, read_action(action), reason, duration_s, force=force)
    except NeedsForce as error:
        raise NeedsForce(f"{error}; use --force to add it anyway") from None
    with open_stores(invocation.address) as stores:
        known = {one.id for one in stores.filters.list_all()}
        added = stores.filters.add(new, invocation.actor, MOST_FILTERS[new.kind])
    what = "Changed" if added.id in known else "Added"
    report_result(
        f"{what} filter {added.id} in {invocation.address}: {_does(added)} for {added.pattern}",
        database=invocation.address,
        filter=added,
    )


@filter_.command("list")
@json_option
@utc_option
@pass_invocation
def list_(invocation: Invocation, as_json: bool) -> None:
    """List the filters, with how often each has matched.

    A running daemon stores the hits a few times a minute.

    \b
    Example:
      chatroomctl filter list --json
    """
    with open_stores(invocation.address) as stores:
        filters = stores.filters.list_all()
    if as_json:
        print_json(filters)
        return
    headers = ["ID", "PATTERN", "KIND", "ACTION", "HITS", "LAST HIT", "REASON", "BY", "SINCE"]
    print_table(headers, [_columns(one) for one in filters])
    for filter_id, why in FilterSet(filters).unusable.items():
        warn(plain(f"filter {filter_id} is not in force here: {why}"))


@filter_.command("remove")
@click.argument("pattern_or_id", metavar="PATTERN_OR_ID")
@result_option("database", "filter")
@pass_changing_invocation
def remove(invocation: Invocation, pattern_or_id: str, yes: bool) -> None:
    """Remove a filter, by its pattern or by its number, which "filter list" shows.

    \b
    Examples:
      chatroomctl filter remove 3
      chatroomctl filter remove "*free bitcoin*"
    """
    with open_stores(invocation.address) as stores:
        found = _find(stores, pattern_or_id)
        hits = f"{found.hits} hit{'' if found.hits == 1 else 's'}"
        confirm(f"Remove filter {found.id} ({_does(found)} for {found.pattern}, {hits})?", yes)
        removed = stores.filters.remove(found.id, invocation.actor)
    report_result(
        f"Removed filter {removed.id} ({removed.pattern}) from {invocation.address}",
        database=invocation.address,
        filter=removed,
    )


@filter_.command("test")
@click.argument("text")
@json_option
@utc_option
@pass_invocation
def test(invocation: Invocation, text: str, as_json: bool) -> None:
    """Show which filter TEXT would match, if any.

    Of several, it is the one with the most severe action, and then the oldest. The exit code is 3 if one matches, 0 if
    none does, and 1 after an error.

    \b
    Example:
      chatroomctl filter test "Buy followers now"
    """
    with open_stores(invocation.address) as stores:
        filters = FilterSet(stores.filters.list_all())
    found = filters.find(text)
    for filter_id, why in filters.unusable.items():
        warn(plain(f"filter {filter_id} is not in force here: {why}"))
    if as_json:
        print_json(found)
    elif found is None:
        say("No filter matches.")
    else:
        say(f"Filter {found.id} matches: {_does(found)} for {found.pattern}")
    if found is not None:
        click.get_current_context().exit(MATCHED)


@filter_.command("mutes")
@json_option
@utc_option
@pass_invocation
def mutes(invocation: Invocation, as_json: bool) -> None:
    """List the users whom filters of the running daemon have muted, the newest last.

    A mute ends by itself, or with the daemon: a user who goes on is muted again by the next text that matches.

    \b
    Example:
      chatroomctl filter mutes --json
    """
    answers = [message.params for message in request(invocation, "FILTER", "MUTES") if message.verb == "NOTE"]
    found = [
        Mute(nick, int(left_s), int(filter_id), text.partition(": ")[2])
        for _, code, nick, left_s, filter_id, text in (words for words in answers if len(words) == 6)
        if code == "ENTRY"
    ]
    if as_json:
        print_json(found)
    else:
        columns = [[one.nick, format_duration(one.left_s), one.filter_id, one.reason] for one in found]
        print_table(["NICK", "LEFT", "FILTER", "REASON"], columns)
    if answers and "," in answers[-1][-1]:
        warn(plain(answers[-1][-1]))


@filter_.command("unmute")
@click.argument("nick")
@result_option("answer")
@pass_changing_invocation
def unmute(invocation: Invocation, nick: str) -> None:
    """Let the user NICK talk again, whom a filter of the running daemon has muted.

    NICK is the present one, or the one that the user had then.

    \b
    Example:
      chatroomctl filter unmute alice
    """
    notes = [message.params for message in request(invocation, "FILTER", "UNMUTE", nick) if message.verb == "NOTE"]
    answer = next(words[-1] for words in notes if words[1] == "UNMUTED")
    report_result(answer, answer=answer)


def _find(stores: SqlStores, pattern_or_id: str) -> SpamFilter:
    filters = stores.filters
    # A number may also be a pattern: *123* is, and was perhaps given as 123.
    found = filters.find(int(pattern_or_id)) if pattern_or_id.isdecimal() and len(pattern_or_id) < 18 else None
    found = found or filters.find_pattern(pattern_or_id) or filters.find_pattern(f"*{pattern_or_id}*")
    if found is None:
        raise NotFound(f"there is no filter {pattern_or_id[:PATTERN_BYTES]}")
    return found


def _does(one: SpamFilter) -> str:
    return one.action if one.duration_s is None else f"{one.action} for {format_duration(one.duration_s)}"


def _columns(one: SpamFilter) -> list[object]:
    return [one.id, one.pattern, one.kind, _does(one), one.hits, one.hit_at, one.reason, one.by, one.created_at]
