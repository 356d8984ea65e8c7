"""The three standard streams of ``chatroomctl``, which can be closed, full, or of another encoding than UTF-8."""

from __future__ import annotations

import contextlib
import io
import os
import sys

import click


def prepare() -> None:
    """Give the process three open streams that can print every character. Called once, before a file is opened."""
    # The kernel gives the lowest free number to the next file. With a closed stdout that would be the database, and
    # what is printed would go into it. /dev/null opened for reading refuses what is written, like the closed stream.
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_WRONLY if descriptor == 2 else os.O_RDONLY)
    # Python has None for a stream that was closed when it started. These stay open to the end of the process.
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        # A character that the encoding lacks must not end a command that has made its change already.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def plain(text: str) -> str:
    """Return ``text`` with escapes (``\\x1b``) for characters that could control a terminal or break the line."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "backslashreplace").decode() for char in text
    )


def warn(text: str) -> None:
    """Print one line on stderr, after the program's name."""
    print_error(f"chatroomctl: {text}")


def print_error(text: str) -> None:
    """Print one line on stderr, or nothing if stderr cannot take it."""
    try:
        click.echo(text, err=True)
    except OSError:
        discard(sys.stderr)


def discard(stream: object) -> None:
    """Send a stream that failed to ``/dev/null``. Otherwise Python would fail again when it flushes it at the end."""
    # A test's stream has no descriptor.
    with contextlib.suppress(OSError, AttributeError):
        descriptor = stream.fileno()  # type: ignore[attr-defined]
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, descriptor)
        os.close(null)


def has_all_characters(encoding: str | None) -> bool:
    """True if the encoding has every character of Unicode."""
    return (encoding or "utf-8").lower().replace("_", "-").startswith("utf")
