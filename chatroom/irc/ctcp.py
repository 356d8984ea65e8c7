"""CTCP: messages that are for the reader's client.

Source: Modern IRC Documents, "Client-to-Client Protocol (CTCP)".
"""

from __future__ import annotations


def is_ctcp_request(text: str) -> bool:
    """True if a client may answer the line by itself. An ACTION is CTCP in form only, and must be that whole word."""
    return text.startswith("\x01") and not text.startswith(("\x01ACTION ", "\x01ACTION\x01"))
