"""Fits texts into lines.

A list of words, or a text, may be too long for a line (``framing.LINE_BYTES``). Then it is sent in several.
"""

from __future__ import annotations

from collections.abc import Iterable


def pack_words(words: Iterable[str], separator: str, most_bytes: int) -> list[str]:
    """Join words, in order, to as few texts of at most ``most_bytes`` bytes as possible; to none without words.

    A word that is longer is a text by itself. No word may contain the separator.
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
    # One search for each text, instead of adding up words: a large channel has thousands of them.
    while len(data) - start > most_bytes:
        # The separator after the last word that fits may itself be beyond the limit.
        end = data.rfind(gap, start, start + most_bytes + len(gap))
        if end < 0:
            end = data.find(gap, start)
            if end < 0:
                break
        texts.append(data[start:end].decode())
        start = end + len(gap)
    texts.append(data[start:].decode())
    return texts


def split_text(text: str, most_bytes: int) -> list[str]:
    """Cut a text into pieces of at most ``most_bytes`` bytes, if possible behind a space. Joined, they are the text.

    ``most_bytes`` is at least 4, the length of the longest character. An empty text is one empty piece.
    """
    data = text.encode(errors="replace")
    pieces: list[str] = []
    while len(data) > most_bytes:
        piece = data[:most_bytes]
        # No later than half-way, so that a text of long words needs no more lines than it must.
        space = piece.rfind(b" ", most_bytes // 2) + 1
        # "ignore" drops the first bytes of a character that the cut splits.
        shown = (piece[:space] if space else piece).decode(errors="ignore")
        pieces.append(shown)
        data = data[len(shown.encode()) :]
    return [*pieces, data.decode()] if data or not pieces else pieces


def shorten(text: str, limit: int) -> str:
    """The first characters of a text that fit into ``limit`` bytes."""
    data = text.encode()
    return text if len(data) <= limit else data[:limit].decode(errors="ignore")
