from __future__ import annotations

import pytest

from chatroom.irc.visible_text import strip_formats


@pytest.mark.parametrize(
    "sent, seen",
    [
        ("plain text, as most is", "plain text, as most is"),
        ("\x02b\x02o\x1dl\x1fd\x16 \x0f\x11\x1etext", "bold text"),
        ("\x0304,12red\x03 and \x033green", "red and green"),
        ("\x03,5 is a comma", ",5 is a comma"),
        ("\x04ff0000hex\x04", "hex"),
        ("\x03123", "3"),
        ("\x01ACTION waves\x01", "waves"),
        ("\x01VERSION\x01", "VERSION"),
        ("a\tb\nc", "a\tb\nc"),
        ("\x7f\x9bdel", "del"),
        ("ünïcödé", "ünïcödé"),
    ],
)
def test_readers_see_no_codes(sent: str, seen: str) -> None:
    """Codes go with their digits, and with nothing else."""
    assert strip_formats(sent) == seen
