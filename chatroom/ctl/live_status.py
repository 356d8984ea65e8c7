"""``chatroomctl status --watch``: the state of the daemon, asked again and again."""

from __future__ import annotations

import os
import shutil
import sys
import time
from datetime import UTC, datetime
from typing import NamedTuple, NoReturn

import click

from chatroom.chat.admission.durations import format_duration
from chatroom.ctl.control_client import ask_status
from chatroom.ctl.daemon_troubles import find_trouble
from chatroom.ctl.invocation import Invocation
from chatroom.ctl.output import to_json
from chatroom.ctl.streams import plain
from chatroom.errors import NotRunning
from chatroom.irc.times import format_stamp

_HEADER = ("version", "server", "network", "uptime_s", "cpu_ms")
"""The values that stand in the first line."""
_BEGIN, _LINE_END, _END = "\x1b[H", "\x1b[K\n", "\x1b[J"
_HIDE_CURSOR, _SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"


class Look(NamedTuple):
    """What the daemon said of itself at one moment."""

    at_s: float
    """The moment, on the monotonic clock."""
    values: dict[str, str]


class Row(NamedTuple):
    """A line of the view."""

    label: str
    value: str
    change: str = ""
    """The difference to the look before, such as ``+3``; empty if there is none."""
    is_trouble: bool = False


def watch_status(invocation: Invocation, every_s: float, *, as_json: bool) -> NoReturn:
    """Show the status every few seconds, until Ctrl-C. Raises ``NotRunning`` if no daemon runs at the beginning.

    A terminal shows one view that changes; anything else gets one block, or with ``as_json`` one line, after the other.
    If the daemon ends meanwhile, the view says so and waits for the next one.
    """
    on_screen = not as_json and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    before: Look | None = None
    look = Look(time.monotonic(), ask_status(invocation))
    trouble = ""
    try:
        if on_screen:
            _write(f"{_HIDE_CURSOR}{_BEGIN}{_END}")
        while True:
            if as_json:
                _write(f"{to_json(numbered(look.values) if not trouble else {'error': trouble})}\n")
            else:
                _show(make_rows(look, before) if not trouble else [Row(trouble, "", is_trouble=True)], on_screen)
            time.sleep(every_s)
            try:
                before, look, trouble = look, Look(time.monotonic(), ask_status(invocation)), ""
            except NotRunning as error:
                trouble = str(error)
    finally:
        if on_screen:
            _write(_SHOW_CURSOR)


def numbered(values: dict[str, str]) -> dict[str, int | str]:
    """Return the values with whole numbers as such."""
    return {key: int(value) if value.isdecimal() else value for key, value in values.items()}


def shown_duration(value: str) -> str:
    """Return a number of seconds for people."""
    return format_duration(int(value)) if value.isdecimal() else value


def make_rows(look: Look, before: Look | None) -> list[Row]:
    """Return the lines of the view, with what has changed since the look before."""
    values, old = look.values, before.values if before is not None else {}
    rows = [Row(_header(look, before), "")]
    for key, value in values.items():
        if key not in _HEADER:
            is_trouble = find_trouble(key, values) is not None
            if key.endswith("_s"):
                rows.append(Row(key.removesuffix("_s").replace("_", " "), shown_duration(value), "", is_trouble))
            else:
                rows.append(Row(key.replace("_", " "), value, _change(value, old.get(key, "")), is_trouble))
    return rows


def _header(look: Look, before: Look | None) -> str:
    values = look.values
    uptime = values.get("uptime_s", "")
    parts = [f"{values.get('server', '?')} ({values.get('version', '?')})"]
    if uptime.isdecimal():
        parts.append(f"up {format_duration(int(uptime))}")
    if before is not None and look.at_s > before.at_s:
        try:
            used_ms = int(values["cpu_ms"]) - int(before.values["cpu_ms"])
        except (KeyError, ValueError):
            pass
        else:
            if used_ms >= 0:  # less than before: another daemon
                parts.append(f"{used_ms / 10 / (look.at_s - before.at_s):.0f} % CPU")
    return ", ".join(parts)


def _change(value: str, old: str) -> str:
    if not value.isdecimal() or not old.isdecimal() or value == old:
        return ""
    return f"{int(value) - int(old):+d}"


def _show(rows: list[Row], on_screen: bool) -> None:
    width = max(len(row.label) for row in rows[1:]) if len(rows) > 1 else 0
    values = max(len(plain(row.value)) for row in rows if row.change) if any(row.change for row in rows) else 0
    first, *others = rows
    zone = click.get_current_context().find_object(Invocation)
    stamp = format_stamp(datetime.now(UTC).timestamp(), zone.zone if zone is not None else None)
    lines = [(f"{stamp}  {plain(first.label)}", first.is_trouble)]
    for row in others:
        text = f"{row.label:<{width}}  {plain(row.value):<{values}}  {row.change}".rstrip()
        lines.append((text, row.is_trouble))
    if not on_screen:
        _write("".join(f"{text}\n" for text, _ in lines) + "\n")
        return
    columns, height = shutil.get_terminal_size()
    has_colour = click.get_current_context().color is not False
    shown = []
    for text, is_trouble in lines[: height - 1]:
        cut = text[:columns]
        shown.append(click.style(cut, fg="red", bold=True) if is_trouble and has_colour else cut)
    _write(_BEGIN + "".join(f"{text}{_LINE_END}" for text in shown) + _END)


def _write(text: str) -> None:
    # Not click.echo: with NO_COLOR it takes the movements of the cursor away too.
    sys.stdout.write(text)
    sys.stdout.flush()
