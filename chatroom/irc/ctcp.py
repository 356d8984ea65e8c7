"""CTCP: messages that are for the reader's client.

Source: Modern IRC Documents, "Client-to-Client Protocol (CTCP)".
"""

from __future__ import annotations

_MARK = "\x01"
_ACTION = f"{_MARK}ACTION"


def is_ctcp_request(text: str) -> bool:
    """True if a client may answer the line by itself. An ACTION is CTCP in form only, and must be that whole word.

    Clients of ircII's family look for requests anywhere in the line, so one behind other text counts, or in an ACTION.
    """
    if _MARK not in text:
        return False
    if text.startswith((f"{_ACTION} ", f"{_ACTION}{_MARK}")):
        return _MARK in text[len(_ACTION) :].removesuffix(_MARK)
    return text.startswith(_MARK) or text.count(_MARK) > 1
