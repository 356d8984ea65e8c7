"""Many words in as few lines as they fit in.

A reply that lists nicks or channels may not fit in one line (512 bytes, Modern IRC Client Protocol, "Message Format");
it is sent in several then, each of them whole.
"""

from __future__ import annotations

from collections.abc import Iterable


def pack_words(words: Iterable[str], separator: str, most_bytes: int) -> list[str]:
    """The words joined to texts of at most ``most_bytes`` bytes each, in order; none where there are no words.

    A single word that is longer has a text of its own. No word holds the separator.
    """
    words = list(words)
    if not words:
        return []
    whole = separator.join(words)
    data, gap = whole.encode(errors="replace"), separator.encode()
    if len(data) <= most_bytes:
        return [whole]
    texts: list[str] = []
    start = 0
    while len(data) - start > most_bytes:  # a look per text, not per word: a large channel has thousands of those
        end = data.rfind(gap, start, start + most_bytes + len(gap))
        if end < 0:
            end = data.find(gap, start)
            if end < 0:
                break
        texts.append(data[start:end].decode())
        start = end + len(gap)
    texts.append(data[start:].decode())
    return texts


def shorten(text: str, limit: int) -> str:
    """At most ``limit`` bytes of a text, cut between two characters."""
    data = text.encode()
    return text if len(data) <= limit else data[:limit].decode(errors="ignore")
