"""Sessions, users and channels without a world, for the tests of delivery."""

from __future__ import annotations

from chatroom.chat.delivery.outbox import Outbox
from chatroom.chat.people.channel import Channel
from chatroom.chat.people.session import Session
from chatroom.chat.people.user import User

TIME_MS = 1_900_000_000_000


def make_outbox() -> Outbox:
    """An outbox whose tick has just begun, at ``TIME_MS``."""
    return Outbox(TIME_MS, 0)


def make_session(nick: str, *channels: Channel, variant: int = 0) -> Session:
    """The only session of a new user, which is a member of the channels."""
    session = Session(1, "10.0.0.1", 4, 1, "host.masked", 0)
    session.registration = None
    session.caps = session.variant = variant
    session.user = User(nick, nick, nick, "host.masked", session, 0, 0)
    for channel in channels:
        channel.members[session.user] = 0
        channel.sessions.add(session)
        session.user.channels[channel] = None
    return session


def texts(data: bytes) -> list[str]:
    """The last parameters of some lines."""
    return [line.rpartition(":")[2] for line in data.decode().split("\r\n")[:-1]]
