"""What a spam filter may be, and what it is if not all was said. FILTER and ``chatroomctl filter`` ask these rules."""

from __future__ import annotations

import re

from chatroom.chat.admission.ban_policy import check_reason
from chatroom.chat.admission.durations import YEAR_S
from chatroom.chat.admission.spam_filters import make_filter_matcher
from chatroom.chat.stored.records import FilterAction, FilterKind, NewFilter
from chatroom.errors import InvalidValue, NeedsForce
from chatroom.irc.masks import has_wildcards

MOST_FILTERS: dict[FilterKind, int] = {"glob": 500, "regex": 100}
"""How many filters of a kind there can be: every message is compared with all of them."""
PATTERN_BYTES = 200
DEFAULT_S: dict[FilterAction, int] = {"mute": 600, "ban": 86_400}
"""How long a mute and a ban last, in seconds, unless the filter says so."""
LONGEST_S = 10 * YEAR_S
ACTIONS: tuple[FilterAction, ...] = ("refuse", "mute", "kick", "ban")

# Whatever matches one of these is no sign of spam. The last ones are short, for patterns of few letters.
_ORDINARY = (
    "Hello everyone, how are you today?",
    "I think that we should meet tomorrow at 10:30, or what do you say?",
    "The quick brown fox jumps over the lazy dog",
    "https://www.example.org/",
    "thanks!",
    "ok",
    ":)",
    "1",
    "",
)


def make_filter(
    pattern: str, kind: FilterKind, action: FilterAction, reason: str, duration_s: int | None, *, force: bool
) -> NewFilter:
    """Return a filter to add. Raises ``InvalidValue``, and ``NeedsForce`` if it would match ordinary texts.

    A glob without ``*`` and ``?`` is looked for anywhere: it gets a ``*`` on both sides.
    """
    pattern = pattern.strip()
    if not pattern or not pattern.isprintable() or len(pattern.encode(errors="replace")) > PATTERN_BYTES:
        raise InvalidValue(f"a pattern is 1 to {PATTERN_BYTES} bytes of printable text")
    if kind == "glob":
        pattern = re.sub(r"\*{2,}", "*", pattern) if has_wildcards(pattern) else f"*{pattern}*"
    if len(pattern.encode()) > PATTERN_BYTES:
        raise InvalidValue(f"a pattern has at most {PATTERN_BYTES} bytes")
    if duration_s is not None and action not in DEFAULT_S:
        raise InvalidValue(f"only a mute and a ban have a duration, and this filter is to {action}")
    if duration_s is not None and duration_s > LONGEST_S:
        raise InvalidValue("a mute or a ban by a filter lasts 10 years at most")
    matches = make_filter_matcher(kind, pattern)
    found = next((text for text in _ORDINARY if matches(text)), None)
    if found is not None and not force:
        raise NeedsForce(f'{pattern} matches ordinary texts, such as "{found}"')
    return NewFilter(pattern, kind, action, check_reason(reason), duration_s or DEFAULT_S.get(action))


def read_action(word: str) -> FilterAction:
    """Return the action called ``word``. Raises ``InvalidValue``."""
    for action in ACTIONS:
        if word.lower() == action:
            return action
    raise InvalidValue(f"{word[:20]!r} is not an action of a filter; use {', '.join(ACTIONS[:-1])} or {ACTIONS[-1]}")
