"""What an entry of a log says: a label, which is the nick of who speaks, and one or more lines. Pure.

A style is a name of ``look``, or several with blanks between them.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import NamedTuple

from chatroom.client.chat_events import Said
from chatroom.client.formatting import parts_of
from chatroom.client.fullscreen.cells import drawable
from chatroom.client.fullscreen.nick_colours import NickColours
from chatroom.client.fullscreen.row_breaks import cut
from chatroom.client.places.log_entry import Entry
from chatroom.client.places.place_log import PlaceLog
from chatroom.client.rendering import Fragment, render

LINK = re.compile(r"\b(?:https?|ircs?)://[^\s<>\"]*[^\s<>\".,;:!?')\]}]")
"""An address in a text, without what follows it in a sentence."""

_QUOTED = 60
"""How many characters of a message are shown above a reply to it."""
_MOST_REACTIONS = 12


class Words(NamedTuple):
    """What is said of an entry."""

    label: list[Fragment]
    """Who speaks; empty for all else."""
    lines: list[list[Fragment]]
    """Drawable. At least one."""
    at: datetime | None
    """When it happened; None if that is not shown."""

    @property
    def text(self) -> str:
        """The lines, for copying: the author comes before the first."""
        text = "\n".join("".join(part for _, part in line) for line in self.lines)
        return text if not self.label else f"<{''.join(part for _, part in self.label).strip()}> {text}"


def words_of(entry: Entry, log: PlaceLog, me: str, colours: NickColours, *, formatted: bool = True) -> Words:
    """Return what an entry says. ``me`` is the user's nick. ``formatted``: with the styles of formatting codes."""
    said = entry.said
    if said is None:
        rendered = render(entry.event, me)
        lines = [_drawable(line.words) for line in rendered if line.words]
        return Words([], lines or [[]], entry.at)
    body = "mention" if entry.mention else "dim" if said.missed else ""
    nick = drawable(said.nick)
    style = "mine" if said.mine else colours.of(said.nick)
    if entry.mention:
        style += " called"
    if entry.redaction is not None:
        lines = [[("dim", drawable(f"deleted by {entry.redaction.by}" + _because(entry.redaction.reason)))]]
    else:
        text = said.written if formatted else said.text
        lines = [_with_links(_formatted(body, line)) for line in text.split("\n")]
    if said.kind == "action":
        label: list[Fragment] = [("dim", "*")]
        lines[0] = [(style, nick), ("", " "), *lines[0]]
    elif said.kind == "notice":
        label = [("dim", "-"), (style, nick), ("dim", "-")]
    else:
        label = [(style, nick)]
    lines = _with_delivery(lines, entry)
    if said.reply_to:
        lines.insert(0, _quote(log, said))
    if entry.reactions:
        lines.append(_reactions(entry))
    return Words(label, lines, entry.at)


def _formatted(style: str, line: str) -> list[Fragment]:
    """Return a line with formatting codes as drawable fragments, with those of its styles besides ``style``."""
    return [(f"{style} {part.style}".strip(), drawable(part.text)) for part in parts_of(line)]


def _with_links(line: list[Fragment]) -> list[Fragment]:
    """Return a line of drawable fragments with its links underlined."""
    text = "".join(part for _, part in line)
    found: list[Fragment] = []
    at = 0
    if "://" in text:
        for link in LINK.finditer(text):
            found += cut(line, at, link.start())
            found += [(f"{style} link".strip(), part) for style, part in cut(line, link.start(), link.end())]
            at = link.end()
    found += cut(line, at, len(text))
    return found


def _with_delivery(lines: list[list[Fragment]], entry: Entry) -> list[list[Fragment]]:
    if entry.delivery == "said":
        return lines
    if entry.delivery == "under way":
        return [[("dim", text) for _, text in line] for line in lines]
    words = "Perhaps not sent: " if entry.delivery == "perhaps" else "Not sent: "
    return [[("warning", words), *lines[0]], *lines[1:]]


def _quote(log: PlaceLog, said: Said) -> list[Fragment]:
    original = log.find(said.reply_to)
    if original is None or original.said is None:
        return [("dim", "↪ an older message")]
    if original.redaction is not None:
        return [("dim", f"↪ {drawable(original.said.nick)}: a deleted message")]
    text = drawable(original.said.text.partition("\n")[0])
    more = "…" if len(text) > _QUOTED else ""
    return [("dim", f"↪ {drawable(original.said.nick)}: {text[:_QUOTED]}{more}")]


def _reactions(entry: Entry) -> list[Fragment]:
    shown = list(entry.reactions.items())[:_MOST_REACTIONS]
    texts = [
        f"{drawable(reaction)[:20]} {', '.join(drawable(nick) for nick in nicks[:5])}" for reaction, nicks in shown
    ]
    return [("dim", "  ".join(texts))]


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""


def _drawable(words: list[Fragment]) -> list[Fragment]:
    return [fragment for style, text in words for fragment in _with_links([(style, drawable(text))])]
