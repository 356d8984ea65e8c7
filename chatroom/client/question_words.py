"""The questions of a chat in words, as both screens ask them, one input at a time."""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol

from chatroom.client.actions import Choose
from chatroom.client.chat_events import Denied, Event, Info
from chatroom.client.chat_session import Question
from chatroom.client.later_login import AccountPassword
from chatroom.client.login_steps import PROMPTS
from chatroom.client.new_account import NewPassword

UNASKED_LINES = 5
"""A text of more lines is sent only after a question: it may be a paste by mistake."""
NOTHING_SENT = "Nothing was sent. The arrow up brings the text back."


class AskUser(Protocol):
    """What a screen has for one input."""

    async def __call__(self, words: str, *, secret: bool = False, default: str = "") -> str | None:
        """Ask. None: the question is no longer open. Raises what the screen has for a refusal."""


class Answer(NamedTuple):
    """What came of a question."""

    text: str | None
    """The answer; None if the question is no longer open, or is to be asked again."""
    told: Event | None = None
    """What to tell the user."""


def can_be_dropped(question: Question) -> bool:
    """True if the chat goes on without an answer."""
    return isinstance(question, NewPassword | AccountPassword | Choose)


async def ask_in_words(question: Question, ask: AskUser) -> Answer:
    """Ask a question of a session."""
    if isinstance(question, NewPassword):
        return await _ask_new_password(question.name, ask)
    if isinstance(question, Choose):
        return Answer(await ask(question.words))
    if isinstance(question, AccountPassword):
        return Answer(await ask(f"Password for {question.name}: ", secret=True))
    if question.is_yes_or_no:
        return Answer(await ask(PROMPTS[question.kind]))
    if question.kind == "nick":
        text = await ask("Another nickname: ", default=question.name)
        return Answer((text or "").strip() or None)
    whose = question.name if question.kind == "password" else "the server"
    hint = " (leave empty for another nick)" if question.kind == "password" else ""
    return Answer(await ask(f"Password for {whose}{hint}: ", secret=True))


async def _ask_new_password(name: str, ask: AskUser) -> Answer:
    first = await ask(f"New password for {name}: ", secret=True)
    if not first:
        return Answer(first, Info("Nothing was registered."))
    again = await ask("Repeat the password: ", secret=True)
    if again is not None and again != first:
        return Answer("", Denied("The passwords differ; nothing was registered."))
    return Answer(again)


async def ask_about_lines(count: int, place: str, ask: AskUser) -> Literal["send", "edit", "cancel"]:
    """Ask what is to become of a text of many lines."""
    answer = await ask(f"{count} lines to {place or 'no channel'}? (s)end, (e)dit, (c)ancel: ")
    answer = (answer or "").strip().lower()
    if answer and "send".startswith(answer):
        return "send"
    return "cancel" if answer and "cancel".startswith(answer) else "edit"


async def choose_password(name: str, ask: AskUser) -> str:
    """Ask for a new password until it was typed twice. Empty if the user types none."""
    why = ""
    while True:
        first = await ask(f"{why}New password for {name}: ", secret=True)
        if not first or await ask("Repeat the password: ", secret=True) == first:
            return first or ""
        why = "The passwords differ. "
