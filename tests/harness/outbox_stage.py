"""The world below its verbs, beside an oracle that sends every line to every reader at once."""

from __future__ import annotations

from harness.invariants import check_invariants, check_lines
from harness.runtime import make_world
from harness.world import make_settings

from chatroom.chat.events import Event
from chatroom.chat.people.channel import Channel
from chatroom.chat.people.session import Session
from chatroom.chat.people.user import User
from chatroom.irc import caps


class Stage:
    """Each method makes something happen in the world, and adds to ``expected`` what each session must read."""

    def __init__(self) -> None:
        self.world = make_world(make_settings(channels={"autojoin": ()}), 1_900_000_000_000)
        self.outbox = self.world.outbox
        self.users: list[User] = []
        self.expected: dict[Session, list[bytes]] = {}
        self.got: dict[Session, list[bytes]] = {}
        self.number = 0

    # -- the oracle -------------------------------------------------------------------------------

    def expect(self, event: Event, readers: list[Session], skip: Session | None = None) -> None:
        """Add an event for all sessions that must read it, once each, in the variant that they have now."""
        for session in dict.fromkeys(readers):
            if session is not skip:
                line = event.render(session.variant)
                if line:
                    self.expected[session].append(line)

    @staticmethod
    def neighbours(user: User) -> list[Session]:
        """Return every session that shares a channel with the user, and the user's own."""
        members = [member for channel in user.channels for member in channel.members]
        return [session for member in [*members, user] for session in member.sessions]

    @staticmethod
    def inside(channel: Channel) -> list[Session]:
        """Return every session in the channel."""
        return [session for member in channel.members for session in member.sessions]

    # -- what happens -----------------------------------------------------------------------------

    def come(self, variant: int) -> User:
        """Add a new user."""
        self.number += 1
        session = self.session(variant)
        user = User(f"u{self.number}", "u", "U", "h.x", session, 0, 0)
        self.world.add_user(user)
        self.users.append(user)
        return user

    def session(self, variant: int) -> Session:
        """Add a session that has no user yet."""
        session = Session(len(self.expected) + 1, "10.0.0.1", 4, 1, "h.x", 0)
        session.registration = None
        session.caps = session.variant = variant
        self.world.sessions[session.id] = session
        self.expected[session], self.got[session] = [], []
        return session

    def device(self, user: User, variant: int) -> None:
        """Add one more session to a user, as registration does."""
        session = self.session(variant)
        self.outbox.settle(session)
        session.user = user
        user.sessions.append(session)
        for channel in user.channels:
            channel.sessions.add(session)

    def join(self, user: User, name: str) -> None:
        channel = self.world.find_channel(name) or self.world.make_channel(name)
        if user in channel.members:
            return
        own = user.sessions[0]
        self.world.join(channel, user, 0)
        event = self.world.outbox.event(user.prefix, f"JOIN {name}", user)
        event.alternative = caps.EXTENDED_JOIN, f"JOIN {name} * :U"
        self.expect(event, self.inside(channel), own)
        self.expect(event, [own])
        self.world.tell_channel(channel, event, own)
        self.world.tell_event(own, event)

    def part(self, user: User, name: str) -> None:
        channel = self.world.find_channel(name)
        if channel is None or user not in channel.members:
            return
        event = self.world.outbox.event(user.prefix, f"PART {name}", user)
        self.expect(event, self.inside(channel))
        self.world.tell_channel(channel, event)
        self.world.leave(channel, user)

    def say(self, user: User, name: str, echo: bool) -> None:
        channel = self.world.find_channel(name)
        if channel is None:
            return
        self.number += 1
        own = user.sessions[-1]
        event = self.world.outbox.event(user.prefix, f"PRIVMSG {name} :{self.number}", user)
        self.expect(event, self.inside(channel), own)
        self.world.tell_channel(channel, event, own)
        if echo:
            self.expect(event, [own])
            self.world.tell_event(own, event)

    def whisper(self, user: User, other: User) -> None:
        self.number += 1
        event = self.world.outbox.event(user.prefix, f"PRIVMSG {other.nick} :{self.number}", user)
        self.expect(event, other.sessions)
        self.world.tell_user(other, event)

    def answer(self, user: User) -> None:
        self.number += 1
        line = f":server 300 {user.nick} :{self.number}"
        self.expected[user.sessions[0]].append(f"{line}\r\n".encode())
        self.world.tell_session(user.sessions[0], line)

    def away(self, user: User, skip: bool) -> None:
        self.number += 1
        event = Event(user.prefix, f"AWAY :{self.number}", needs=caps.AWAY_NOTIFY)
        skipped = user.sessions[0] if skip else None
        readers = self.neighbours(user)
        self.world.tell_neighbours(user, event, skipped)
        self.expect(event, readers, skipped)

    def rename(self, user: User) -> None:
        self.number += 1
        event = self.world.rename(user, f"n{self.number}")
        self.expect(event, self.neighbours(user))

    def quit(self, user: User) -> None:
        readers = [session for session in self.neighbours(user) if session.user is not user]
        event = Event(user.prefix, "QUIT :bye")
        self.users.remove(user)
        own = list(user.sessions)
        self.world.close_user(user, "bye", "bye")
        event.time_ms, event.seq = self.outbox.wall_ms, 0
        self.expect_quit(event, readers)
        for session in own:
            self.expected[session].append(b"ERROR :Closing Link: 10.0.0.1 (bye)\r\n")

    def expect_quit(self, event: Event, readers: list[Session]) -> None:
        """A QUIT has a number that only the world knows: look it up in one of the channels' logs."""
        logged = [line[1] for log in self.outbox.logs.values() for line in log.lines]
        quits = [entry for entry in logged if entry.body == event.body and entry.source == event.source]
        if quits:
            self.expect(quits[0], readers)
        else:
            assert not readers

    def leave_device(self, user: User) -> None:
        """End one of several sessions of a user. No other session reads of it."""
        if len(user.sessions) > 1:
            session = user.sessions[-1]
            self.world.close(session, "bye")
            self.expected[session].append(b"ERROR :Closing Link: 10.0.0.1 (bye)\r\n")

    def negotiate(self, user: User, variant: int) -> None:
        self.world.set_variant(user.sessions[0], variant)

    def end_tick(self) -> list[tuple[Session, bytes]]:
        """Drain the outbox, and check that no session is written to twice."""
        writes = self.outbox.drain()
        assert len({session for session, _ in writes}) == len(writes)
        for session, data in writes:
            check_lines(data)
            self.got[session].append(data)
        self.outbox.closed = []
        check_invariants(self.world)
        self.world.begin_tick(self.world.wall_ms + 10, self.world.mono_ms + 10)
        return writes
