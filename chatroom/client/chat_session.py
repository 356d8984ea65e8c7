"""One user's chat with one server, across reconnects.

A session of the daemon is one connection; this one makes a new connection after each loss. The front end (``screen`` or
``plain``) hands over what the link reports and what the user types, and shows the events that come back. Everything
here runs in the front end's one thread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from chatroom.client.actions import Choose
from chatroom.client.chat_events import Event, Exposed, Info, Renamed, Trouble, Welcome
from chatroom.client.closing_reasons import closing_reason, is_final
from chatroom.client.connector import Connector
from chatroom.client.endings import Over, tell_declined, tell_no_entry
from chatroom.client.handshake import Login
from chatroom.client.later_login import AccountPassword, LaterLogin
from chatroom.client.link import Closed, Crashed, Lag, LinkItem, Opened
from chatroom.client.link_state import LinkLike
from chatroom.client.login_steps import Ask, Failed, KeepPolicy, Secure, Send, Step, Tell, Welcomed
from chatroom.client.new_account import NewAccount, NewPassword
from chatroom.client.places.open_places import Places
from chatroom.client.reconnecting import Retries
from chatroom.client.route import Route
from chatroom.client.settings.chat_settings import ChatSettings
from chatroom.client.talk import Talk
from chatroom.client.text import clean_message, well_formed
from chatroom.client.trust import Untrusted
from chatroom.client.typed_lines import OtherServers, TypedLines
from chatroom.client.yes_or_no import read_answer, which_answers
from chatroom.irc.message import Message

Question = Ask | NewPassword | AccountPassword | Choose


class ChatSession:
    """Combines login, state, navigation, pacing and reconnects.

    ``make_link`` returns a new link for each connection. ``clock`` returns seconds, ``chance`` a number in [0, 1).
    ``join``: channels to join after the welcome. ``most_attempts``: attempts to connect again before the session gives
    up; None for no limit. ``say_again``: see ``Pacer``. ``can_ask``: a user can answer questions about a command.
    ``places`` and ``servers``: those of all servers, if there can be several; ``name``: what to call this one. ``now``
    returns the time, aware.
    """

    def __init__(
        self,
        route: Route,
        login: Login,
        make_link: Callable[[], LinkLike],
        clock: Callable[[], float],
        chance: Callable[[], float],
        join: tuple[str, ...] = (),
        most_attempts: int | None = None,
        say_again: bool = False,
        can_ask: bool = True,
        settings: ChatSettings | None = None,
        places: Places | None = None,
        name: str = "",
        servers: OtherServers | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.places = Places() if places is None else places
        """What a screen shows. It may be shared by the sessions of several servers."""
        self.settings = settings or ChatSettings()
        self.servers = servers
        """The other servers of the user; None if there can be none."""
        self.talk = Talk(
            self.write,
            self.places,
            name or route.address.host,
            join,
            always_ignored=lambda: self.settings.ignored,
            say_again=say_again,
            clock=clock,
            now=now,
        )
        self.state, self.navigation = self.talk.state, self.talk.navigation
        self.ignored, self.speech = self.talk.ignored, self.talk.speech
        self.question: Question | None = None
        """The question that the user has to answer now; None if there is none."""
        self.over: Over | None = None
        """Set when the chat has ended."""
        self.online = False
        """True from the welcome to the end of the connection."""
        self.has_been_online = False
        """True from the first welcome on."""
        self.quitting = False
        """True once the user leaves."""
        self._route = route
        self._login = login
        self._connector = Connector(route, make_link, Retries(clock, chance, most_attempts))
        self.new_account = NewAccount(login)
        self.later_login = LaterLogin(login)
        self._typed = TypedLines(self, can_ask=can_ask)
        self._was_asked = False  # a question of the login came up, and the server has not welcomed the user since

    # Calls of the front end

    @property
    def address(self) -> str:
        """The address of the server."""
        return str(self._route.address)

    @property
    def target(self) -> str | None:
        """The channel or nick that typed lines go to; None if there is none."""
        return self.navigation.target

    @property
    def can_register(self) -> bool:
        """True if the user is here as a guest, and the server registers accounts from the chat."""
        return self.online and not self._login.account and self._login.offers("draft/account-registration")

    @property
    def credentials(self) -> tuple[str, str]:
        """The account and the password with which later connections log in; empty texts if there are none."""
        return self._login.account, self._login.password

    @property
    def login_open(self) -> bool:
        """True while the login is not decided, so that typed text may be meant for its next question.

        After a lost connection this begins with the first question: until then the user types messages for later.
        """
        return not (self.online or self.quitting or self.over) and (self._was_asked or not self.has_been_online)

    @property
    def is_offline(self) -> bool:
        """True if there is no connection, and it is not the first one that is being made."""
        return not self.online and (self.has_been_online or self.over is not None)

    @property
    def lag_s(self) -> int:
        """For how many seconds the server has not answered; 0 if it answers."""
        return self._connector.lag_s

    def start(self) -> None:
        """Connect for the first time."""
        self._connector.connect()

    def handle(self, item: LinkItem) -> list[Event]:
        """Act on a report of the link and return the events to show. Raises the error that ended the link's thread."""
        if isinstance(item, Opened):
            return self.talk.show(self._opened(item))
        if isinstance(item, Closed):
            return self.talk.show(self._closed(item))
        if isinstance(item, Crashed):
            raise item.error
        if isinstance(item, Lag):
            self._connector.lag_s = item.seconds
            return []
        self._connector.state.has_answered = True
        events: list[Event] = []
        following = [message.verb for message in item.messages[1:]]
        for message, after in zip(item.messages, [*following, ""], strict=True):
            if message.verb in ("432", "433") and after == "FAIL" and self._login.done:
                continue  # our server sends the numeric for other clients; the FAIL has the better words
            events += self._received(clean_message(message))
        return events + self.talk.show(self._typed.follow(events))

    def enter(self, text: str) -> list[Event]:
        """Act on a line that the user typed: see ``TypedLines``."""
        return self.talk.show(self._typed.enter(text))

    def speak(self, text: str) -> list[Event]:
        """Send a line to the target, even if it looks like a command."""
        return self.talk.show(self._typed.speak(text))

    def stop(self) -> list[Event]:
        """Drop the messages that have not been sent yet, such as the rest of a long paste, and say how many."""
        return self.talk.show(self.speech.stop())

    def reconnect(self) -> list[Event]:
        """Connect again now, whatever the state of the connection, and also if the chat was over."""
        self.over = None
        self._connector.connect_again()
        return [Info(f"Connecting again to {self._route.address}.")]

    def answer(self, text: str) -> list[Event]:
        """Take the user's answer to ``question``. An empty password asks for another nick instead."""
        return self.talk.show(self._answer(text))

    def _answer(self, text: str) -> list[Event]:
        question, self.question = self.question, None
        text = well_formed(text)
        if question is None or self.over is not None:
            return []
        if not isinstance(question, Ask):
            return self._typed.answer(question, text)
        if question.kind == "password" and not text:
            self.question = Ask("nick", question.name, "")
            return []
        answer = read_answer(text) if question.is_yes_or_no else "y"
        if answer is None:
            self.question = replace(question, why=which_answers())
            return []
        self._connector.state.answered = True
        events: list[Event] = []
        if answer != "y":
            self._give_up(question)
            return []
        if question.kind == "certificate":
            events = self._route.accept(question.name)
        elif question.kind == "plaintext":
            self.take(self._login.allow_plaintext())
        elif question.kind == "server-password":
            self._login.answer_server_password(text)
        elif question.kind == "password":
            self.take(self._login.answer_password(question.name, text))
        else:
            self.take(self._login.answer_nick(text))
        if self._connector.state.link is None:
            self._connector.connect()
        return events

    def attend(self, at: float) -> None:
        """Report when the user was there last, in seconds of the clock: see ``Link.attend``."""
        self._connector.attend(at)

    def quit(self, reason: str = "") -> None:
        """Leave the chat. ``over`` is set when the connection has closed, at once if there is none."""
        self.quitting = True
        self.speech.stop()
        self.talk.leave()
        if self._connector.state.is_open:
            self.write(f"QUIT :{reason}" if reason else "QUIT")
        else:
            self.over = Over(0)
        self._connector.hang_up()

    # The link

    def write(self, line: str) -> None:
        """Send a line to the server, if there is a connection."""
        self._connector.send(line)

    def _opened(self, item: Opened) -> list[Event]:
        self._connector.opened(item)
        encrypted, shows = self._route.address.tls, self._route.shows_certificate
        return self.take(self._login.start(encrypted=encrypted, exposed=item.exposed, shows_certificate=shows))

    def _closed(self, item: Closed) -> list[Event]:
        connection = self._connector.closed()
        self._login.lost()
        was_online, self.online = self.online, False
        left = self.talk.lost()
        hint = [Info("It is in the prompt of its place: Enter sends it again.")] if left else []
        events = [*left, *hint, *self._route.lost()]
        if self.quitting:
            self.over = Over(0)
        elif connection.moves_to_tls:
            self._connector.connect()
            events.append(Info(f"The server asks for encryption: connecting to {self._route.address} with TLS."))
        elif item.untrusted is not None:
            self._judge(item.untrusted)
        elif connection.comes_back:
            self._connector.connect()
        elif connection.final_reason is not None:
            self.over = Over(1, connection.final_reason)
        elif isinstance(self.question, Ask):
            pass  # ``answer`` connects again: the server did not wait for the user
        elif connection.answered and not was_online:
            self._connector.connect()  # the answer crossed the end of the connection: use it on a new one
        elif self.has_been_online:
            events += self._again(connection.close_reason or item.reason, was_online)
        else:
            reason = connection.close_reason or item.reason
            self.over = tell_no_entry(self._route.address, reason, item.was_open, connection.has_answered)
        return events

    def _judge(self, untrusted: Untrusted) -> None:
        """Ask about a certificate, or end the chat."""
        verdict = self._route.judge(untrusted)
        if isinstance(verdict, Ask):
            self.question = verdict
            self._was_asked = True
        else:
            self.over = Over(1, verdict)

    def _give_up(self, question: Ask) -> None:
        """End the chat because the user has answered no."""
        text = tell_declined(question, self._route.address)
        if not self._connector.end(text):
            self.over = Over(1, text)

    def _again(self, reason: str, was_online: bool) -> list[Event]:
        """Plan the next attempt, or end the chat if there were enough."""
        what = "The connection is lost" if was_online else "Still not connected"
        what += f": {reason.rstrip('.')}."
        planned = self._connector.connect_later(was_online=was_online)
        if isinstance(planned, str):
            self.over = Over(1, f"{what} {planned}")
            return []
        return [Trouble(f"{what} Trying again in {planned} s.")]

    # Messages of the server

    def _received(self, message: Message) -> list[Event]:
        if message.verb == "PONG" and message.params:
            silent = self.talk.confirmed(message.params[-1])
            if silent is not None:
                return silent
        if not self._login.done:
            return self.talk.show(self.take(self._login.feed(message)))
        return self._act_on(message)

    def _act_on(self, message: Message) -> list[Event]:
        """Act on a message that comes after the login."""
        steps: list[Step] = []
        if message.verb == "ERROR":
            reason = closing_reason(message)
            self._connector.state.close_reason = reason
            if is_final(reason):
                self._connector.state.final_reason = reason
        elif message.verb == "CAP":
            steps = self._login.feed_later(message)
        elif message.verb in ("REGISTER", "VERIFY", "FAIL"):
            steps = self.new_account.read(message, self.state.nick)
        events = self.talk.show(self.take(steps or self.later_login.feed(message)))
        events += self.talk.hear(message)
        for event in events:
            if isinstance(event, Renamed) and event.mine:
                self._login.renamed(event.new)
        return events

    def take(self, steps: list[Step]) -> list[Event]:
        """Carry out the steps of the login."""
        events: list[Event] = []
        for step in steps:
            if isinstance(step, Send):
                self.write(step.line)
            elif isinstance(step, Ask):
                self._ask(step)
            elif isinstance(step, Failed):
                connection = self._connector.state
                connection.close_reason = connection.close_reason or step.text
                if step.final:
                    connection.final_reason = step.text
            elif isinstance(step, Welcomed):
                events += self._welcome(step.nick)
            elif isinstance(step, Tell):
                events.append(Trouble(step.text))
            elif isinstance(step, KeepPolicy):
                events += self._route.keep_policy(step.duration_s)
            elif isinstance(step, Secure):
                self._connector.move_to_tls(step.port)
        return events

    def _ask(self, ask: Ask) -> None:
        # After a loss our own old connection may hold the nick: come back rather than ask the user for another one.
        if ask.in_use and self.has_been_online and self._connector.wait_for_ghost(ask.name):
            return
        self.question = ask
        self._was_asked = True

    def _welcome(self, nick: str) -> list[Event]:
        events: list[Event] = [Welcome(nick, again=self.has_been_online)]
        if self._connector.state.is_exposed and not self.has_been_online:
            events.append(Exposed(str(self._route.address)))
        if isinstance(self.question, Ask):
            self.question = None
        self.talk.begin(nick, self._login.caps, self._login.multiline, again=self.has_been_online)
        self.online = self.has_been_online = True
        self._was_asked = False
        self._connector.welcomed()
        return events + self.take(self.new_account.begin())
