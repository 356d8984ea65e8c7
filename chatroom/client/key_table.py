"""The keys of the full screen. This table is all that knows which key does what: help, settings and screen read it.

A key is written as Textual writes it: ``ctrl+k``, ``alt+a``, ``f1``, ``pageup``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple


class Key(NamedTuple):
    """What one or more keys do."""

    action: str
    """The name by which settings change the keys."""
    keys: tuple[str, ...]
    help: str
    topic: str


KEYS: tuple[Key, ...] = (
    Key("help", ("f1",), "show the keys", "first"),
    Key("commands", ("f2",), "find a command, with its help", "first"),
    Key("jump", ("ctrl+k", "f3"), "go to a place by a part of its name, or find a command", "first"),
    Key("next-unread", ("alt+a", "f4"), "go to the next place with something new, mentions first", "first"),
    Key("newest", ("escape", "ctrl+end"), "show the newest messages", "first"),
    Key("next-place", ("ctrl+n", "alt+down"), "go to the next place", "places"),
    Key("previous-place", ("ctrl+p", "alt+up"), "go to the place above", "places"),
    Key("last-place", ("alt+slash", "alt+right", "alt+left"), "go back to the place before", "places"),
    *(Key(f"place-{number}", (f"alt+{number}",), f"go to place {number}", "places") for number in range(1, 10)),
    Key("server-place", ("alt+0",), "go to what the server says", "places"),
    Key("mentions", ("alt+m",), "list the messages that speak to you", "places"),
    Key("next-mention", ("alt+h",), "go to the next place with a message that speaks to you", "places"),
    Key("names", ("alt+n",), "show or hide the names", "view"),
    Key("bare", ("alt+l",), "bare text, for the terminal to select and copy", "view"),
    Key("person", ("alt+p",), "choose a member of this place: talk, look up, moderate", "view"),
    Key("message", ("alt+j",), "choose a message: reply, react, copy, say differently, delete", "view"),
    Key("moderate", ("alt+g", "f6"), "bans, audit and lockdown, for moderators", "view"),
    Key("links", ("alt+o",), "open or copy a link that was said here", "view"),
    Key("find", ("alt+s",), "search the messages of this place that are here; Enter goes there", "view"),
    Key("found", ("alt+r",), "list again what /search has found last", "view"),
    Key("page-up", ("pageup",), "scroll up; at the top the server is asked for more", "view"),
    Key("page-down", ("pagedown",), "scroll down", "view"),
    Key("line-up", ("shift+up", "ctrl+up"), "scroll up by one row", "view"),
    Key("line-down", ("shift+down", "ctrl+down"), "scroll down by one row", "view"),
    Key("oldest", ("ctrl+home",), "scroll to the oldest message that is here", "view"),
    Key("unread-line", ("alt+u",), "scroll to the line 'new'", "view"),
    Key("repaint", ("ctrl+l",), "paint the screen anew", "view"),
    Key("send", ("enter",), "say the text, or carry out the command", "text"),
    Key("new-line", ("alt+enter", "shift+enter", "ctrl+j"), "begin another line of the message", "text"),
    Key("complete", ("tab",), "complete a nick, channel or command; again: the next", "text"),
    Key("complete-back", ("shift+tab",), "the completion before", "text"),
    Key("older", ("up",), "the text that you typed before", "text"),
    Key("newer", ("down",), "the text after that", "text"),
    Key("find-typed", ("ctrl+r",), "search what you have typed", "text"),
    Key("editor", ("ctrl+x",), "write the text in your editor ($EDITOR)", "text"),
    Key("format", ("alt+c",), "format what follows: then b, i, u, s, v or m, c for a colour, o to end it", "text"),
    Key("left", ("left", "ctrl+b"), "a character back", "text"),
    Key("right", ("right", "ctrl+f"), "a character on", "text"),
    Key("word-left", ("alt+b", "ctrl+left"), "a word back", "text"),
    Key("word-right", ("alt+f", "ctrl+right"), "a word on", "text"),
    Key("home", ("home", "ctrl+a"), "the begin of the line", "text"),
    Key("end", ("end", "ctrl+e"), "the end of the line", "text"),
    Key("backspace", ("backspace", "ctrl+h"), "delete the character before", "text"),
    Key("delete", ("delete",), "delete the character under the cursor", "text"),
    Key("kill-word", ("ctrl+w",), "delete back to the last blank", "text"),
    Key("kill-word-before", ("alt+backspace",), "delete the word before", "text"),
    Key("kill-word-after", ("alt+d",), "delete the word behind", "text"),
    Key("kill-to-start", ("ctrl+u",), "delete what is before in the line", "text"),
    Key("kill-to-end", ("alt+k",), "delete the rest of the line", "text"),
    Key("yank", ("ctrl+y",), "insert what was deleted last", "text"),
    Key("yank-older", ("alt+y",), "instead, what was deleted before that", "text"),
    Key("transpose", ("ctrl+t",), "exchange two characters", "text"),
    Key("undo", ("ctrl+underscore", "ctrl+slash"), "undo", "text"),
    Key("stop", ("ctrl+c",), "stop what is not sent yet, or drop the text", "program"),
    Key("leave", ("ctrl+d",), "delete the character under the cursor; with no text, leave", "program"),
    Key("suspend", ("ctrl+z",), "go to the shell; fg comes back", "program"),
)

TOPICS = {"first": "First", "places": "Places", "view": "Log and names", "text": "Text", "program": "Program"}


_NAMED = {
    "page up": "pageup",
    "page down": "pagedown",
    "esc": "escape",
    "/": "slash",
    "_": "underscore",
    ".": "full_stop",
    ",": "comma",
    "-": "minus",
    "=": "equals_sign",
    "<": "less_than_sign",
}
_WITHOUT_MODIFIER = {f"f{number}" for number in range(1, 25)} | {
    *("escape", "enter", "tab", "backspace", "delete", "insert"),
    *("home", "end", "pageup", "pagedown", "up", "down", "left", "right"),
}
_WITH_MODIFIER = {"space", "slash", "underscore", "full_stop", "comma", "minus", "equals_sign", "less_than_sign"}


def parse_key(text: str) -> str:
    """Return a key that is written as people do (``Alt-A``, ``page up``) as Textual writes it.

    Raises ValueError for what is no key, and for one that types a character.
    """
    *modifiers, last = re.split(r"[-+](?=.)", text.strip().lower())
    last = _NAMED.get(last, last)
    held = set(modifiers)
    is_typed = last in _WITH_MODIFIER or (len(last) == 1 and last.isascii() and last.isalnum())
    is_known = last in _WITHOUT_MODIFIER or (is_typed and not held.isdisjoint(("ctrl", "alt")))
    if not is_known or not held <= {"ctrl", "alt", "shift"} or len(held) != len(modifiers):
        raise ValueError(text)
    return "+".join([*sorted(modifiers), last])


def bindings(changed: Mapping[str, tuple[str, ...]] | None = None) -> dict[str, str]:
    """Return which action each key has. ``changed``: the keys of some actions, as the user has set them.

    A key that the user gives to an action is taken from the one that had it. Raises ValueError with the name of an
    action that does not exist.
    """
    found = {key: entry.action for entry in KEYS for key in entry.keys}
    actions = {entry.action for entry in KEYS}
    for action, keys in (changed or {}).items():
        if action not in actions:
            raise ValueError(action)
        found = {key: other for key, other in found.items() if other != action}
        found |= dict.fromkeys(keys, action)
    return found


def shown_keys(key: Key) -> str:
    """Return the keys of an action as the user reads them."""
    return ", ".join(shown_key(one) for one in key.keys)


def shown_key(key: str) -> str:
    """Return a key as the user reads it: ``Alt-A``, ``Page up``."""
    *modifiers, last = key.split("+")
    names = {"pageup": "Page up", "pagedown": "Page down", "escape": "Esc", "slash": "/", "underscore": "_"}
    last = names.get(last, last.upper() if len(last) == 1 else last.capitalize())
    return "-".join([*(modifier.capitalize() for modifier in modifiers), last])
