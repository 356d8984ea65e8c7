"""Many words in as few lines as they fit in.

A reply that lists nicks or channels may not fit in one line (512 bytes, Modern IRC Client Protocol, "Message Format");
it is sent in several then, each of them whole.
"""

from __future__ import annotations

from collections.abc import Iterable


def pack_words(words: Iterable[str], separator: str, most_bytes: int) -> list[str]:
    """The words joined to texts of at most ``most_bytes`` bytes each, in order; none where there are no words.

    A single word that is longer has a text of its own.
    """
    words = list(words)
    whole = separator.join(words)
    if words and len(whole.encode(errors="replace")) <= most_bytes:
        return [whole]
    texts: list[str] = []
    line: list[str] = []
    size = 0
    for word in words:
        length = (len(word) if word.isascii() else len(word.encode(errors="replace"))) + len(separator)
        if line and size + length - len(separator) > most_bytes:
            texts.append(separator.join(line))
            line, size = [], 0
        line.append(word)
        size += length
    if line:
        texts.append(separator.join(line))
    return texts
