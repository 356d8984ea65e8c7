"""The screen of the chat: topic, places, log, names, composer. It paints what the session and the places have."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.screen import Screen

from chatroom.client.chat_session import ChatSession
from chatroom.client.fullscreen.arrangement import Arrangement, arrange
from chatroom.client.fullscreen.cells import drawable, shorten
from chatroom.client.fullscreen.composer import Composer
from chatroom.client.fullscreen.excerpt import Excerpt
from chatroom.client.fullscreen.key_map import KeyMap
from chatroom.client.fullscreen.log_widget import LogWidget
from chatroom.client.fullscreen.look import Looks
from chatroom.client.fullscreen.prompt_words import hint_of, prompt_of, state_of
from chatroom.client.fullscreen.side_rows import name_rows, numbered, place_line, place_rows, topic_row
from chatroom.client.fullscreen.side_widgets import RowsWidget
from chatroom.client.fullscreen.themes import Theme
from chatroom.client.places.log_entry import Entry
from chatroom.client.places.place import Place
from chatroom.client.rendering import Fragment
from chatroom.client.servers import Servers


class ChatScreen(Screen[None]):
    """Shows one place and the list of all."""

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = []
    DEFAULT_CSS = """
    ChatScreen { layout: vertical; overflow: hidden; }
    #topic, #line, #rule { height: 1; width: 100%; }
    #middle { height: 1fr; width: 100%; }
    #places, #names { width: 16; height: 100%; }
    """

    def __init__(self, looks: Looks, keys: KeyMap) -> None:
        super().__init__()
        self.looks = looks
        self._keys = keys
        self.servers: Servers | None = None
        """The chat; None until the user has answered the first questions."""
        self.lag_ms: int | None = None
        """How long the server took for its last answer; None if that is not known."""
        self.wants_names = True
        self.question: list[Fragment] | None = None
        """What is asked instead of the prompt; None for no question."""
        self._flash = ""
        self.excerpt: Excerpt | None = None
        """What is shown in place of the log of the place in front; None for the log itself."""
        self.topic = RowsWidget(looks, base="bar", id="topic")
        self.places = RowsWidget(looks, id="places")
        self.log_widget = LogWidget(looks)
        self.names = RowsWidget(looks, id="names")
        self.line = RowsWidget(looks, id="line")
        self.rule = RowsWidget(looks, id="rule")
        self.composer = Composer(looks)
        self._shown: Place | None = None
        self._painted: object = None  # what the lists were painted for

    @property
    def session(self) -> ChatSession | None:
        """The chat on the server of the place in front."""
        return self.servers.current if self.servers is not None else None

    def compose(self) -> ComposeResult:
        """Make the parts."""
        yield self.topic
        with Horizontal(id="middle"):
            yield self.places
            yield self.log_widget
            yield self.names
        yield self.line
        yield self.rule
        yield self.composer

    # The size

    def on_resize(self) -> None:
        """Arrange the parts for the size."""
        self.fit_parts()

    def fit_parts(self) -> None:
        """Show the parts that fit."""
        fits = self.fits
        is_bare = self.log_widget.is_bare
        self.topic.display = fits.topic
        self.places.display = fits.places_list and not is_bare
        self.line.display = not fits.places_list
        self.names.display = self._has_names and not is_bare
        for side in (self.places, self.names):
            side.styles.width = fits.side_columns
        self._painted = None
        self.paint()

    def on_rows_widget_resized(self) -> None:
        """Paint the lists for the width that they have now."""
        self._painted = None
        self.paint()

    @property
    def fits(self) -> Arrangement:
        """What fits into the terminal."""
        size = self.app.size
        return arrange(size.width, size.height, wants_names=self.wants_names)

    @property
    def _has_names(self) -> bool:
        return self.fits.names and self._shown is not None and self._shown.kind == "channel"

    # Painting

    def wear(self, theme: Theme) -> None:
        """Show everything in a theme."""
        if self.looks.wear(theme):
            self.styles.background = theme.background
            for part in (self.topic, self.places, self.log_widget, self.names, self.line, self.rule, self.composer):
                part.refresh()

    def paint(self) -> None:
        """Paint what has changed since the last time."""
        if not self.is_mounted:
            return
        session = self.session
        if session is None:
            self._paint_prompt()
            return
        front = session.places.front
        changed = session.places.take_changes()
        if front is not None and front is not self._shown:
            self._turn(front)
        if front is not None and front in changed:
            self.log_widget.repaint()
        shown = self.is_at_newest, self.excerpt, self._way_back
        state = (session.places.revision, self.app.size, self.lag_ms, shown, tuple(state_of(session, self.lag_ms)))
        if changed or state != self._painted:
            self._painted = state
            self._paint_around(session)
        self.offer_draft()
        self._paint_prompt()

    def _turn(self, front: Place) -> None:
        """Show another place, with what was typed there."""
        if self.question is None:
            self.keep_draft()
        had_names = self.names.display
        self._shown, self.excerpt = front, None
        self.log_widget.show_place(front)
        if self.session is not None:
            self.log_widget.forget(set(self.session.places))
            self.log_widget.me = self.session.state.nick
        if self.question is None:
            self.restore_draft()
        if had_names != (self._has_names and not self.log_widget.is_bare):
            self.fit_parts()

    def show_excerpt(self, excerpt: Excerpt, entry: Entry) -> None:
        """Show an excerpt in place of the log, at an entry."""
        self.excerpt = excerpt
        self.log_widget.show_place(excerpt.place)
        self.log_widget.to_entry(entry)
        self.flash("")

    def end_excerpt(self) -> None:
        """Show the log of the place in front again, if an excerpt is shown."""
        if self.excerpt is not None and self._shown is not None:
            self.excerpt = None
            self.log_widget.show_place(self._shown)
            if self.session is not None:
                self.log_widget.forget(set(self.session.places))

    @property
    def is_at_newest(self) -> bool:
        """True if the newest messages of the place in front are shown."""
        return self.excerpt is None and self.log_widget.follows

    def keep_draft(self) -> None:
        """Keep what is typed as the draft of its place. What the session has put there stands behind it.

        What nobody may read is dropped: it may be a password.
        """
        if self._shown is not None and not self.composer.is_hidden:
            self._shown.draft = "\n".join(filter(None, [self.composer.editor.text, self._shown.draft]))
        self.composer.editor.clear()

    def restore_draft(self) -> None:
        """Go on with the draft of the place that is shown."""
        self.composer.editor.clear()
        self.offer_draft()
        self.composer.changed()

    def offer_draft(self) -> None:
        """Put the draft of the place that is shown into the composer, if nothing is typed there.

        Not before the login is decided: what stands in the composer then is dropped.
        """
        place, editor = self._shown, self.composer.editor
        is_free = self.question is None and not (self.session is not None and self.session.login_open)
        if place is not None and place.draft and not editor.text and is_free:
            editor.set(place.draft)
            place.draft = ""
            self.composer.changed()

    def _paint_around(self, session: ChatSession) -> None:
        """Paint the topic and the lists."""
        width = self.app.size.width
        front = session.places.front
        self.log_widget.me = session.state.nick
        self.log_widget.is_formatted = session.settings.current.look.formatting
        if front is not None:
            state = state_of(session, self.lag_ms)
            self.topic.show([topic_row(front, state, width)])
        if self.places.display:
            index = list(session.places).index(front) if front is not None else None
            self.places.show(place_rows(session.places, self.places.size.width - 1), index)
        if self.line.display:
            self.line.show([place_line(session.places, width)])
        if self.names.display and front is not None and self.log_widget.shown is not None:
            self.names.show(name_rows(front, self.log_widget.shown.colours))
        self.rule.show([self._rule(front, width)])

    def flash(self, text: str) -> None:
        """Show a short text above the composer, until the next key."""
        if text != self._flash:
            self._flash = drawable(text)
            self.rule.show([self._rule(self._shown, self.app.size.width)])

    def _rule(self, front: Place | None, width: int) -> list[Fragment]:
        """The row above the composer: a short text, or who is typing and if newer messages are below."""
        if self._flash:
            return [("rule", "── "), ("", shorten(self._flash, width - 4)), ("rule", " " + "─" * width)]
        words = ""
        if front is not None and front.typists.nicks:
            nicks = front.typists.nicks
            words = drawable(f" {', '.join(nicks[:3])} {'is' if len(nicks) == 1 else 'are'} typing ")
        if self.excerpt is not None:
            at = self.excerpt.said.at
            words += f" as of {at:%d %B %Y}{self._way_back} " if at is not None else f"{self._way_back} "
        elif not self.log_widget.follows:
            words += f" older messages{self._way_back} "
        return [("rule", f"──{words}" + "─" * width)]

    @property
    def _way_back(self) -> str:
        key = self._keys.first("newest")
        return f" · {key} to the newest" if key else ""

    def _paint_prompt(self) -> None:
        is_hidden = self.question is None and self.session is not None and self.session.login_open
        if is_hidden != self.composer.is_hidden:
            if is_hidden:
                self.keep_draft()  # what stands there was typed before, and is for the place
            self.composer.is_hidden = is_hidden
            self.composer.changed()
        if self.question is not None:
            self.composer.show(self.question, "")
        elif self.session is not None:
            self.composer.show(prompt_of(self.session, self._shown), "" if is_hidden else hint_of(self._keys))

    def paint_typed(self) -> None:
        """Paint what is typed, at once and alone. Textual would let it wait for its next paint, with the log.

        It does wait if the composer gets another height, because then all is arranged anew.
        """
        height = self.composer.styles.height
        is_fit = height is not None and height.value == self.composer.size.height
        if self.app.screen is self and is_fit and not self.app._batch_count:
            self._compositor.update_widgets({self.composer})
            self.app._display(self, self._compositor.render_update(screen_stack=self.app._background_screens))

    def place_number(self, number: int) -> Place | None:
        """Return the place with a number; None if there is none."""
        places = numbered(self.session.places) if self.session is not None else {}
        return next((place for place, its in places.items() if its == number), None)
