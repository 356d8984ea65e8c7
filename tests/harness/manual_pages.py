"""Writes the manual as man pages (man(7)) and as pages of the documentation. ``make protocol`` runs it."""

from __future__ import annotations

import re
import textwrap
from itertools import pairwise
from pathlib import Path

from harness.manual import Heading, Lines, Manual, Part, Terms, Text, make_manuals

from chatroom import __version__

CHECKOUT = Path(__file__).parents[2]
_MARKDOWN = {
    "chatroomctl": ("docs/commands.md", "Commands of chatroomctl"),
    "chatroom": ("docs/client-options.md", "Options of chatroom"),
    "chatroom.toml": ("docs/settings.md", "Settings of the server"),
    "client.toml": ("docs/client-settings.md", "Settings of the terminal client"),
}
_SOURCE = "written by `make protocol`, from what the code says"


def pages() -> dict[Path, str]:
    """Return the text of each file."""
    found = {}
    for manual in make_manuals():
        found[CHECKOUT / "man" / f"{manual.name}.{manual.section}"] = as_roff(manual)
        name, title = _MARKDOWN[manual.name]
        found[CHECKOUT / name] = as_markdown(manual, title)
    return found


def as_roff(manual: Manual) -> str:
    """Return a man page."""
    kind = "User Commands" if manual.section == 1 else "File Formats"
    lines = [
        f'.\\" {_SOURCE}',
        f'.TH {manual.name.upper()} {manual.section} "" "chatroom {__version__}" "{kind}"',
        ".nh",  # no hyphens in options
        ".ad l",
        ".SH NAME",
        f"{_escape(manual.name)} \\- {_escape(manual.summary)}",
    ]
    for before, part in pairwise((Text(""), *manual.parts)):
        made = _roff_of(part)
        lines += made[1:] if isinstance(before, Heading) and made[0] == ".PP" else made
    lines += [".SH SEE ALSO", *(f".BR {name[:-3]} ({name[-2]})," for name in manual.see_also)]
    lines[-1] = lines[-1].rstrip(",")
    return "\n".join(lines) + "\n"


def _roff_of(part: Part) -> list[str]:
    match part:
        case Heading(1, text):
            return [f".SH {text.upper()}"]
        case Heading(_, text):
            return [f".SS {_escape(text, code=True)}"]
        case Text(text):
            return [".PP", *_filled(text)]
        case Lines(shown, _):
            return [".PP", ".RS 4", ".nf", *(_escape(line, code=True) for line in shown), ".fi", ".RE"]
        case Terms(items):
            lines = []
            for term, (first, *more) in items:
                lines += [".TP", f"\\fB{_escape(term, code=True)}\\fR", *_filled(first)]
                for paragraph in more:
                    lines += [".IP", *_filled(paragraph)]
            return lines


def _filled(text: str) -> list[str]:
    return [_escape(line) for line in textwrap.wrap(text, 78, break_long_words=False, break_on_hyphens=False)]


def _escape(text: str, *, code: bool = False) -> str:
    """A text as roff: what looks like a request is none, and code has the characters that a shell can take."""
    text = text.replace("\\", "\\e")
    if code:
        for plain, named in {"-": "\\-", "^": "\\(ha", "~": "\\(ti", "`": "\\(ga", "'": "\\(aq"}.items():
            text = text.replace(plain, named)
    else:
        text = re.sub(r"(?<!\w)--(?=\w)", r"\\-\\-", text)  # an option
    return f"\\&{text}" if text.startswith((".", "'")) else text


def as_markdown(manual: Manual, title: str) -> str:
    """Return a page of the documentation."""
    blocks = [f"# {title}", f"<!-- {_SOURCE} -->", f"`man {manual.section} {manual.name}` shows the same."]
    for part in manual.parts:
        match part:
            case Heading(level, text):
                blocks.append(f"{'#' * (level + 1)} {_markdown(text)}")
            case Text(text):
                blocks.append(_wrapped(text))
            case Lines(lines, usage):
                is_typed = not usage and all("chatroom" in line for line in lines)
                blocks.append("\n".join(["```sh" if is_typed else "```text", *lines, "```"]))
            case Terms(items):
                blocks.append("\n".join(_item(term, told) for term, told in items))
    return "\n\n".join(blocks) + "\n"


def _item(term: str, told: tuple[str, ...]) -> str:
    return _wrapped(f"{_code(term)}: {' '.join(told)}", "- ")


def _code(text: str) -> str:
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _wrapped(text: str, bullet: str = "") -> str:
    head, sep, rest = text.partition("`: ") if bullet else ("", "", text)
    return textwrap.fill(
        f"{head}{sep}{_markdown(rest)}",
        120,
        initial_indent=bullet,
        subsequent_indent=" " * len(bullet),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _markdown(text: str) -> str:
    return re.sub(r"([\\|<*\[`])", r"\\\1", text)


if __name__ == "__main__":
    for path, text in pages().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
