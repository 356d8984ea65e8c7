"""Messages that were searched for, as lists from which one goes to the message in its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from chatroom.client.chat_events import ChannelRenamed, Said, SearchResult
from chatroom.client.chat_session import ChatSession
from chatroom.client.fullscreen.chooser import Choice, Chooser, among
from chatroom.client.fullscreen.excerpt import Excerpt
from chatroom.client.fullscreen.key_map import KeyMap
from chatroom.client.fullscreen.program import Program
from chatroom.client.places.log_entry import Entry
from chatroom.client.places.place import Place
from chatroom.client.servers import SessionEvents


class Finding:
    """Opens the lists, and goes to what is chosen. ``turn_to`` brings a place in front."""

    def __init__(self, app: Program, turn_to: Callable[[Place | None], None], keys: KeyMap) -> None:
        self._app = app
        self._keys = keys
        self.turn_to = turn_to
        self._found: tuple[ChatSession, list[Said]] | None = None
        self.actions: dict[str, Callable[[], object]] = {"find": self.find_here, "found": self.show_found}

    # Lists

    def hear(self, news: SessionEvents) -> None:
        """Take what a server has found, and follow channels to their new names."""
        for event in news.events:
            if isinstance(event, SearchResult):
                self.take(news.session, event)
            elif isinstance(event, ChannelRenamed) and self._found is not None and self._found[0] is news.session:
                fold, found = news.session.state.fold, self._found[1]  # an open list goes to what is in it then
                for index, said in enumerate(found):
                    if fold(said.conversation) == fold(event.old):
                        found[index] = replace(said, conversation=event.new)

    def take(self, session: ChatSession, result: SearchResult) -> None:
        """Take what a server has found, and show it unless the user does something else by now."""
        self._found = session, list(result.messages)
        app, count = self._app, len(result.messages)
        if not count:
            app.chat.flash("Nothing found.")
        elif app.questions.is_open or app.chat.composer.editor.text or not app.chat.is_current:
            found = f"Found {count} {'message' if count == 1 else 'messages'}"
            key = self._keys.first("found")
            app.chat.flash(f"{found}: {key} lists them." if key else f"{found}.")
        else:
            self.show_found()

    def show_found(self) -> None:
        """List what the last /search has found, newest first."""
        if self._found is None:
            self._app.chat.flash("Nothing was searched for yet. /search WORDS does it.")
            return
        session, messages = self._found
        if session.talk.here.home not in session.places:
            self._found = None
            self._app.chat.flash("You have left the server that has found something.")
            return
        several = len({said.conversation.lower() for said in messages}) > 1
        choices = [
            Choice(f"{index}", _moment_of(messages[index], several), _words(messages[index]))
            for index in reversed(range(len(messages)))
        ]
        then: Callable[[str], object] = lambda index: self._go_to_found(session, messages[int(index)])  # noqa: E731
        self._app.open_chooser(Chooser("Found", among(choices), then))

    def find_here(self) -> None:
        """List the messages of the place in front that the program has, for words to be typed."""
        session = self._app.session
        front = session.places.front if session is not None else None
        if session is None or front is None:
            return
        entries = {f"{entry.serial}": entry for entry in reversed(front.log.entries) if entry.said is not None}
        choices = [
            Choice(number, f"{entry.at.astimezone():%d %b %H:%M}", _words(entry.said))
            for number, entry in entries.items()
            if entry.said is not None
        ]
        empty = "Nothing matches. /search asks the server for older messages."
        self._app.open_chooser(
            Chooser("Search", among(choices), lambda number: self.show(front, entries[number]), empty=empty)
        )

    # Going there

    def _go_to_found(self, session: ChatSession, said: Said) -> None:
        here = session.talk.here
        self.go_to(session, here.find(said.conversation) or here.open(said.conversation), said)

    def go_to(self, session: ChatSession, place: Place, said: Said) -> None:
        """Bring the place of a message in front, and show the message with what was said around it."""
        self.turn_to(place)
        entry = place.log.find(said.id) if said.id else None
        if entry is not None:
            self.show(place, entry)
            return
        excerpt = Excerpt(session.talk, place, said, datetime.now(UTC), self._show_excerpt)
        if excerpt.ask():
            self._app.chat.flash("Asking the server for what was said there.")
        else:
            self._app.chat.flash("This server does not show what was said around a message.")

    def show(self, place: Place, entry: Entry) -> None:
        """Bring a place in front, at an entry of its log."""
        self.turn_to(place)
        self._app.chat.end_excerpt()
        if not self._app.chat.log_widget.to_entry(entry):
            said = entry.said
            if said is not None and self._app.session is not None:
                self.go_to(self._app.session, place, said)

    def _show_excerpt(self, excerpt: Excerpt) -> None:
        chat = self._app.chat
        if chat.excerpt is excerpt:
            chat.log_widget.repaint()
        elif chat.session is not None and chat.session.places.front is excerpt.of:
            entry = excerpt.entry
            if entry is None:
                chat.flash("The server does not show what was said there.")
            else:
                chat.show_excerpt(excerpt, entry)
        self._app.refresh_chat()


def _moment_of(said: Said, several: bool) -> str:
    at = f"{said.at.astimezone():%d %b %Y %H:%M}" if said.at is not None else ""
    return f"{at} {said.conversation}" if several else at


def _words(said: Said) -> str:
    return f"{said.nick}: {said.text}".replace("\n", " ⏎ ")
