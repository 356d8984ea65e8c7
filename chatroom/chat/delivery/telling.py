"""The ways in which the world says things: to one session, to a user, to a channel, to a user's neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.irc.framing import encode

if TYPE_CHECKING:
    from chatroom.chat.delivery.answer_costs import AnswerCosts
    from chatroom.chat.delivery.monitors import MonitorLists
    from chatroom.chat.delivery.outbox import Outbox
    from chatroom.chat.events import Event
    from chatroom.chat.people.channel import Channel
    from chatroom.chat.people.session import Session
    from chatroom.chat.people.user import User
    from chatroom.config import Settings


class Telling:
    """The part of the world that says things. Guarded by the hub lock."""

    settings: Settings
    outbox: Outbox
    monitors: MonitorLists
    costs: AnswerCosts

    def tell_session(self, session: Session, line: str) -> None:
        """Say a line, without its CR LF, to one session."""
        self.outbox.to_session(session, encode(line))

    def tell_event(self, session: Session, event: Event) -> None:
        """Say a numbered event to one session, in the session's variant."""
        line = event.render(session.variant)
        if line:
            self.outbox.to_session(session, line, event.seq)

    def tell_user(self, user: User, event: Event, skip: Session | None = None) -> None:
        """Say a numbered event to every session of a user except ``skip``."""
        for session in user.sessions:
            if session is not skip:
                self.tell_event(session, event)

    def tell_notice(self, user: User, text: str, skip: Session | None = None) -> None:
        """Send a NOTICE from the server to all sessions of a user but ``skip``, or several if the text needs them."""
        for event in self.outbox.notices(self.settings.server.name, user.nick, text):
            self.tell_user(user, event, skip)

    def tell_channel(self, channel: Channel, event: Event, skip: Session | None = None) -> None:
        """Say a numbered event to every session in a channel except ``skip``."""
        self.outbox.to_channel(channel, event, skip)

    def tell_neighbours(self, user: User, event: Event, skip: Session | None = None) -> None:
        """Number an event and say it once to the user and to every user that shares a channel with it.

        If the event needs a capability (``Event.needs``), clients that monitor the user read it too.
        """
        self.outbox.number(event, user.channels)
        if event.needs:
            self.monitors.tell_change(self.outbox, user, event)
        self.tell_user(user, event, skip)
        for channel in user.channels:
            self.costs.add_readers(channel)
            self.outbox.to_channel(channel, event, skip, user.channels)
