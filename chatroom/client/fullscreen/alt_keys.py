"""What a terminal sends for a key with an Escape before it: Alt and the key, or Esc and then the key.

The bytes are the same. If they come apart, Textual's time limit tells the two from each other; on a busy machine they
are read at once. Textual 8 by itself reads some of them as the characters that a Mac would type with Alt, and others
only after a pause, or with a "^" for the Escape. A terminal with the Kitty keyboard protocol needs none of this.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

from textual import events
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._xterm_parser import XTermParser
from textual.message import Message

_ESC = "\x1b"
_INTRODUCERS = "[O"
"""What begins a longer sequence behind an Escape: CSI and SS3."""
_ALT_ONLY = {"\r": "alt+enter", "\n": "alt+enter", "\x7f": "alt+backspace", "\x08": "alt+backspace"}
_ARROWS = {"\x1b[1;3A": "alt+up", "\x1b[1;3B": "alt+down", "\x1b[1;3C": "alt+right", "\x1b[1;3D": "alt+left"}
_BACK_TAB = "\x1b\t"  # of old terminals


class EscapedKey(events.Key):
    """A key that types a character, with an Escape before it. Its name is that of the Alt key."""

    def __init__(self, plain: str, character: str) -> None:
        held = "alt+shift" if len(plain) == 1 and plain.isupper() else "alt"
        super().__init__(f"{held}+{plain.lower()}", character)
        self.plain = plain
        """The name of the key without Alt."""
        self.is_followed = False
        """True if a character was read at once with it: few people type on before they see what an Alt key does."""


class KeyParser(XTermParser):
    """Textual's parser, which reads each character behind an Escape as ``EscapedKey``."""

    def feed(self, data: str) -> Iterable[Message]:
        """Take what the terminal has sent, and return what that means."""
        messages = list(super().feed(data))
        for message, following in pairwise(messages):
            if isinstance(message, EscapedKey):
                message.is_followed = isinstance(following, events.Key) and following.is_printable
        return messages

    def _sequence_to_key_events(self, sequence: str, alt: bool = False) -> Iterable[events.Key]:
        if alt:  # Textual has waited for more, and none came
            yield from self._behind_escape(sequence)
        elif sequence in _ARROWS:
            yield events.Key(_ARROWS[sequence], None)
        elif len(sequence) == 2 and sequence[0] == _ESC and sequence[1] not in _INTRODUCERS and sequence != _BACK_TAB:
            yield from self._behind_escape(sequence[1])
        elif len(sequence) == 3 and sequence.startswith("\x1bO") and sequence not in ANSI_SEQUENCES_KEYS:
            yield from self._behind_escape("O")
            yield from super()._sequence_to_key_events(sequence[2])
        else:
            yield from super()._sequence_to_key_events(sequence)

    def _behind_escape(self, character: str) -> Iterator[events.Key]:
        if character in _ALT_ONLY:
            yield events.Key(_ALT_ONLY[character], None)
            return
        for event in super()._sequence_to_key_events(character):
            if event.is_printable and event.character is not None:
                yield EscapedKey(event.key, event.character)
            else:
                yield events.Key("escape", _ESC)
                yield event
