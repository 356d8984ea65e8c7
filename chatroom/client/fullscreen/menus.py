"""What can be done with a person and with a message, as lists to choose from."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from chatroom.client.chat_events import Denied, Event
from chatroom.client.chat_session import ChatSession
from chatroom.client.fullscreen.chooser import Choice, Chooser, Find, among
from chatroom.client.fullscreen.measures import Measures, may_moderate
from chatroom.client.fullscreen.moderation import Moderation
from chatroom.client.fullscreen.program import Program
from chatroom.client.places.log_entry import Entry
from chatroom.client.places.place import Place
from chatroom.client.servers import SessionEvents
from chatroom.client.whom import Whom

REACTIONS = ("👍", "❤", "😀", "😂", "😮", "😢", "🎉", "🙏", "👀", "✅", "❌")
_MOST_MESSAGES = 200
_DELETED = "That message has been deleted meanwhile, so nothing was sent."


class Menus:
    """Opens them. ``start`` runs a dialogue, ``enter`` carries out a command as if it were typed."""

    def __init__(
        self, app: Program, start: Callable[[Coroutine[Any, Any, None]], None], enter: Callable[[str], None]
    ) -> None:
        self._app = app
        self._start = start
        self._enter = enter
        self._measures = Measures(app, enter)
        # The user of the menu that was opened last, also while questions follow it.
        self._followed: tuple[ChatSession, Whom, Chooser] | None = None
        self.actions: dict[str, Callable[[], object]] = {
            "person": self.choose_person,
            "message": self.choose_message,
            **Moderation(app, self._measures, start, enter).actions,
        }

    @property
    def _here(self) -> tuple[ChatSession, Place] | None:
        session = self._app.session
        front = session.places.front if session is not None else None
        return (session, front) if session is not None and front is not None else None

    def _open(self, title: str, find: Find, then: Callable[[str], object], *, empty: str = "Nothing matches.") -> None:
        self._app.open_chooser(Chooser(title, find, then, empty=empty))

    # People

    def choose_person(self) -> None:
        """List who is here; Enter opens the menu of one."""
        if self._here is None:
            return
        _, place = self._here
        if place.kind == "conversation":
            self.open_person(place.name)
            return
        choices = [Choice(one.nick, one.signs[:1] + one.nick, one.person.display_name) for one in place.members]
        self._open("Person", among(choices), self.open_person, empty="Nobody is here.")

    def open_person(self, nick: str) -> None:
        """Show what can be done with somebody."""
        if self._here is None:
            return
        session, place = self._here
        room = place if place.kind == "channel" else None
        look_up = Choice("look-up", "Look up", "what the server knows")
        if session.state.is_me(nick):
            self._open(nick, among([look_up]), lambda action: self._enter(f"/whois {nick}"))
            return
        choices = [
            Choice("mention", "Speak to", "puts the nick into your text"),
            Choice("talk", "Talk in private", "opens a conversation"),
            look_up,
            Choice("ignore", "Ignore", "or read again"),
        ]
        if room is not None and may_moderate(session, room):
            name = room.name
            choices.append(Choice("kick", f"Kick from {name}", "removes; may come back"))
            if session.state.is_ours:  # other servers know no such mute, and lift no ban by themselves
                choices.append(Choice("mute", f"Mute in {name}", "keeps from speaking, for a time"))
            choices.append(Choice("ban", f"Ban from {name}", "keeps out" + ", for a time" * session.state.is_ours))
        if session.state.is_server_operator:
            shows = "shows who would be hit, then asks"
            choices += [
                Choice("kick-server", "Kick from the whole server", "disconnects"),
                Choice("ban-name", "Ban the name from the whole server", shows),
                Choice("ban-address", "Ban the address from the whole server", shows),
                Choice("ban-both", "Ban name and address from the whole server", shows),
            ]
        whom = Whom(session.state, nick)
        chooser = Chooser(nick, among(choices), lambda action: self._do(action, whom, room))
        self._followed = session, whom, chooser
        self._app.open_chooser(chooser)

    def hear(self, news: SessionEvents) -> None:
        """Take what has happened on a server: a menu follows its user, and is empty if the user leaves."""
        session, whom, chooser = self._followed or (None, None, None)
        if session is not news.session or whom is None or chooser is None:
            return
        before = whom.nick
        whom.follow(news.events)
        if not chooser.is_current:
            return  # then the questions that follow it look
        if whom.has_left:
            self._followed = None
            chooser.void(f"{whom.nick} has left, so there is nothing to do. Esc closes the menu.")
        elif whom.nick != before:
            chooser.retitle(f"{whom.nick}, before {before}")

    def _do(self, action: str, whom: Whom, room: Place | None) -> None:
        nick = whom.nick
        at_once = {"talk": f"/query {nick}", "look-up": f"/whois {nick}", "ignore": f"/ignore {nick}"}
        if action in at_once:
            self._enter(at_once[action])
        elif action == "mention":
            editor = self._app.chat.composer.editor
            editor.insert(f"{nick}: " if not editor.text else f"{nick} ")
            self._app.chat.composer.changed()
        elif action in ("kick", "kick-server"):
            self._start(self._measures.kick(whom, room if action == "kick" else None))
        elif action in ("mute", "ban") and room is not None:
            self._start(self._measures.ban_from_room(whom, room, mute=action == "mute"))
        else:
            name, address = action != "ban-address", action != "ban-name"
            self._start(self._measures.ban_from_server(whom, name=name, address=address))

    # Messages

    def choose_message(self) -> None:
        """List the messages of the place, newest first; Enter opens the menu of one."""
        if self._here is None:
            return
        _, place = self._here
        said = [entry for entry in place.log.entries[-_MOST_MESSAGES:] if entry.said is not None]
        entries = {f"{entry.serial}": entry for entry in reversed(said)}
        choices = []
        for number, entry in entries.items():
            assert entry.said is not None
            text = entry.said.text.replace("\n", " ⏎ ")
            choices.append(Choice(number, f"{entry.at.astimezone():%H:%M} {entry.said.nick}: {text}"))
        self._open(
            "Message", among(choices), lambda number: self.open_message(entries[number]), empty="Nothing is here."
        )

    def open_message(self, entry: Entry) -> None:
        """Show what can be done with a message."""
        said = entry.said
        if self._here is None or said is None:
            return
        session, place = self._here
        choices = [Choice("copy", "Copy", "the text")]
        if entry.id and entry.redaction is None:
            choices = [Choice("reply", "Reply", "others see what you answer"), Choice("react", "React"), *choices]
            if said.mine:
                choices.append(Choice("edit", "Say it differently", "deletes it, and says the new text"))
            if said.mine or may_moderate(session, place):
                choices.append(Choice("delete", "Delete"))
        if not said.mine:
            choices.append(Choice("person", f"{said.nick} …", "what can be done with the author"))
        self._open(f"{said.nick}: {said.text[:40]}", among(choices), lambda action: self._act(action, entry))

    def _act(self, action: str, entry: Entry) -> None:
        said = entry.said
        if self._here is None or said is None:
            return
        session, place = self._here
        about = session.talk.about
        if action == "copy":
            self._app.terminal.copy(said.text)
        elif action == "person":
            self.open_person(said.nick)
        elif entry.redaction is not None:
            self._show([Denied(_DELETED)])
        elif action == "react":
            self._open("Reaction", _reactions, lambda text: self._react(session, place, entry, text))
        elif action == "reply":
            words = f"Reply to {said.nick}: "
            self._start(
                self._ask_text(
                    words, "", self._say(session, place, entry, lambda text: about.reply(place, entry, text))
                )
            )
        elif action == "edit":
            words = "Instead of it: "
            then = self._say(session, place, entry, lambda text: about.edit(place, entry, text))
            self._start(self._ask_text(words, said.written, then))
        else:
            self._start(self._delete(entry, place))

    def _react(self, session: ChatSession, place: Place, entry: Entry, text: str) -> None:
        is_deleted = entry.redaction is not None
        self._show([Denied(_DELETED)] if is_deleted else session.talk.about.react(place, entry, text))

    def _say(
        self, session: ChatSession, place: Place, entry: Entry, send: Callable[[str], list[Event]]
    ) -> Callable[[str], None]:
        """Return what to do with the text: a connection may be lost, or the user out of the place, by then."""

        def say(text: str) -> None:
            if entry.redaction is not None:
                session.navigation.keep_draft(place.name, text)
                self._show([Denied(_DELETED)])
            elif session.online and session.navigation.can_speak(place.name):
                self._show(send(text))
            else:
                session.navigation.keep_draft(place.name, text)
                where = f"in {place.name}" if session.online else "connected"
                self._show([Denied(f"You are not {where} now, so nothing was sent.")])

        return say

    async def _ask_text(self, words: str, default: str, then: Callable[[str], None]) -> None:
        text = (await self._app.questions.ask(words, default=default)).strip(" ")
        if text:
            then(text)

    async def _delete(self, entry: Entry, place: Place) -> None:
        reason = await self._app.questions.ask("Delete it. Reason (Enter for none): ")
        session = self._app.session
        if entry.redaction is not None:
            self._show([Denied(_DELETED)])
        elif session is not None:
            self._show(session.talk.about.redact(place, entry, reason.strip()))

    def _show(self, events: list[Any]) -> None:
        session = self._app.session
        if session is not None:
            session.talk.show(events)
            self._app.woken()


def _reactions(typed: str) -> list[Choice]:
    """Return the usual reactions, and what is typed."""
    own = [Choice(typed.strip(), typed.strip(), "what you have typed")] if typed.strip() else []
    return [*own, *(Choice(reaction, reaction) for reaction in REACTIONS)]
