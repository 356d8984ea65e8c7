"""The words of a slash command, and the lines made of them."""

from __future__ import annotations

from chatroom.client.actions import Context, Line, Print


class Misused(Exception):
    """The parameters do not fit the command. The text is a sentence for the user, or empty."""


def wrong(text: str) -> Print:
    """Return a refusal."""
    return Print(text, wrong=True)


def words_of(text: str, least: int) -> list[str]:
    """Return the words of ``text``. Raises ``Misused`` if there are fewer than ``least``."""
    words = text.split()
    if len(words) < least:
        raise Misused
    return words


def line(verb: str, *params: str, trailing: str = "") -> Line:
    """Return a line for the server; a ``trailing`` parameter may have spaces."""
    return Line(" ".join([verb, *params, *([f":{trailing}"] if trailing else [])]))


def channel_first(context: Context, rest: str) -> tuple[str, str]:
    """Split ``rest`` into the channel at its start and what follows. Without a channel there, use the target."""
    first, _, following = rest.partition(" ")
    if context.state.is_channel(first):
        return first, following.strip()
    if context.target is None or not context.state.is_channel(context.target):
        raise Misused("Name a channel.")
    return context.target, rest
