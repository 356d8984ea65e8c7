"""``chatroomctl history``: what was said, for whoever runs the server."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import click

from chatroom.chat.admission.durations import parse_duration
from chatroom.chat.stored.entries import AtTime, Search
from chatroom.ctl import history_steps
from chatroom.ctl.history_lines import as_document, format_line, format_text
from chatroom.ctl.invocation import Invocation, pass_invocation
from chatroom.ctl.output import (
    confirm,
    json_option,
    plain,
    print_json,
    print_pairs,
    print_table,
    progress,
    size,
    yes_option,
)
from chatroom.ctl.time_options import past_moment
from chatroom.errors import InvalidValue, NotFound
from chatroom.storage.sqlite import history_archive
from chatroom.storage.sqlite.history_rows import find_conversation
from chatroom.storage.sqlite.history_upkeep import SqliteUpkeep, open_upkeep
from chatroom.storage.sqlite.sqlite_stores import SqliteStores, open_stores
from chatroom.storage.sqlite.timestamps import to_ms, to_ms_or_none

_SHOWN_FAULTS = 20

Command = TypeVar("Command", bound=Callable[..., Any])


@click.group()
def history() -> None:
    """Search what was said, take it out and in again, and delete it.

    All of this works whether the daemon runs or not.

    \b
    Examples:
      chatroomctl history search deploy failed --channel "#ops" --after 7d
      chatroomctl history export > history.jsonl
    """


def _span_options(command: Command) -> Command:
    """``--channel``, ``--after`` and ``--before``."""
    for option in (
        click.option(
            "--before",
            "before_at",
            metavar="WHEN",
            callback=past_moment,
            help="Only older than this: a duration, or a date or moment in UTC. Example: --before 2030-02-01",
        ),
        click.option(
            "--after",
            "after_at",
            metavar="WHEN",
            callback=past_moment,
            help="Only newer than this: a duration, or a date or moment in UTC. Example: --after 7d",
        ),
        click.option("--channel", metavar="NAME", help='Only in this channel. Example: --channel "#lobby"'),
    ):
        command = option(command)
    return command


@history.command("search")
@click.argument("words", metavar="TEXT", nargs=-1)
@_span_options
@click.option("--from", "sender", metavar="NAME", default="", help="Only by this nick or account. Example: --from ada")
@click.option(
    "--limit",
    type=click.IntRange(1, 100_000),
    default=100,
    show_default=True,
    metavar="COUNT",
    help="Only the newest COUNT. Example: --limit 20",
)
@json_option
@pass_invocation
def search(
    invocation: Invocation,
    words: tuple[str, ...],
    channel: str | None,
    after_at: datetime | None,
    before_at: datetime | None,
    sender: str,
    limit: int,
    as_json: bool,
) -> None:
    """Find messages that have all words of TEXT, oldest first.

    Words are whole ones, in any case; what stands in double quotes is looked for as it stands.

    \b
    Examples:
      chatroomctl history search deploy failed
      chatroomctl history search '"out of memory"' --from ada --after 30d
    """
    with open_stores(invocation.database) as stores:
        if channel is not None and find_conversation(stores.database, channel) is None:
            raise NotFound(f"nothing of {channel} is kept")
        found = stores.history.search(
            Search(
                " ".join(words),
                conversations=None if channel is None else [channel],
                sender=sender,
                after=None if after_at is None else AtTime(to_ms(after_at)),
                before=None if before_at is None else AtTime(to_ms(before_at)),
                limit=limit,
            )
        )
    if as_json:
        print_json([as_document(entry) for entry in found])
        return
    for entry in found:
        click.echo(format_text(entry))


@history.command("list")
@click.argument("name")
@json_option
@pass_invocation
def list_(invocation: Invocation, name: str, as_json: bool) -> None:
    """Print all that is kept of what the account NAME said, oldest first: what one asks for one's own data.

    \b
    Example:
      chatroomctl history list ada --json > ada.json
    """
    with open_stores(invocation.database) as stores:
        authors = history_archive.find_authors(stores.database, name)
        entries = (one.entry for one in history_archive.read_all(stores.database, account_ids=authors))
        if as_json:
            print_json([as_document(entry) for entry in entries])
            return
        for entry in entries:
            click.echo(format_text(entry))


@history.command("export")
@click.argument("file", type=click.Path(allow_dash=True, dir_okay=False), default="-")
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "text"]),
    default="jsonl",
    show_default=True,
    help='JSON Lines, for "history import"; or lines for people. Example: --format text',
)
@_span_options
@pass_invocation
def export(
    invocation: Invocation,
    file: str,
    form: str,
    channel: str | None,
    after_at: datetime | None,
    before_at: datetime | None,
) -> None:
    """Write what was said to FILE, readable by its owner alone, or print it; oldest first.

    \b
    Examples:
      chatroomctl history export history.jsonl
      chatroomctl history export --format text --channel "#lobby" --after 2030-01-01
    """
    count = 0
    with open_stores(invocation.database) as stores, _open_new(file) as target:
        for one in history_archive.read_all(
            stores.database, channel=channel, after_ms=to_ms_or_none(after_at), before_ms=to_ms_or_none(before_at)
        ):
            click.echo(format_line(one) if form == "jsonl" else format_text(one.entry), file=target)
            count += 1
    if file != "-":
        click.echo(f"Wrote {count} entries of {invocation.database} to {file}")


def _open_new(file: str) -> Any:
    """The file to write to: private conversations, so nobody else's to read."""
    if file == "-":
        return click.open_file("-", "w", encoding="utf-8")
    return os.fdopen(os.open(file, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w", encoding="utf-8")


@history.command("import")
@click.argument("file", type=click.Path(exists=True, allow_dash=True, dir_okay=False))
@click.option("--skip-bad", is_flag=True, help="Leave out lines that cannot be read. Example: --skip-bad")
@pass_invocation
def import_(invocation: Invocation, file: str, skip_bad: bool) -> None:
    """Add what "history export" wrote as JSON Lines to FILE ("-": standard input).

    Everything finds its place by its time. What is there already stays as it is, so a file can be imported again; what
    was deleted meanwhile comes back. Direct messages are added where both accounts are here, and were at that time.

    \b
    Example:
      chatroomctl history import history.jsonl
    """
    length = 0 if file == "-" else os.path.getsize(file)
    with (
        click.open_file(file, "rb") as lines,
        open_stores(invocation.database) as stores,
        closing(open_upkeep(invocation.database)) as upkeep,
        progress(length, "Importing") as bar,
    ):
        done = history_steps.take_in(stores.database, upkeep, lines, skip_bad, bar.update)
        stores.audit.add(invocation.actor, "history.import", file, f"{done.added} entries")
    for fault in done.faults[:_SHOWN_FAULTS]:
        click.echo(f"{file}:{plain(fault)}", err=True)
    with closing(open_upkeep(invocation.database)) as upkeep:
        history_steps.index_all(upkeep)
    notes = [f"{done.there} were there already"]
    if done.unplaced:
        notes.append(f"{done.unplaced} are direct messages of accounts that are not here")
    if done.faults:
        notes.append(f"{len(done.faults)} lines cannot be read")
    click.echo(f"Added {done.added} entries to {invocation.database}; {', '.join(notes)}")


def _older_than(context: click.Context, parameter: click.Parameter, value: str) -> datetime:
    try:
        return datetime.now(UTC) - timedelta(seconds=parse_duration(value))
    except InvalidValue as error:
        raise click.BadParameter(str(error)) from None


@history.command("prune")
@click.option(
    "--older-than",
    "before_at",
    required=True,
    metavar="DURATION",
    callback=_older_than,
    help="How old what is deleted is at least. Example: --older-than 30d",
)
@yes_option
@pass_invocation
def prune(invocation: Invocation, before_at: datetime, yes: bool) -> None:
    """Delete what was said longer ago than that, and give its room on the disk back.

    To have that done all the time, set history.max_age_days or history.max_size_mb.

    \b
    Example:
      chatroomctl history prune --older-than 1y
    """
    before_ms = to_ms(before_at)
    with open_stores(invocation.database) as stores, closing(open_upkeep(invocation.database)) as upkeep:
        count = history_archive.count_before(stores.database, before_ms)
        if not count:
            click.echo(f"Nothing in {invocation.database} is as old")
            return
        confirm(f"Delete {count} entries older than {before_at:%Y-%m-%d %H:%M}Z?", yes)
        detail = f"{count} entries before {before_at:%Y-%m-%d %H:%M}Z"
        history_archive.audit_erasure(stores.database, invocation.actor, "history.prune", "", detail)
        history_steps.index_all(upkeep)
        with progress(count, "Deleting") as bar:
            done = history_steps.prune_all(upkeep, before_ms, bar.update)
        _clear(stores, upkeep)
    click.echo(f"Deleted {done} entries from {invocation.database}")


@history.command("forget")
@click.argument("name")
@yes_option
@pass_invocation
def forget(invocation: Invocation, name: str, yes: bool) -> None:
    """Delete all that is kept of what the account NAME said, from the files too. The account stays.

    It may be an account that was deleted. What others wrote to it, and copies of the database, are not touched.

    \b
    Example:
      chatroomctl history forget ada
    """
    with open_stores(invocation.database) as stores, closing(open_upkeep(invocation.database)) as upkeep:
        authors = history_archive.find_authors(stores.database, name)
        numbers = history_archive.list_message_ids(stores.database, authors)
        confirm(f"Permanently delete {len(numbers)} entries of {name}?", yes)
        detail = f"{len(numbers)} entries"
        history_archive.audit_erasure(stores.database, invocation.actor, "history.forget", name, detail)
        with progress(len(numbers), "Deleting") as bar:
            history_steps.remove_all(upkeep, numbers, bar.update)
        _clear(stores, upkeep)
    click.echo(f"Deleted {len(numbers)} entries of {plain(name)} from {invocation.database}")


def _clear(stores: SqliteStores, upkeep: SqliteUpkeep) -> None:
    if not history_steps.clear_files(stores.database, upkeep):
        click.echo(
            "Everything is deleted, but somebody reads the database all the time: the bytes leave its files when the "
            "daemon gets round to it",
            err=True,
        )


@history.command("stats")
@json_option
@pass_invocation
def stats(invocation: Invocation, as_json: bool) -> None:
    """Show how much is kept, since when, and where most of it was said.

    \b
    Example:
      chatroomctl history stats
    """
    with open_stores(invocation.database) as stores:
        found = history_archive.read_stats(stores.database)
    if as_json:
        print_json(found)
        return
    print_pairs(
        [
            ("Entries", found.entries),
            *((f"  {kind}", count) for kind, count in found.kinds.items()),
            ("Channels", found.channels),
            ("Direct conversations", found.direct_conversations),
            ("Oldest", found.oldest_at),
            ("Newest", found.newest_at),
            ("Not indexed yet", found.not_indexed),
            ("Database", f"{size(found.size)} in use, {size(found.free)} free; log {size(found.log_size)}"),
        ]
    )
    if found.largest:
        click.echo()
        print_table(["CHANNEL", "ENTRIES"], found.largest)
