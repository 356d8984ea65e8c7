"""If a text speaks of somebody."""

from __future__ import annotations

import re
from collections.abc import Iterable


def mentions(text: str, word: str) -> bool:
    """Tell if ``word``, for example the user's nick, is a word of the text, in any case."""
    # Not \b: a nick may begin or end with a character that is no part of a word, as in "[bob]".
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE) is not None


def mentions_any(text: str, words: Iterable[str]) -> bool:
    """Tell if one of ``words`` is a word of the text, as in ``mentions``. An empty one never is."""
    return any(mentions(text, word) for word in words if word)
