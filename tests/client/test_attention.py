"""What calls the user, and the bell."""

from __future__ import annotations

import pytest

from chatroom.client.attention import Bell, calls
from chatroom.client.chat_events import Event, Joined, Said
from chatroom.client.chat_state import State
from chatroom.client.mentioning import mentions_any
from chatroom.client.rendering import render


@pytest.fixture
def state() -> State:
    """The state of alice."""
    state = State()
    state.reset("alice", set())
    return state


@pytest.mark.parametrize(
    "event, expected",
    [
        (Said("#tea", "bob", "hi Alice!"), True),
        (Said("#tea", "bob", "the Build Failed again"), True),
        (Said("#tea", "bob", "malice, rebuild failed"), False),
        (Said("bob", "bob", "psst"), True),
        (Said("bob", "bob", "psst", "notice"), False),
        (Said("#tea", "alice", "I am alice", mine=True), False),
        (Said("#tea", "bob", "alice?", missed=True), False),
        (Joined("alice", "#tea"), False),
    ],
)
def test_what_calls(state: State, event: Event, expected: bool) -> None:
    """The nick and the words call as whole words in any case; so does a direct message, and nothing else."""
    assert calls(event, state, ("build failed",)) is expected


def test_no_word_is_no_mention() -> None:
    """An empty nick, before there is one, is in no text."""
    assert not mentions_any("hello", ["", "ell"])


def test_words_stand_out() -> None:
    """A message with one of the words has the style of a mention."""
    (line,) = render(Said("#tea", "bob", "tea is ready"), "alice", ("tea",))
    assert line.words[-1] == ("mention", "tea is ready")


class Recorder:
    """A terminal that counts its rings."""

    rings = 0

    def bell(self) -> None:
        """Count."""
        self.rings += 1

    def flush(self) -> None:
        """Do nothing."""


def test_the_bell_pauses() -> None:
    """However many messages call, the bell rings once in two seconds."""
    clock = [0.0]
    terminal = Recorder()
    bell = Bell(terminal, lambda: clock[0])
    for clock[0] in (0.0, 0.5, 1.9, 2.0, 3.9, 4.5):
        bell.ring()
    assert terminal.rings == 3
