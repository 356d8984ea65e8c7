"""Searching past messages: the words after ``/search`` become a SEARCH, and its refusals become sentences.

Source: soju.im/search. The answer is a batch of messages, which ``past_messages`` collects.
"""

from __future__ import annotations

from datetime import datetime

from chatroom.client.formatting import bare
from chatroom.irc.message import format_tags
from chatroom.irc.times import format_time

CAPABILITY = "soju.im/search"
"""The name of the capability and of the batch type."""
MOST_FOUND = 50
"""The limit that a search asks for: about two screens."""
HELP = """\
  from:NICK          only messages of NICK
  in:#channel        in that channel; in:NICK searches your messages with NICK
  all                in everything that you may read
  after:2026-11-01   from that day on; also after:2026-11-01T18:30
  before:2026-12-01  until the day before
Without in: or all, the search is in the channel or conversation of the prompt.
Options go before the words. "Words in quotes" are found side by side."""

_NAMES = ("from", "in")
_MOMENTS = ("after", "before")


def question(text: str, here: str | None) -> str:
    """Return the attributes of a SEARCH for a typed text.

    ``here``: the conversation to search in by default; None for all of them. Raises ``ValueError`` with a sentence for
    the user.
    """
    asked: dict[str, str] = {} if here is None else {"in": here}
    words = bare(text).split()
    if not words:
        raise ValueError("Type the words to search for.")
    while words:
        name, colon, value = words[0].partition(":")
        if words[0] == "all":
            asked.pop("in", None)
        elif colon and name in _NAMES:
            if not value:
                raise ValueError(f"Type a name directly after {name}: (no space).")
            asked[name] = value
        elif colon and name in _MOMENTS:
            # The server looks for times up to and including this one, and the day itself must not be in it.
            asked[name] = format_time(_moment_ms(value) - (name == "before"))
        else:
            break
        words.pop(0)
    if words:
        asked["text"] = " ".join(words)
    if not asked:
        raise ValueError("Type the words to search for.")
    return format_tags({**asked, "limit": str(MOST_FOUND)})


def refusal(params: list[str]) -> str:
    """Return why a search was refused. ``params`` of its FAIL: SEARCH, a code, what is wrong with it, a text."""
    code, wrong, text = params[1:2], params[2:-1], params[-1]
    if code == ["INTERNAL_ERROR"]:
        return "The search did not work on the server; try again later."
    if "in" in wrong:
        return "You cannot search there: it does not exist, or you are not in it."
    if wrong:
        return f"The server does not accept this in a search: {', '.join(wrong)}."
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _moment_ms(value: str) -> int:
    """Parse a day or a time, local to this machine, to Unix milliseconds: from 1 to the end of the year 9998."""
    try:
        moment = datetime.fromisoformat(value)
        # At both ends of the calendar the conversion from local time would leave the range of datetime.
        return max(1, round(moment.replace(year=min(max(moment.year, 1969), 9998)).timestamp() * 1000))
    except (ValueError, OverflowError):
        raise ValueError(f"{value or 'Nothing'} is not a day like 2026-11-01.") from None
