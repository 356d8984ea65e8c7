"""``chatroomctl history``: search, export, import and delete entries of the history."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

from chatroom.chat.admission.durations import parse_duration
from chatroom.chat.stored.entries import AtTime, Search
from chatroom.ctl import history_steps
from chatroom.ctl.database_choice import pass_changing_invocation
from chatroom.ctl.history_lines import as_document, format_line, format_text
from chatroom.ctl.imports import open_seekable, raise_at_signals, require_readable
from chatroom.ctl.invocation import Invocation, pass_invocation, utc_option
from chatroom.ctl.output import (
    confirm,
    json_option,
    moment,
    open_output,
    print_json,
    print_pairs,
    print_table,
    progress,
    report,
    report_result,
    result_option,
    size,
)
from chatroom.ctl.own_files import require_other_file
from chatroom.ctl.streams import plain, print_error, warn
from chatroom.ctl.subcommands import Subcommands
from chatroom.ctl.time_options import past_moment
from chatroom.errors import InvalidValue, NotFound
from chatroom.storage.opening import open_stores, open_upkeep
from chatroom.storage.sql import history_archive
from chatroom.storage.sql.history_rows import find_conversation
from chatroom.storage.sql.sql_stores import SqlStores
from chatroom.storage.sql.timestamps import to_ms, to_ms_or_none
from chatroom.storage.sql.upkeep_steps import SqlUpkeep

Command = TypeVar("Command", bound=Callable[..., Any])


@click.group(cls=Subcommands)
def history() -> None:
    """Search, export, import and delete messages.

    These commands work whether the daemon runs or not.

    \b
    Examples:
      chatroomctl history search deploy failed --channel "#ops" --after 7d
      chatroomctl history export > history.jsonl
    """


def _span_options(command: Command) -> Command:
    # Decorators apply from the last to the first, so the help lists these in reverse order.
    for option in (
        click.option(
            "--before",
            "before_at",
            metavar="WHEN",
            callback=past_moment,
            help="Only entries before WHEN: a duration ago, a date or a time. Example: --before 2030-02-01",
        ),
        click.option(
            "--after",
            "after_at",
            metavar="WHEN",
            callback=past_moment,
            help="Only entries after WHEN: a duration ago, a date or a time. Example: --after 7d",
        ),
        click.option("--channel", metavar="NAME", help='Only in this channel. Example: --channel "#lobby"'),
    ):
        command = option(command)
    return command


@history.command("search")
@click.argument("words", metavar="TEXT", nargs=-1)
@_span_options
@click.option(
    "--from", "sender", metavar="NAME", default="", help="Only messages by this nick or account. Example: --from ada"
)
@click.option(
    "--limit",
    type=click.IntRange(1, 100_000),
    default=100,
    show_default=True,
    metavar="COUNT",
    help="Only the newest COUNT messages. Example: --limit 20",
)
@json_option
@utc_option
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
    """Find messages with all words of TEXT.

    The oldest comes first. Only whole words match, in upper or lower case; a word that ends in * is the beginning of
    one. Words in double quotes must follow each other. An emoji is a word, too.

    \b
    Examples:
      chatroomctl history search deploy failed
      chatroomctl history search 'deploy*' 🎉
      chatroomctl history search '"out of memory"' --from ada --after 30d
    """
    with open_stores(invocation.address) as stores:
        # A search in a channel without entries would find nothing, and a typing error would not be noticed.
        if channel is not None and find_conversation(stores.database, channel) is None:
            raise NotFound(f"the history has no entries of {channel}")
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
    if not found:
        # Not on stdout, where a script counts lines.
        print_error("No message matches.")
    for entry in found:
        click.echo(format_text(entry))


@history.command("list")
@click.argument("name")
@json_option
@utc_option
@pass_invocation
def list_(invocation: Invocation, name: str, as_json: bool) -> None:
    """Print all entries by the account NAME.

    The oldest comes first. Use it to answer a request for personal data.

    \b
    Example:
      chatroomctl history list ada --json > ada.json
    """
    with open_stores(invocation.address) as stores:
        authors = history_archive.find_authors(stores.database, name)
        entries = (one.entry for one in history_archive.read_all(stores.database, account_ids=authors))
        if as_json:
            print_json([as_document(entry) for entry in entries])
            return
        is_empty = True
        for entry in entries:
            click.echo(format_text(entry))
            is_empty = False
    if is_empty:
        print_error(plain(f"The history has no entries by {name}."))


@history.command("export")
@click.argument("file", type=click.Path(allow_dash=True, dir_okay=False), default="-")
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "text"]),
    default="jsonl",
    show_default=True,
    help='JSON Lines, which "history import" reads, or text for people. Example: --format text',
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
    """Write the stored entries to FILE or print them.

    The oldest comes first. Only you can read FILE. A FILE that exists is replaced when the export is complete; if the
    export fails, it stays as it was.

    \b
    Examples:
      chatroomctl history export history.jsonl
      chatroomctl history export --format text --channel "#lobby" --after 2030-01-01
    """
    require_other_file(invocation, file)
    count = 0
    with (
        raise_at_signals(),
        open_stores(invocation.address) as stores,
        open_output(file) as target,
        _export_progress(stores, file) as bar,
    ):
        for one in history_archive.read_all(
            stores.database, channel=channel, after_ms=to_ms_or_none(after_at), before_ms=to_ms_or_none(before_at)
        ):
            click.echo(format_line(one) if form == "jsonl" else format_text(one.entry), file=target)
            count += 1
            if count % 1000 == 0:
                bar.update(1000)
    if file != "-":
        report(f"Wrote {count} entries of {invocation.address} to {file}")


def _export_progress(stores: SqlStores, file: str) -> AbstractContextManager[Any]:
    # The length is that of the whole history, which is known at once. So the bar of a part ends early.
    return progress(history_archive.count_before(stores.database, to_ms(datetime.now(UTC))), "Exporting", output=file)


@history.command("import")
@click.argument("file", type=click.Path(exists=True, allow_dash=True, dir_okay=False))
@click.option("--skip-bad", is_flag=True, help="Import the other lines if some cannot be read. Example: --skip-bad")
@result_option("database", "added", "known", "unplaced", "errors")
@pass_changing_invocation
def import_(invocation: Invocation, file: str, skip_bad: bool) -> None:
    """Add the entries of an exported FILE: all of them, or none.

    FILE is the output of "history export" as JSON Lines, or "-" for standard input. If a line cannot be read, or the
    import is interrupted, nothing is added.

    Each entry is sorted in by its time. Entries that are stored already are skipped, so the same file can be imported
    again; entries that were deleted since come back. A direct message is added only if this database has its accounts
    and had them at the time of the message.

    \b
    Example:
      chatroomctl history import history.jsonl
    """
    with (
        open_seekable(file) as lines,
        open_stores(invocation.address) as stores,
        closing(open_upkeep(invocation.address)) as upkeep,
        raise_at_signals(),
    ):
        length = lines.seek(0, os.SEEK_END)
        with progress(2 * length, "Importing") as bar:
            lines.seek(0)
            require_readable(file, history_steps.check_lines(stores.database, lines, bar.update), skip_bad)
            lines.seek(0)
            done = history_steps.import_lines(stores.database, upkeep, lines, bar.update)
        stores.audit.add(invocation.actor, "history.import", plain(file), f"{done.added} entries")
    with closing(open_upkeep(invocation.address)) as upkeep:
        history_steps.index_all(upkeep)
    others = [f"{done.known} were stored already"]
    if done.unplaced:
        others.append(f"{done.unplaced} are direct messages of accounts that this database does not have")
    if done.errors:
        others.append(f"{len(done.errors)} lines cannot be read and were skipped")
    text = f"Added {done.added} entries to {invocation.address}; {', '.join(others)}"
    report_result(text, database=invocation.address, **asdict(done))


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
    help="The age from which entries are deleted. Example: --older-than 30d",
)
@result_option("database", "deleted")
@pass_changing_invocation
def prune(invocation: Invocation, before_at: datetime, yes: bool) -> None:
    """Permanently delete old entries.

    The space that they used is given back to the disk. The daemon does this by itself if history.max_age_days or
    history.max_size_mb is set.

    \b
    Example:
      chatroomctl history prune --older-than 1y
    """
    before_ms = to_ms(before_at)
    with open_stores(invocation.address) as stores, closing(open_upkeep(invocation.address)) as upkeep:
        count = history_archive.count_before(stores.database, before_ms)
        if not count:
            report_result(f"{invocation.address} has no entries that old", database=invocation.address, deleted=0)
            return
        confirm(f"Permanently delete {count} entries older than {moment(before_at)}?", yes)
        # Audited before the first step, so that a deletion that is interrupted has its entry too.
        detail = f"{count} entries before {before_at:%Y-%m-%d %H:%M}Z"
        history_archive.audit_erasure(stores.database, invocation.actor, "history.prune", "", detail)
        # Pruning finds old entries by the index, so everything must be in it.
        history_steps.index_all(upkeep)
        with progress(count, "Deleting") as bar:
            done = history_steps.prune_all(upkeep, before_ms, bar.update)
        _scrub(stores, upkeep)
    report_result(f"Deleted {done} entries from {invocation.address}", database=invocation.address, deleted=done)


@history.command("forget")
@click.argument("name")
@result_option("database", "name", "deleted")
@pass_changing_invocation
def forget(invocation: Invocation, name: str, yes: bool) -> None:
    """Permanently delete all entries by an account.

    All messages and events by the account NAME are deleted and erased from the database files. The
    account stays; it can also be one that was deleted. Messages that others wrote to NAME stay, and so do backups.

    \b
    Example:
      chatroomctl history forget ada
    """
    with open_stores(invocation.address) as stores, closing(open_upkeep(invocation.address)) as upkeep:
        authors = history_archive.find_authors(stores.database, name)
        message_ids = history_archive.list_message_ids(stores.database, authors)
        confirm(f"Permanently delete {len(message_ids)} entries of {name}?", yes)
        detail = f"{len(message_ids)} entries"
        history_archive.audit_erasure(stores.database, invocation.actor, "history.forget", name, detail)
        with progress(len(message_ids), "Deleting") as bar:
            history_steps.remove_all(upkeep, message_ids, bar.update)
        _scrub(stores, upkeep)
    count = len(message_ids)
    text = f"Deleted {count} entries of {name} from {invocation.address}"
    report_result(text, database=invocation.address, name=name, deleted=count)


def _scrub(stores: SqlStores, upkeep: SqlUpkeep) -> None:
    if not history_steps.scrub_files(stores.database, upkeep):
        warn(
            "the entries are deleted, but their bytes are still in the database files, because another process keeps "
            "reading them; the daemon erases them later"
        )


@history.command("stats")
@json_option
@utc_option
@pass_invocation
def stats(invocation: Invocation, as_json: bool) -> None:
    """Show the size and the age of the history.

    It lists the number of entries of each kind, the space they use, and the largest channels.

    \b
    Example:
      chatroomctl history stats
    """
    with open_stores(invocation.address) as stores:
        found = history_archive.read_stats(stores.database)
    if as_json:
        print_json(found)
        return
    used = f"{size(found.size)} in use"
    if isinstance(invocation.address, Path):  # of what a server keeps free, and of its log, we know nothing
        used += f", {size(found.free)} free; log {size(found.log_size)}"
    print_pairs(
        [
            ("Entries", found.entries),
            *((f"  {kind}", count) for kind, count in found.kinds.items()),
            ("Channels", found.channels),
            ("Direct conversations", found.direct_conversations),
            ("Oldest", found.oldest_at),
            ("Newest", found.newest_at),
            ("Not indexed yet", found.not_indexed),
            ("Database", used),
        ]
    )
    if found.largest:
        click.echo()
        print_table(["CHANNEL", "ENTRIES"], found.largest)
