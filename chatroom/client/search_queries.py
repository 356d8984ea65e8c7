"""Looking for what was said: what is typed behind ``/search`` as a question for the server, and its refusals in words.

Source: soju.im/search. The answer is a batch of messages, which ``state`` gathers.
"""

from __future__ import annotations

from datetime import datetime

from chatroom.irc.message import format_tags
from chatroom.irc.times import format_time

CAPABILITY = "soju.im/search"
"""The capability, and the type of the batch."""
MOST_FOUND = 50
"""How many messages we ask for at most."""
HELP = """\
  from:NICK          only what NICK said
  in:#channel        there, not where you are; in:NICK is your talk with NICK
  all                wherever you may read
  after:2026-11-01   from that day on; also after:2026-11-01T18:30
  before:2026-12-01  until that day begins
Options stand in front of the words. "Words in quotes" stand together."""

_NAMES = ("from", "in")
_MOMENTS = ("after", "before")


def question(text: str, here: str | None) -> str:
    """The attributes of a SEARCH for what was typed; ``here`` is where we are. Raises ``ValueError``, in words."""
    asked: dict[str, str] = {} if here is None else {"in": here}
    words = text.split()
    if not words:
        raise ValueError("Say what to look for.")
    while words:
        name, colon, value = words[0].partition(":")
        if words[0] == "all":
            asked.pop("in", None)
        elif colon and name in _NAMES:
            if not value:
                raise ValueError(f"Say a name right behind {name}:")
            asked[name] = value
        elif colon and name in _MOMENTS:
            asked[name] = format_time(_moment_ms(value) - (name == "before"))
        else:
            break
        words.pop(0)
    if words:
        asked["text"] = " ".join(words)
    if not asked:
        raise ValueError("Say what to look for.")
    return format_tags({**asked, "limit": str(MOST_FOUND)})


def refusal(params: list[str]) -> str:
    """Why a search was refused, from the parameters of its FAIL: SEARCH, a code, what is wrong, a text."""
    code, wrong, text = params[1:2], params[2:-1], params[-1]
    if code == ["INTERNAL_ERROR"]:
        return "The search did not work on the server; try again later."
    if "in" in wrong:
        return "You cannot search there: it does not exist, or you are not in it."
    if wrong:
        return f"The server does not take that for a search: {', '.join(wrong)}."
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _moment_ms(value: str) -> int:
    """A day or a moment, as our clock on the wall shows it, in Unix milliseconds; at least 1, at most the year 9998."""
    try:
        moment = datetime.fromisoformat(value)
        # Away from both ends of the calendar, where no time zone fits any more.
        return max(1, round(moment.replace(year=min(max(moment.year, 1969), 9998)).timestamp() * 1000))
    except (ValueError, OverflowError):
        raise ValueError(f"{value or 'Nothing'} is not a day like 2026-11-01.") from None
