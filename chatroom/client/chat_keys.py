"""The keys of the chat's prompt that differ from those of a shell."""

from __future__ import annotations

import contextlib
import os
import signal

from prompt_toolkit.application import in_terminal
from prompt_toolkit.input.vt100 import Vt100Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

chat_keys = KeyBindings()


class QuietInput(Vt100Input):
    """The terminal's keys. The terminal does not echo them while lines are printed above the prompt."""

    def cooked_mode(self) -> contextlib.AbstractContextManager[None]:
        """Change nothing: prompt_toolkit would switch the echo on."""
        return contextlib.nullcontext()

    def echoing_mode(self) -> contextlib.AbstractContextManager[None]:
        """The mode that a shell expects."""
        return super().cooked_mode()


@chat_keys.add("enter")
def _say(event: KeyPressEvent) -> None:
    """Say it. The prompt may have several lines, so by itself Enter would begin another one."""
    event.current_buffer.validate_and_handle()


@chat_keys.add("escape", "enter")
@chat_keys.add("escape", "c-j")
def _begin_line(event: KeyPressEvent) -> None:
    """Begin another line of the same message."""
    event.current_buffer.insert_text("\n")


@chat_keys.add("c-z")
def _suspend(event: KeyPressEvent) -> None:
    """Go back to the shell until ``fg``."""
    event.app.create_background_task(_until_resumed(event.app.input))


async def _until_resumed(keys: object) -> None:
    async with in_terminal():
        assert isinstance(keys, QuietInput)
        with keys.echoing_mode():
            os.kill(0, signal.SIGTSTP)  # the whole job, so that `make chat` stops too
