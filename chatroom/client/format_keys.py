"""The keys that type formatting codes: Alt-C, and then one of these letters."""

from __future__ import annotations

from chatroom.client.formatting import (
    BOLD,
    COLOUR,
    HEX_COLOUR,
    ITALIC,
    MONOSPACE,
    PLAIN,
    REVERSE,
    STRIKE,
    UNDERLINE,
)

FORMAT_KEYS = {
    "b": BOLD,
    "i": ITALIC,
    "u": UNDERLINE,
    "s": STRIKE,
    "v": REVERSE,
    "m": MONOSPACE,
    "c": COLOUR,
    "h": HEX_COLOUR,
    "o": PLAIN,
}
HINT = "b bold · i italic · u underline · s struck out · v reverse · m monospace · c colour · h RRGGBB · o plain"
COLOUR_HINT = "00 white 01 black 02 blue 03 green 04 red 06 purple 07 orange 08 yellow 10 teal 13 pink; 04,01: on black"
"""What to type after the code for a colour."""
