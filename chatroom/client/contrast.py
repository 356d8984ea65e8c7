"""Colours that can be read: how much two of them differ, and how one is changed until it can be read. Pure.

A colour is six hexadecimal digits. Source: WCAG 2.2, "contrast ratio" and success criterion 1.4.3.
"""

from __future__ import annotations

import colorsys
from functools import lru_cache

READABLE = 4.5
"""The least contrast of text that can be read."""
_STEPS = 20

_HUES = ((20, "red"), (70, "yellow"), (165, "green"), (200, "cyan"), (265, "blue"), (330, "magenta"), (360, "red"))
"""Up to which degree of the colour circle a colour is closest to this one of a terminal."""


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, from 1 to 21."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@lru_cache(1024)
def readable(ink: str, paper: str) -> str:
    """Return the colour nearest to ``ink`` on its way to white or to black that can be read on ``paper``."""
    if contrast(ink, paper) >= READABLE:
        return ink
    end = "ffffff" if contrast("ffffff", paper) >= contrast("000000", paper) else "000000"
    mixed = (_mix(ink, end, step / _STEPS) for step in range(1, _STEPS))
    return next((colour for colour in mixed if contrast(colour, paper) >= READABLE), end)


@lru_cache(1024)
def nearest_of_terminal(colour: str) -> str:
    """Return which of a terminal's six colours is nearest; empty for black, white and greys.

    A terminal's theme makes them readable on its background, which nobody but the terminal knows.
    """
    red, green, blue = (part / 255 for part in _parts(colour))
    if max(red, green, blue) - min(red, green, blue) < 0.15:
        return ""
    degrees = colorsys.rgb_to_hls(red, green, blue)[0] * 360
    return next(name for end, name in _HUES if degrees <= end)


def _luminance(colour: str) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (value / 255 for value in _parts(colour))
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _parts(colour: str) -> tuple[int, int, int]:
    return int(colour[:2], 16), int(colour[2:4], 16), int(colour[4:], 16)


def _mix(one: str, other: str, share: float) -> str:
    pairs = zip(_parts(one), _parts(other), strict=True)
    return "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)
