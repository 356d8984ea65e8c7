"""What each action of the table of keys does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from chatroom.client.completion import ChatCompleter
from chatroom.client.format_keys import COLOUR_HINT, FORMAT_KEYS, HINT
from chatroom.client.formatting import COLOUR
from chatroom.client.fullscreen.choosing import Choosing
from chatroom.client.fullscreen.found_messages import Finding
from chatroom.client.fullscreen.key_map import KeyMap
from chatroom.client.fullscreen.link_opening import LinkOpening, link_in, link_with_token
from chatroom.client.fullscreen.menus import Menus
from chatroom.client.fullscreen.program import Program
from chatroom.client.fullscreen.questions import Refused
from chatroom.client.fullscreen.tab_cycle import TabCycle
from chatroom.client.fullscreen.turning import Turning
from chatroom.client.fullscreen.typed_history import TypedHistory
from chatroom.client.question_words import NOTHING_SENT, UNASKED_LINES, ask_about_lines
from chatroom.client.servers import SessionEvents
from chatroom.client.text import well_formed
from chatroom.client.typed_lines import spoken_lines

_BUFFER = ("/buffer", "/b")
_IN_QUESTIONS = ("send", "stop", "leave", "suspend", "repaint")
"""What can be done while the user is asked something, besides changing the text."""


class KeyActions:
    """Carries out keys. One for the program."""

    def __init__(self, app: Program, history: TypedHistory, keys: KeyMap) -> None:
        self.history = history
        self._app = app
        self._composer = app.chat.composer
        self._editor = self._composer.editor
        self._tab = TabCycle(self._editor)
        self._turning = Turning(app)
        self.turn_to = self._turning.turn_to
        """Brings a place in front."""
        self._finding = Finding(app, self.turn_to, keys)
        self._keys = keys
        self._choosing = Choosing(app, self.history, self.perform, self._finding, keys)
        self._links = LinkOpening(app)
        self.menus = Menus(app, self.start, self.carry_out)
        self._awaits_format = False  # the next key says which formatting code is meant
        self._tasks: set[asyncio.Task[None]] = set()
        self._unbegun = 0  # tasks that have not had their first turn
        self._edits = self._make_edits()
        self._others = self._make_others()

    def _make_edits(self) -> dict[str, Callable[[], object]]:
        """What changes the text, or moves the cursor in it."""
        editor = self._editor
        return {
            "new-line": lambda: editor.insert("\n"),
            "left": editor.left,
            "right": editor.right,
            "word-left": editor.word_left,
            "word-right": editor.word_right,
            "home": editor.home,
            "end": editor.end,
            "backspace": editor.backspace,
            "delete": editor.delete,
            "kill-word": editor.kill_blank_word,
            "kill-word-before": editor.kill_word_before,
            "kill-word-after": editor.kill_word_after,
            "kill-to-start": editor.kill_to_start,
            "kill-to-end": editor.kill_to_end,
            "yank": editor.yank,
            "yank-older": editor.yank_older,
            "transpose": editor.transpose,
            "undo": editor.undo,
        }

    def _make_others(self) -> dict[str, Callable[[], object]]:
        app, log = self._app, self._app.chat.log_widget
        return {
            "send": self._send,
            "complete": lambda: self._complete(1),
            "complete-back": lambda: self._complete(-1),
            "older": self._older,
            "newer": self._newer,
            "stop": self._stop,
            "leave": self._leave,
            "suspend": app.action_suspend_process,
            "editor": self._open_editor,
            "format": self._begin_format,
            "repaint": app.paint_anew,
            "names": self._toggle_names,
            "bare": self._toggle_bare,
            "page-up": self._page_up,
            "page-down": self._page_down,
            "line-up": lambda: log.scroll_rows(-1),
            "line-down": lambda: log.scroll_rows(1),
            "oldest": log.to_begin,
            "newest": self._to_newest,
            "unread-line": self._to_unread,
            **self._turning.actions,
            **self._choosing.actions,
            **self._finding.actions,
            **self.menus.actions,
        }

    @property
    def names(self) -> set[str]:
        """The actions that can be carried out."""
        return {*self._edits, *self._others}

    # Keys

    def press(self, key: str, character: str) -> None:
        """Act on a key. ``character`` is what it types; empty for none."""
        if self._awaits_format and self._format(key, character):
            return
        action = self._keys.action_of(key)
        if action == "leave" and self._editor.text:
            action = "delete"
        if action:
            self.perform(action)
        elif character:
            self._editor.insert(character)
            self._changed()

    def _changed(self) -> None:
        """Paint the text after the user has changed it. Others see that the user types."""
        self._composer.changed()
        session = self._app.session
        if session is not None and not self._app.questions.is_open and not session.login_open:
            session.talk.typed(self._editor.text)

    def perform(self, action: str) -> None:
        """Carry out an action."""
        if action in self._edits:
            self._edits[action]()
            self._changed()
        elif self._app.questions.is_open and action not in _IN_QUESTIONS:
            if action == "newest":
                self._app.questions.refuse()
        else:
            self._others[action]()

    def paste(self, text: str) -> None:
        """Insert a pasted text."""
        text = well_formed(text).replace("\r\n", "\n").replace("\r", "\n")
        link = link_in(text)
        if self._app.questions.is_open:
            text = text.split("\n")[0]
        elif link and not self._editor.text and self._app.session is not None and self._app.session.online:
            self.start(self._links.offer(link))
            return
        self._editor.insert(text)
        self._composer.changed()

    def type_only(self, character: str) -> None:
        """Insert a character, whatever is asked or waited for. A line break is none where one line is asked for."""
        if character and not (character == "\n" and self._app.questions.is_open):
            self._editor.insert(character)
            self._composer.changed()

    def is_typed(self, alt_key: str, *, is_followed: bool) -> bool:
        """Tell if an Alt key was no Alt key, but Esc and the key: if it means nothing where it is pressed.

        ``is_followed``: more was typed right behind it. A question without that stays as it is: an Alt key by mistake
        must not close it, and even less send the rest of a password to a room. The same is true of Alt-/, with which
        commands would be messages to another place.
        """
        action = self._keys.action_of(alt_key)
        if self._app.questions.is_open:
            is_known = action in self._edits or action in _IN_QUESTIONS
            return is_followed and not is_known and not self._composer.is_secret
        return not action or (is_followed and alt_key == "alt+slash")

    @property
    def is_beginning(self) -> bool:
        """True if a dialogue was started that has not had its first turn."""
        return self._unbegun > 0

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a dialogue with the user beside the chat. An error in it ends the program."""
        self._unbegun += 1
        task = asyncio.create_task(self._begin(work))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        self._unbegun -= 1
        await work

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception) and not isinstance(error, Refused):
            self._app.fail(error)

    # Text

    def _send(self) -> None:
        app, questions = self._app, self._app.questions
        if questions.is_open:
            questions.enter(self._editor.text)
            return
        if app.session is None:
            return
        session = app.session
        text = self._editor.text
        if session.login_open:
            self._editor.clear()
            self._composer.changed()
            if text.strip() == "/quit":
                app.leave()
            elif text:
                # Perhaps a password, typed while the server still checked another one.
                app.tell("What you typed before the login was over is dropped.")
            return
        count = len(spoken_lines(text))
        if count > UNASKED_LINES and session.online:
            self.start(self._send_after_question(text, count))
        else:
            self.enter(text)

    async def _send_after_question(self, text: str, count: int) -> None:
        place = self._app.session.target if self._app.session is not None else None
        try:
            answer = await ask_about_lines(count, place or "", self._app.questions.ask)
        except Refused:
            answer = "cancel"
        if answer == "send":
            self.enter(text)
        elif answer == "cancel":
            self.history.add(text)
            self._editor.clear()
            self._composer.changed()
            self._app.tell(NOTHING_SENT)

    def enter(self, text: str) -> None:
        """Say a text, or carry out a command."""
        app = self._app
        if app.session is None:
            return
        self.history.add(text, app.session.target or "")
        self._editor.clear()
        self._composer.changed()
        verb, _, number = text.strip().partition(" ")
        if link := link_with_token(text):
            self.start(self._links.open(link))
            return
        # int() refuses thousands of digits.
        is_number = verb in _BUFFER and number.isdecimal() and len(number) < 10
        place = app.chat.place_number(int(number)) if is_number else None
        if place is not None:
            self.turn_to(place)
            return
        self._to_newest()
        app.session.enter(text)
        app.woken()

    def carry_out(self, command: str) -> None:
        """Carry out a command that the user has chosen instead of typing it. What is typed stays."""
        if self._app.session is not None:
            self._app.session.enter(command)
            self._app.woken()

    def _complete(self, step: int) -> None:
        if self._app.session is None or self._app.session.login_open:
            return
        listed = self._tab.press(ChatCompleter(self._app.session), step)
        self._composer.changed()
        if listed:
            self._app.chat.flash(listed)

    def _older(self) -> None:
        if not self._editor.up():
            self._show(self.history.older(self._editor.text))
        self._composer.changed()

    def _newer(self) -> None:
        if not self._editor.down():
            self._show(self.history.newer(self._editor.text))
        self._composer.changed()

    def _show(self, text: str | None) -> None:
        if text is not None:
            self._editor.set(text)

    def _stop(self) -> None:
        app = self._app
        if app.questions.is_open:
            app.questions.refuse()
        elif app.session is None:
            app.stop_asking()
        else:
            stopped = app.session.stop()
            if stopped:
                app.refresh_chat()
            elif self._editor.text:
                self.history.add(self._editor.text)
                self._editor.clear()
                self._composer.changed()
            else:
                app.tell("/quit or Ctrl-D leaves the chat.")

    def _leave(self) -> None:
        if self._app.questions.is_open:
            self._app.questions.refuse()
        else:
            self._app.leave()

    def _open_editor(self) -> None:
        from chatroom.client.fullscreen.text_editor import edit

        text = edit(self._app, self._editor.text)
        if text is not None:
            self._editor.set(text)
            self._composer.changed()

    def _begin_format(self) -> None:
        self._awaits_format = True
        self._app.chat.flash(HINT)

    def _format(self, key: str, letter: str) -> bool:
        """Insert the formatting code of a letter. False for a key without a character, which means what it always does.

        Esc ends the waiting and no more.
        """
        self._awaits_format = False
        code = FORMAT_KEYS.get(letter.lower())
        if code is None:
            return bool(letter) or key == "escape"
        self._editor.insert(code)
        self._changed()
        if code == COLOUR:
            self._app.chat.flash(COLOUR_HINT)
        return True

    # What is shown

    def _toggle_names(self) -> None:
        self._app.chat.wants_names = not self._app.chat.wants_names
        self._app.chat.fit_parts()

    def _toggle_bare(self) -> None:
        log = self._app.chat.log_widget
        log.is_bare = not log.is_bare
        log.repaint()
        self._app.chat.fit_parts()
        self._app.terminal.set_mouse(not log.is_bare)

    def _page_up(self) -> None:
        log = self._app.chat.log_widget
        log.scroll_page(-1)
        excerpt = self._app.chat.excerpt
        if log.is_at_top and excerpt is not None:
            excerpt.ask_older()
        elif log.is_at_top:
            self._app.ask_older()

    def _page_down(self) -> None:
        chat = self._app.chat
        chat.log_widget.scroll_page(1)
        excerpt = chat.excerpt
        if excerpt is not None and chat.log_widget.follows:
            entry = excerpt.newest_of_log
            if entry is not None:
                self._finding.show(excerpt.of, entry)  # the log goes on here
            else:
                excerpt.ask_newer()

    def _to_newest(self) -> None:
        self._app.chat.end_excerpt()
        self._app.chat.log_widget.to_end()

    def hear(self, news: SessionEvents) -> None:
        """Take what a server has sent: what was searched for is shown, and menus follow their users."""
        self.menus.hear(news)
        self._finding.hear(news)

    def _to_unread(self) -> None:
        front = self._app.session.places.front if self._app.session is not None else None
        self._app.chat.end_excerpt()
        if front is None or front.first_unread is None or not self._app.chat.log_widget.to_entry(front.first_unread):
            self._app.chat.flash("Nothing is new here.")
