"""If a text speaks of somebody."""

from __future__ import annotations

import re


def mentions(text: str, word: str) -> bool:
    """Tell if ``word``, for example the user's nick, is a word of the text, in any case."""
    # Not \b: a nick may begin or end with a character that is no part of a word, as in "[bob]".
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE) is not None
