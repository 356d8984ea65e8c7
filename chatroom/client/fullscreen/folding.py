"""Who came, left and was renamed, in one line. Pure."""

from __future__ import annotations

from chatroom.client.chat_events import Event, Joined, Left, Renamed
from chatroom.client.rendering import Fragment, nick_style

_MOST_NAMED = 12
"""How many nicks one line names."""


def folds(event: Event) -> bool:
    """True if one line may show the event together with others: another user joined, left or changed the nick."""
    if isinstance(event, Left):
        # Our server makes the whole sentence for a kick from the server.
        return not event.mine and not event.reason.startswith(f"{event.nick} was ")
    return isinstance(event, Joined | Renamed) and not event.mine


def fold(events: list[Event]) -> list[Fragment]:
    """Return one line for all events. Who came and left again is named once."""
    came: dict[str, str] = {}
    left: dict[str, str] = {}
    passed: dict[str, str] = {}
    named: dict[str, tuple[str, str]] = {}  # folded new nick to the old and the new one
    for event in events:
        if isinstance(event, Joined):
            key = event.nick.lower()
            if left.pop(key, None) is None:
                came[key] = event.nick
            else:
                passed[key] = event.nick  # was here before, and is here now
        elif isinstance(event, Left):
            key = event.nick.lower()
            named.pop(key, None)
            if came.pop(key, None) is None:
                left[key] = event.nick
            else:
                passed[key] = event.nick
        elif isinstance(event, Renamed):
            old, new = event.old.lower(), event.new.lower()
            if old in came:
                came.pop(old)
                came[new] = event.new
            else:
                first, _ = named.pop(old, (event.old, ""))
                if first != event.new:
                    named[new] = (first, event.new)
    groups = [(came, " joined"), (left, " left"), (passed, " came and went")]
    found: list[Fragment] = []
    for nicks, what in groups:
        if nicks:
            found += [*([("dim", "; ")] if found else []), *_list(list(nicks.values())), ("dim", what)]
    for first, new in list(named.values())[:_MOST_NAMED]:
        found += [*([("dim", "; ")] if found else []), _nick(first), ("dim", " is now "), _nick(new)]
    return found or [("dim", "nicks changed, and changed back")]


def _list(nicks: list[str]) -> list[Fragment]:
    shown = nicks[:_MOST_NAMED]
    words: list[Fragment] = []
    for number, nick in enumerate(shown):
        words += [*([("dim", ", ")] if number else []), _nick(nick)]
    if len(nicks) > len(shown):
        words.append(("dim", f" and {len(nicks) - len(shown)} more"))
    return words


def _nick(nick: str) -> Fragment:
    return nick_style(nick), nick
