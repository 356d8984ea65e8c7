"""Output of ``chatroomctl``: tables for people, JSON for programs, questions and progress bars.

Names, reasons and topics come from other users and could hold escape sequences, so all text for people goes through
``plain``.
"""

from __future__ import annotations

import base64
import dataclasses
import errno
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, tzinfo
from functools import cache, lru_cache
from pathlib import Path
from typing import IO, Any, TypeVar

import click

from chatroom.chat.stored.records import Role
from chatroom.ctl.invocation import current_zone
from chatroom.ctl.streams import discard, has_all_characters, plain, print_error, warn
from chatroom.errors import Refused
from chatroom.irc.times import format_moment
from chatroom.new_file import new_file

_RESULT = "chatroom.ctl.result"
"""Under this name a click context has the flag and the keys of ``result_option``."""
_LINES_AT_ONCE = 1000
"""How many lines of a table are one write: few calls, and a reader that wants no more is noticed soon."""
_AS_IT_IS = frozenset({str, int, bool, float, type(None)})
"""The types of values that JSON has."""

Command = TypeVar("Command", bound=Callable[..., Any])


def json_option(command: Command) -> Command:
    """Add ``--json`` to a command, as its argument ``as_json``."""
    option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document. Example: --json | jq .")
    return option(command)


def result_option(*keys: str) -> Callable[[Command], Command]:
    """Add ``--json`` to a command that changes something; ``report_result`` prints the document.

    ``keys`` are those of the document, for the help.
    """

    def remember(context: click.Context, parameter: click.Parameter, value: bool) -> None:
        context.meta[_RESULT] = (value, keys)

    return click.option(
        "--json",
        is_flag=True,
        expose_value=False,
        callback=remember,
        help=f"Print one JSON document instead, with the keys {', '.join(keys)}. Example: --json | jq .",
    )


def yes_option(command: Command) -> Command:
    """Add ``--yes`` to a command, as its argument ``yes``."""
    option = click.option("--yes", "-y", is_flag=True, help="Do not ask for confirmation; for scripts. Example: --yes")
    return option(command)


def moment(at: datetime | None) -> str:
    """Return a time for people, in the zone of this machine or with ``--utc`` in UTC; a dash for None."""
    return "-" if at is None else format_moment(at, current_zone())


