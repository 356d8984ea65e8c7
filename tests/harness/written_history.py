"""Writing a history as the journal does, and having the upkeep do all that there is to do."""

from __future__ import annotations

from collections.abc import Callable

from chatroom.chat.stored.entries import Entry, Kind, next_message_id
from chatroom.chat.stored.history_stores import Journal

AT = 1_900_000_000_000
"""When it was said, in Unix milliseconds, unless the test says otherwise."""


def said(
    message_id: int, text: str = "tea?", conversation: str | tuple[int, int] = "#lobby", time_ms: int = AT
) -> Entry:
    """A message with that message id. All its fields have a value."""
    target = conversation if isinstance(conversation, str) else "bob"
    return Entry(message_id, time_ms, conversation, Kind.PRIVMSG, "ada!a@host", 7, "Ada", target, text, "+x=1", 1)


def keep(journal: Journal, *entries: Entry) -> None:
    """Write entries in one transaction."""
    assert journal.begin()
    journal.write(entries)
    journal.commit()


def keep_texts(journal: Journal, texts: list[str], at_ms: int = AT, channel: str = "#lobby") -> list[Entry]:
    """Write messages, a second apart, in one transaction."""
    last, entries = journal.last_message_id(), list[Entry]()
    for position, text in enumerate(texts):
        time_ms = at_ms + 1000 * position
        last = next_message_id(last, time_ms)
        entries.append(Entry(last, time_ms, channel, Kind.PRIVMSG, "ada!a@h", 1, "ada", channel, text))
    keep(journal, *entries)
    return entries


def run(step: Callable[[], object]) -> int:
    """Repeat a step until it has nothing to do. Returns how often it had."""
    count = 0
    while step():
        count += 1
        assert count < 10_000
    return count
