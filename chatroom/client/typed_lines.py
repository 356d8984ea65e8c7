"""What the user types, carried out."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Protocol

from chatroom.client.actions import (
    AboutMessage,
    Action,
    Choose,
    Clear,
    Configure,
    Context,
    Ignore,
    Join,
    Leave,
    Line,
    LogIn,
    OfServers,
    Print,
    Quit,
    Reconnect,
    Register,
    Say,
    Turn,
)
from chatroom.client.chat_events import ChannelRenamed, Cleared, Denied, Event, Info
from chatroom.client.chat_state import State
from chatroom.client.ignoring import Ignored
from chatroom.client.later_login import AccountPassword, LaterLogin
from chatroom.client.login_steps import Ask, Step
from chatroom.client.navigation import Navigation
from chatroom.client.new_account import NewAccount, NewPassword
from chatroom.client.remembering import may_hold_password
from chatroom.client.settings.chat_settings import ChatSettings
from chatroom.client.slash_commands import interpret, say
from chatroom.client.speech import Speech
from chatroom.client.talk import Talk
from chatroom.client.text import well_formed
from chatroom.client.whom import Whom
from chatroom.client.yes_or_no import read_answer, which_answers

_LINE_ENDS = re.compile("\r\n|[\n\r\x0b\x0c\x85\u2028\u2029]")


def spoken_lines(text: str) -> list[str]:
    """Return the lines of a typed text, without blank ones at its begin and end."""
    # Not ``splitlines``: it also splits at the codes for italic and for struck out text.
    lines = _LINE_ENDS.split(well_formed(text))
    while lines and not lines[0].strip():
        lines.pop(0)
    while lines and not lines[-1].strip():
        lines.pop()
    return lines


def _shown(typed: str, place: str) -> str:
    """Return a command as a refusal shows it: without a password that it may have. Empty if it is no command."""
    words = typed.split()
    if not typed.startswith("/") or typed.startswith("//") or not typed[1:].strip():
        return ""
    if words[0] in ("/raw", "/quote"):
        words = words[:2]  # OPER, and not its password
    elif may_hold_password(typed, place):
        words = words[:1]
    text = " ".join(words)
    return text if len(text) <= 40 else text[:39] + "…"


def _say_of_what(events: list[Event], typed: str) -> list[Event]:
    """Have refusals begin with the command that is refused, so that several in a row can be told apart."""
    if not typed:
        return events
    return [Denied(f"{typed}: {event.text}") if isinstance(event, Denied) else event for event in events]


class OtherServers(Protocol):
    """The part of ``servers.Servers`` that typed lines need. Each call returns the events to show."""

    def connect(self, address: str) -> list[Event]:
        """Connect to one more server."""

    def disconnect(self, name: str) -> list[Event]:
        """Leave a server; without a name, the one in front."""

    def turn_to(self, name: str) -> list[Event]:
        """Turn to a server; without a name, list them."""

    def quit(self, reason: str = "") -> None:
        """Leave all servers."""


class Chat(Protocol):
    """The part of ``chat_session.ChatSession`` that typed lines need."""

    state: State
    navigation: Navigation
    speech: Speech
    ignored: Ignored
    settings: ChatSettings
    talk: Talk
    servers: OtherServers | None
    new_account: NewAccount
    later_login: LaterLogin
    question: Ask | NewPassword | AccountPassword | Choose | None
    online: bool

    @property
    def target(self) -> str | None:
        """The place in front."""

    def write(self, line: str) -> None:
        """Send a line to the server."""

    def quit(self, reason: str = "") -> None:
        """Leave the chat."""

    def reconnect(self) -> list[Event]:
        """Connect again now."""

    def take(self, steps: list[Step]) -> list[Event]:
        """Carry out steps of a login."""


class TypedLines:
    """Carries out what typed lines ask of ``session``. Each call returns the events to show."""

    def __init__(self, session: Chat, *, can_ask: bool) -> None:
        self._session = session
        self._can_ask = can_ask
        self._whom: Whom | None = None  # whom the question that was asked last is about

    def enter(self, text: str) -> list[Event]:
        """Act on a line that the user typed. Several lines at once (a paste) are messages, never commands.

        A text that cannot be said becomes the draft of the place in front.
        """
        session = self._session
        lines = spoken_lines(text)
        typed = _shown(lines[0], session.target or "") if len(lines) == 1 else ""
        context = Context(session.state, session.target, self._can_ask)
        if not lines:
            actions: list[Action] = []
        elif len(lines) == 1:
            actions = interpret(lines[0], context)
        else:
            actions = say("\n".join(lines), context)
        why = self._why_unsaid(actions)
        if why and session.target is not None:
            session.navigation.keep_draft(session.target, text)
        return _say_of_what([Denied(why)] if why else self._perform(actions, typed), typed)

    def speak(self, text: str) -> list[Event]:
        """Send a line to the target, even if it looks like a command."""
        actions = say(text, Context(self._session.state, self._session.target))
        why = self._why_unsaid(actions)
        return [Denied(why)] if why else self._perform(actions)

    def answer(self, question: NewPassword | AccountPassword | Choose, text: str) -> list[Event]:
        """Take the user's answer to a question that a command has asked."""
        session = self._session
        if isinstance(question, Choose):
            return self._choose(question, text)
        if not text:
            return []
        if isinstance(question, AccountPassword):
            return [] if not session.online else session.take(session.later_login.start(question.name, text))
        if not session.online:
            return [Denied("/register: You are not connected, so nothing was registered.")]
        session.write(session.new_account.register(text))
        return []

    def follow(self, events: list[Event]) -> list[Event]:
        """Take what has happened: a question follows user and channel to other names.

        It is closed if the user has left.
        """
        question, whom = self._session.question, self._whom
        if not isinstance(question, Choose) or whom is None:
            return []
        whom.follow(events)
        if whom.has_left:
            self._session.question = None
            return _say_of_what([Denied(f"{question.name} has left, so nothing was done.")], question.typed)
        where, fold = question.where, self._session.state.fold
        for event in events:
            if isinstance(event, ChannelRenamed) and where and fold(event.old) == fold(where):
                where = event.new
        if (whom.nick, where) == (question.name, question.where):
            return []
        about = where if whom.nick == question.name else whom.nick
        question.follow(whom.nick, where)
        return [Info(f"{question.typed}: the question is about {about} now.")]

    def _choose(self, question: Choose, answer: str) -> list[Event]:
        more = ("r",) if question.room is not None else ()
        letter = read_answer("r" if answer.strip().lower() == "room" else answer, *more)
        if letter is None:
            self._session.question = replace(question, why=which_answers(*more))
            return []
        if letter == "y":
            return _say_of_what(self._perform([question.yes], question.typed), question.typed)
        if letter == "r" and question.room is not None:
            return _say_of_what(self._perform([question.room], question.typed), question.typed)
        return [Info("Nothing was done.")]

    def _why_unsaid(self, actions: list[Action]) -> str:
        """Return why a message cannot be sent to the place in front; empty if it can, or if there is none."""
        session = self._session
        if not any(isinstance(action, Say) for action in actions):
            return ""
        if not session.online:
            return "You are not connected, so nothing was sent."
        to_front = any(isinstance(action, Say) and action.target == session.target for action in actions)
        return session.navigation.why_unsaid if to_front else ""

    def _perform(self, actions: list[Action], typed: str = "") -> list[Event]:
        events: list[Event] = []
        for action in actions:
            here = self._perform_here(action, typed)
            if here is not None:
                events += here
            elif not self._session.online:
                events.append(Denied("You are not connected, so nothing was sent."))
                break
            else:
                events += self._perform_online(action, typed)
        return events

    def _perform_here(self, action: Action, typed: str) -> list[Event] | None:
        """Carry out what needs no connection; None for all else."""
        session = self._session
        if isinstance(action, Print):
            return [Denied(action.text) if action.wrong else Info(action.text)]
        if isinstance(action, Ignore):
            return [Info(session.ignored.toggle(action.nick) if action.nick else session.ignored.describe())]
        if isinstance(action, Clear):
            return [Cleared()]
        if isinstance(action, Configure):
            shown = session.settings.configure(action.words, reset=action.reset)
            session.talk.here.places.highlights = session.settings.current.attention.words
            return shown
        if isinstance(action, Reconnect):
            return session.reconnect()
        if isinstance(action, OfServers):
            return self._perform_on_servers(action)
        if isinstance(action, Leave):
            return self._leave(action, typed)
        if isinstance(action, Quit):
            (session.servers or session).quit(action.reason)
            return []
        return None

    def _perform_on_servers(self, action: OfServers) -> list[Event]:
        servers = self._session.servers
        if servers is None:
            return [Denied("There is one server only here.")]
        if action.kind == "connect":
            return servers.connect(action.name)
        return servers.disconnect(action.name) if action.kind == "disconnect" else servers.turn_to(action.name)

    def _perform_online(self, action: Action, typed: str) -> list[Event]:
        session = self._session
        if isinstance(action, Say):
            return session.speech.say(action)
        if isinstance(action, AboutMessage):
            why = session.navigation.why_unsaid
            return [Denied(why)] if why else session.talk.about.perform(action, session.talk.here.front, typed)
        if isinstance(action, Join | Turn):
            return self._turn(action, typed)
        if isinstance(action, Line):
            session.speech.ask(action.line, typed)
        elif isinstance(action, Register):
            session.question = session.new_account.ask(session.state.nick, action.token)
        elif isinstance(action, LogIn):
            session.question = session.later_login.ask(action.account)
        elif isinstance(action, Choose):
            session.question = replace(action, typed=typed)
            self._whom = Whom(session.state, action.name)
        return []

    def _leave(self, action: Leave, typed: str) -> list[Event]:
        session, target = self._session, action.target
        if not session.online and session.talk.here.find(target) is None:
            return [Denied("You are not connected, so nothing was sent.")]
        is_in = session.state.find_channel(target) is not None
        # The server says if the user names a channel that is neither in front nor joined.
        if session.online and session.state.is_channel(target) and (is_in or not session.navigation.is_target(target)):
            session.speech.ask(f"PART {target} :{action.reason}" if action.reason else f"PART {target}", typed)
        session.navigation.leave(target)
        return []

    def _turn(self, action: Join | Turn, typed: str) -> list[Event]:
        session = self._session
        if isinstance(action, Turn) or session.state.find_channel(action.channel) is not None:
            name = action.target if isinstance(action, Turn) else action.channel
            if session.navigation.turn_to(name):
                return []
            return [Denied(f"You are not in {name}. Use /join {name} first.")]
        session.navigation.await_join(action.channel, action.key)
        session.speech.ask(f"JOIN {action.channel} {action.key}".rstrip(), typed)
        return []
