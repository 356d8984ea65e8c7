"""Notifications of the desktop: which way they go, and what a terminal is sent for one. Pure.

Sources: OSC 9 (iTerm2), OSC 777 (rxvt-unicode), OSC 99 (kitty, "Desktop notifications"); the passthrough of tmux; the
Desktop Notifications Specification, whose body may have markup.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from chatroom.client.text import printable

SEND = "notify-send"
WAYS = ("none", "auto", "osc9", "osc777", "osc99", SEND)

_LONGEST_TITLE = 60
_LONGEST_BODY = 200
_WITH_OSC_777 = ("foot", "rxvt", "xterm-ghostty", "wezterm")


def choose_way(wanted: str, environ: Mapping[str, str], find_program: Callable[[str], str | None]) -> str:
    """Return the way for ``auto``: what the terminal is known to understand, or the desktop's own program.

    Other words are returned unchanged.
    """
    if wanted != "auto":
        return wanted
    term = environ.get("TERM", "")
    has_desktop = bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY")) and not environ.get("SSH_CONNECTION")
    if _is_inside(environ) and has_desktop and find_program(SEND):
        return SEND  # tmux and screen pass escape sequences on to the terminal only if their settings say so
    if "kitty" in term or environ.get("KITTY_WINDOW_ID"):
        return "osc99"
    if term.startswith(_WITH_OSC_777) or environ.get("TERM_PROGRAM", "") in ("ghostty", "WezTerm"):
        return "osc777"
    if has_desktop and find_program(SEND):
        return SEND
    return "osc9"


def sequence(way: str, title: str, body: str, environ: Mapping[str, str]) -> str:
    """Return what shows a notification, for one of the ways through the terminal."""
    title, body = _short(title, _LONGEST_TITLE), _short(body, _LONGEST_BODY)
    if way == "osc777":
        text = f"\x1b]777;notify;{title.replace(';', ',')};{body.replace(';', ',')}\x1b\\"
    elif way == "osc99":
        text = f"\x1b]99;i=chatroom:d=0;{title}\x1b\\\x1b]99;i=chatroom:d=1:p=body;{body}\x1b\\"
    else:
        # Not a digit first: some terminals read that as another command.
        text = f"\x1b]9;chatroom: {title}: {body}\x1b\\"
    if "TMUX" in environ:
        return f"\x1bPtmux;{text.replace(chr(27), chr(27) * 2)}\x1b\\"
    return text


def arguments(title: str, body: str) -> list[str]:
    """Return the program that shows a notification, with its arguments."""
    body = _short(body, _LONGEST_BODY).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return [SEND, "--app-name=chatroom", "--", _short(title, _LONGEST_TITLE), body]


def _is_inside(environ: Mapping[str, str]) -> bool:
    return "TMUX" in environ or environ.get("TERM", "").startswith("screen")


def _short(text: str, most: int) -> str:
    text = " ".join(printable(text).split())
    return text if len(text) <= most else text[: most - 1] + "…"