def size(count: int) -> str:
    """Return a number of bytes for people, in units of 1024."""
    if count < 1024:
        return f"{count} B"
    amount = count / 1024
    for unit in ("KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"


def print_table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table. Each column is as wide as its longest cell, and nothing is cut off."""
    cell = _cells(current_zone())
    # By column: the cells of one are alike, and a table can have 100,000 rows.
    columns = [list(map(cell, column)) for column in zip(*rows, strict=True)] or [[] for _ in headers]
    widths = [max(map(_width, (header, *column))) for header, column in zip(headers, columns, strict=True)]
    click.echo(click.style(_line(headers, widths), bold=True))
    lines = [_line(line, widths) for line in zip(*columns, strict=True)]
    for start in range(0, len(lines), _LINES_AT_ONCE):
        click.echo("\n".join(lines[start : start + _LINES_AT_ONCE]))


def print_pairs(pairs: Iterable[tuple[str, object]]) -> None:
    """Print the properties of one object, one on each line."""
    cell = _cells(current_zone())
    shown = [(label, cell(value)) for label, value in pairs]
    width = max((_width(label) for label, _ in shown), default=0)
    for label, value in shown:
        click.echo(f"{click.style(_pad(label, width), bold=True)}  {value}")


def print_json(document: object, *, changed: bool = False) -> None:
    """Print one JSON document. Times are ISO 8601 in UTC, roles their word, records and named tuples objects.

    ``changed``: the command has changed something, and an output that fails must not hide it; see ``report``.
    """
    text = to_json(document, indented=True, only_ascii=not has_all_characters(sys.stdout.encoding))
    if changed:
        _print_result(text)
    else:
        click.echo(text)


def to_json(document: object, *, indented: bool = False, only_ascii: bool = False) -> str:
    """Return a document as JSON, on one line or ``indented`` by two spaces.

    Characters that could control a terminal are written as ``\\uXXXX``.
    """
    import json  # here, because most output is for people

    made_of = _jsonable(document)
    if indented:

        @cache
        def encoder(separator: str) -> Callable[[object], str]:
            return json.JSONEncoder(ensure_ascii=only_ascii, separators=(separator, ": ")).encode

        text = _indented(made_of, encoder)
    else:
        text = json.dumps(made_of, ensure_ascii=only_ascii)
    # JSON itself escapes only the controls below U+0020. The others appear inside strings only, so the text can be
    # searched as a whole.
    if text.replace("\n", "").isprintable():
        return text
    return "\n".join(line if line.isprintable() else _escape(line) for line in text.split("\n"))


def open_output(file: str) -> AbstractContextManager[IO[str]]:
    """Open FILE of an export for writing, or stdout for ``-``. Only a complete export replaces FILE."""
    if file == "-":
        return click.open_file("-", "w", encoding="utf-8")
    return new_file(Path(file))


def say(text: str) -> None:
    """Print one line for people."""
    click.echo(plain(text))


def report(text: str) -> None:
    """Print one line that says what the command has changed.

    If stdout cannot take it, the line goes to stderr and the command still succeeds: a script that sees a failure would
    make the change again.
    """
    _print_result(plain(text))


def report_result(*lines: str, **document: object) -> None:
    """Print what the command has changed: lines for people, or with ``--json`` (``result_option``) the document."""
    as_json, keys = click.get_current_context().meta[_RESULT]
    assert set(document) == set(keys), "the help of --json names the keys"
    if as_json:
        print_json(document, changed=True)
        return
    # At once: after the first line that stdout does not take, it takes no others.
    _print_result("\n".join(map(plain, lines)))


def wants_json() -> bool:
    """True if the command that runs was given the ``--json`` of ``result_option``."""
    as_json: bool = click.get_current_context().meta[_RESULT][0]
    return as_json


def _print_result(text: str) -> None:
    try:
        click.echo(text)
    except OSError as error:
        discard(sys.stdout)
        if error.errno != errno.EPIPE:  # the reader of a pipe that went away has seen enough
            print_error(text)
            warn(f"standard output: {error.strerror}")


def confirm(question: str, yes: bool) -> None:
    """Ask a question, unless ``yes``.

    Raises ``click.Abort`` if the answer is no, and ``Refused`` if standard input is not a terminal.
    """
    if yes:
        return
    # In a script the prompt would wait for an answer that never comes, or take a line of other input for it.
    if not sys.stdin.isatty():
        raise Refused(f"{question} There is no terminal to ask at; use --yes to confirm.")
    click.confirm(plain(question), abort=True, err=True)


def progress(length: int, label: str, *, output: str = "") -> AbstractContextManager[Any]:
    """Return a progress bar on stderr, moved by ``update(n)``.

    It is hidden if stderr is not a terminal, or if ``length`` is 0: nothing to do, or nobody knows how much.

    ``output`` is the FILE of an export. If that is ``-`` for a terminal, the bar is hidden too: it would stand between
    the lines.
    """
    # On stderr, so that standard output can go to a file or a pipe.
    hidden = length == 0 or not sys.stderr.isatty() or (output == "-" and sys.stdout.isatty())
    return click.progressbar(length=length, label=label, file=sys.stderr, hidden=hidden)


def _indented(value: Any, encoder: Callable[[str], Callable[[object], str]], begin: str = "\n") -> str:
    """Return what ``json.dumps`` returns with ``indent=2``, for which it does without its encoder in C.

    ``encoder`` makes an encoder with a separator of items. ``begin`` is what lines of the value begin with.
    """
    inside = f"{begin}  "
    encode = encoder(f",{inside}")
    if not isinstance(value, dict | list) or not value:
        return encode(value)
    items = value.values() if isinstance(value, dict) else value
    if _AS_IT_IS.issuperset(map(type, items)):
        text = encode(value)
        return f"{text[0]}{inside}{text[1:-1]}{begin}{text[-1]}"
    if isinstance(value, dict):
        shown = [f"{encode(key)}: {_indented(item, encoder, inside)}" for key, item in value.items()]
        return f"{{{inside}{f',{inside}'.join(shown)}{begin}}}"
    return f"[{inside}{f',{inside}'.join(_indented(item, encoder, inside) for item in value)}{begin}]"


def _escape(line: str) -> str:
    # A character above U+FFFF is a surrogate pair in JSON, which is its UTF-16.
    units = (char.encode("utf-16-be", "surrogatepass").hex() if not char.isprintable() else char for char in line)
    return "".join(
        unit if len(unit) == 1 else "".join(f"\\u{unit[at : at + 4]}" for at in range(0, len(unit), 4))
        for unit in units
    )


def _cells(zone: tzinfo | None) -> Callable[[object], str]:
    """Return what makes the text of a value, with times in a zone."""
    # Rows that were made together have few times, to the second.
    shown = lru_cache(maxsize=1024)(lambda second: format_moment(second, zone))

    def cell(value: object) -> str:
        if value is None or value == "":
            return "-"
        if isinstance(value, str):
            return plain(value)
        if isinstance(value, datetime):
            return shown(value.replace(microsecond=0))
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, Role):
            return value.word
        return plain(str(value))

    return cell


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(map(_pad, cells, widths)).rstrip()


def _width(text: str) -> int:
    if text.isascii() and text.isprintable():
        return len(text)
    from wcwidth import wcswidth  # here, because most tables need only the above, and it is large

    # Terminal columns, not characters: CJK letters take two and combining ones none. Unprintable text gives -1.
    return max(wcswidth(text), 0)


def _pad(text: str, width: int) -> str:
    if text.isascii():
        return text.ljust(width)
    return text + " " * (width - _width(text))


def _jsonable(value: Any) -> Any:
    if type(value) in _AS_IT_IS:
        return value
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        fields = zip(value._fields, value, strict=True)
        return {name: item if type(item) in _AS_IT_IS else _jsonable(item) for name, item in fields}
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    # A role is an int, and JSON would get its number.
    if isinstance(value, Role):
        return value.word
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, Path):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        from chatroom.database_address import ServerAddress  # here, as most commands show no address

        if isinstance(value, ServerAddress):
            return str(value)  # which has no password
        return {item.name: _jsonable(getattr(value, item.name)) for item in dataclasses.fields(value)}
    return value
