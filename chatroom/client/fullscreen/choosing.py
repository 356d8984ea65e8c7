"""What can be chosen from a list: places, commands, keys, mentions, what was typed, links."""

from __future__ import annotations

from collections.abc import Callable

from chatroom.client.fullscreen.chooser import Choice, Chooser, Find, among
from chatroom.client.fullscreen.entry_words import LINK
from chatroom.client.fullscreen.found_messages import Finding
from chatroom.client.fullscreen.key_map import KeyMap
from chatroom.client.fullscreen.program import Program
from chatroom.client.fullscreen.side_rows import news, numbered
from chatroom.client.fullscreen.typed_history import TypedHistory
from chatroom.client.key_table import KEYS, TOPICS
from chatroom.client.slash_commands import COMMANDS

_MOST_LINKS = 100
_COMMANDS = [
    Choice(f"/{command.name} ", f"/{command.name} {command.usage}".rstrip(), command.help) for command in COMMANDS
]


class Choosing:
    """Opens the lists. ``perform`` carries out an action of the keys, ``finding`` goes to messages."""

    def __init__(
        self,
        app: Program,
        history: TypedHistory,
        perform: Callable[[str], object],
        finding: Finding,
        keys: KeyMap,
    ) -> None:
        self._app = app
        self._history = history
        self._perform = perform
        self._finding = finding
        self._keys = keys
        self.actions: dict[str, Callable[[], object]] = {
            "help": self.show_keys,
            "commands": self.show_commands,
            "jump": self.jump,
            "mentions": self.show_mentions,
            "find-typed": self.find_typed,
            "links": self.show_links,
        }

    def _open(self, title: str, find: Find, then: Callable[[str], object], *, typed: str = "", empty: str = "") -> None:
        self._app.open_chooser(Chooser(title, find, then, typed=typed, empty=empty or "Nothing matches."))

    def show_keys(self) -> None:
        """Show all keys by topic; Enter carries the chosen one out."""
        choices = [
            Choice(key.action, f"{self._keys.shown(key):<24}", f"{key.help} ({TOPICS[key.topic]})") for key in KEYS
        ]
        self._open("Keys", among(choices), self._perform)

    def show_commands(self) -> None:
        """Show all commands with their help; Enter puts the chosen one into the composer."""
        self._open("Command", among(_COMMANDS), self._type)

    def _type(self, text: str) -> None:
        self._app.chat.composer.editor.set(text)
        self._app.chat.composer.changed()

    def jump(self) -> None:
        """Go to a place by a part of its name, or find a command."""
        session = self._app.session
        if session is None:
            return
        numbers = numbered(session.places)
        places = {f"{index}": place for index, place in enumerate(session.places)}
        key_of = self._keys.first
        choices = [
            Choice(
                index, place.name, " ".join(filter(None, [news(place), key_of(f"place-{numbers.get(place, 'none')}")]))
            )
            for index, place in places.items()
        ]

        def go(chosen: str) -> None:
            if chosen in places:
                self._finding.turn_to(places[chosen])
            else:
                self._type(chosen)

        self._open("Go to", among([*choices, *_COMMANDS]), go)

    def show_mentions(self) -> None:
        """List the messages that speak to the user; Enter goes there."""
        session = self._app.session
        if session is None:
            return
        mentions = {f"{number}": mention for number, mention in enumerate(reversed(session.places.mentions))}
        choices = []
        for number, (place, entry) in mentions.items():
            said = entry.said
            text = f"{entry.at.astimezone():%d %b %H:%M} {place.name}"
            choices.append(Choice(number, text, f"{said.nick}: {said.text}" if said is not None else ""))

        def go(number: str) -> None:
            self._finding.show(*mentions[number])

        self._open("Mentions", among(choices), go, empty="Nobody has spoken to you.")

    def find_typed(self) -> None:
        """Search what was typed before; Enter puts it into the composer."""

        def find(typed: str) -> list[Choice]:
            return [Choice(text, text.replace("\n", " ⏎ ")) for text in self._history.find(typed)]

        self._open("Typed", find, self._type, typed=self._app.chat.composer.editor.text.strip())

    def show_links(self) -> None:
        """List the links of the log that is shown; Enter opens one, or copies it where no browser is."""
        front = self._app.session.places.front if self._app.session is not None else None
        if front is None:
            return
        links: dict[str, str] = {}
        for entry in reversed(front.log.entries):
            said = entry.said
            for link in LINK.findall(said.text) if said is not None else ():
                links.setdefault(link, said.nick if said is not None else "")
            if len(links) >= _MOST_LINKS:
                break
        choices = [Choice(link, link, nick) for link, nick in links.items()]
        self._open("Link", among(choices), self._app.terminal.open_link, empty="No link was said here.")
