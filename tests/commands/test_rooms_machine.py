"""A state machine of users in rooms: nobody gains a right, and all members know who is in a room with which right.

Two models are held to the world after each step. One is what a line may change (``harness.rights``). The other is what
each client has read of its rooms (``harness.rooms_as_read``): a right that the server gives and tells nobody of, or
tells and does not give, differs there. Hypothesis makes a failure as short as it can.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from random import Random

import pytest
from harness.random_lines import ACCOUNTS, MASKS, random_input
from harness.rooms_as_read import Rooms, RoomsAsRead
from harness.session_client import Client
from harness.watched_house import House, flip, list_switches, open_house
from harness.world import PASSWORD
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from chatroom.chat.people.channel import OP, VOICE
from chatroom.chat.people.session import Session
from chatroom.chat.stored.records import Role
from chatroom.irc import caps

STEPS = 30
MOST_CLIENTS = 6
SOAK_MACHINES = int(os.environ.get("FUZZ_MACHINES", "5000"))
CAPABILITIES = [
    "",
    "extended-join away-notify",
    "echo-message labeled-response batch",
    "draft/channel-rename",
    "draft/chathistory draft/event-playback batch",
]
NOT_HERE = {"CAP"}
"""Verbs that would leave a client without multi-prefix, and so without all rights in NAMES."""

nicks = st.sampled_from(["una", "vic", "mo", "guest", "eve"])
rooms = st.sampled_from(["#a", "#b", "#A"])
"""Few, so that users meet. ``say_anything`` has the others of the generator."""
texts = st.sampled_from(["hello", "\x01ACTION waves\x01", "x" * 400])
standings = st.sampled_from(["+o", "-o", "+v", "-v", "+ov", "-o+v"])
masks = st.sampled_from(MASKS)
flags = st.sampled_from(["+i", "-i", "+m", "-m", "+s", "-s", "+t", "-t", "+R", "-R", "+k key", "-k key", "+l 2", "-l"])
proofs = st.sampled_from([PASSWORD, PASSWORD, "wrong"])
comings = st.one_of(
    st.builds("JOIN {}".format, rooms),
    st.builds("JOIN {},{}".format, rooms, rooms),
    st.builds("JOIN {} key".format, rooms),
    st.builds("PART {} :{}".format, rooms, texts),
    st.builds("KICK {} {} :{}".format, rooms, nicks, texts),
    st.builds("INVITE {} {}".format, nicks, rooms),
    st.sampled_from(["JOIN 0", "QUIT :bye"]),
)
rights = st.one_of(
    st.builds("MODE {0} {1} {2} {2}".format, rooms, standings, nicks),
    st.builds("MODE {} {}".format, rooms, flags),
    st.builds("MODE {} {}b {}".format, rooms, st.sampled_from("+-"), masks),
    st.builds("RENAME {} {} :why".format, rooms, rooms),
    st.builds("TOPIC {} :{}".format, rooms, texts),
    st.builds("NAMES {}".format, rooms),
    st.builds("PRIVMSG {} :{}".format, st.one_of(rooms, nicks), texts),
)
names = st.one_of(
    st.builds("NICK {}".format, nicks),
    st.builds("OPER {} :{}".format, st.sampled_from(ACCOUNTS), proofs),
    st.builds("NICKSERV IDENTIFY {} {}".format, st.sampled_from(ACCOUNTS), proofs),
    st.builds("KILL {} :out".format, nicks),
    st.sampled_from(["AWAY :gone", "AWAY", "NICKSERV LOGOUT", "NICKSERV SET ALWAYS-ON ON", "MODE mo -o"]),
)
someone = st.runner().flatmap(lambda machine: st.sampled_from(machine.house.clients))


class RoomsMachine(RuleBasedStateMachine):
    """Users come, say lines and go, in a world with a history; time passes, and the server starts anew."""

    def __init__(self) -> None:
        super().__init__()
        self._stack = ExitStack()
        self._is_open = False
        self.house: House
        self.seen: dict[Session, RoomsAsRead] = {}

    @initialize(switches=st.sets(st.sampled_from(list_switches()), max_size=3), limits=st.booleans())
    def open(self, switches: set[tuple[str, str]], limits: bool) -> None:
        """Open a world with some settings the other way round."""
        self.house = self._stack.enter_context(open_house(flip(sorted(switches), limits=limits)))
        self._is_open = True
        for nick in ("una", "guest"):
            self._register(nick, login=True)
        for client in list(self.house.clients):
            self._say(client, "JOIN #a,#b")

    def teardown(self) -> None:
        """Close the world's stores."""
        self._stack.close()

    @rule(nick=nicks, site=st.integers(1, 3), login=st.booleans(), more=st.sampled_from(CAPABILITIES))
    def arrive(self, nick: str, site: int, login: bool, more: str) -> None:
        """A client registers, perhaps as a further device of an account."""
        if len(self.house.clients) < MOST_CLIENTS:
            self._register(nick, login=login, site=site, more=more)

    @precondition(lambda self: self.house.clients)
    @rule(client=someone, line=comings)
    def come_or_go(self, client: Client, line: str) -> None:
        """A client says a line that lets somebody in or out."""
        self._say(client, line)

    @precondition(lambda self: self.house.clients)
    @rule(client=someone, line=rights)
    def act_in_a_room(self, client: Client, line: str) -> None:
        """A client says a line that changes or shows a room."""
        self._say(client, line)

    @precondition(lambda self: self.house.clients)
    @rule(client=someone, line=names)
    def become(self, client: Client, line: str) -> None:
        """A client says a line that changes who a user is."""
        self._say(client, line)

    @precondition(lambda self: self.house.clients)
    @rule(client=someone, random=st.randoms(use_true_random=False))
    def say_anything(self, client: Client, random: Random) -> None:
        """A client says any line of the generator of the soak."""
        line = random_input(random, moderates=client.session.role >= Role.MODERATOR)
        if not isinstance(line, str) or not NOT_HERE & set(line.upper().split()):
            self._say(client, line)

    @precondition(lambda self: self.house.clients)
    @rule(client=someone)
    def vanish(self, client: Client) -> None:
        """A connection is lost."""
        self.house.vanish(client)
        self._read_all()

    @rule(seconds=st.sampled_from([1, 61, 4000]), is_set=st.sampled_from([0, 0, 7200, -7200]))
    def wait(self, seconds: float, is_set: float) -> None:
        """Time passes, and the wall clock is set."""
        self.house.here.wait(seconds)
        self.house.here.set_clock(is_set)
        self._read_all()

    @rule()
    def restart(self) -> None:
        """The daemon ends and starts: nobody is connected any more."""
        for client in self.house.clients:
            self.house.vanish(client)
        self.house.here.restart()
        self._read_all()

    @invariant()
    def all_members_know_their_rooms(self) -> None:
        """What a client has read of its rooms is what the world has."""
        for client in self.house.clients if self._is_open else []:
            session = client.session
            if session.user is not None and session.caps & caps.MULTI_PREFIX:
                assert self.seen[session].rooms == rooms_of(session), f"{client} has read otherwise"

    def _register(self, nick: str, *, login: bool, site: int = 1, more: str = "") -> None:
        client = self.house.here.open(f"10.0.0.{site}")
        proof = [f"PASS :{nick}:{PASSWORD}"] if login and nick in ACCOUNTS else []
        client.say(f"CAP REQ :multi-prefix {more}", *proof, f"NICK {nick}", f"USER {nick} 0 * :{nick}", "CAP END")
        self.house.add(client, has_proof=bool(proof))
        self._read_all()

    def _say(self, client: Client, line: object) -> None:
        self._read(client, self.house.say(client, line))  # type: ignore[arg-type]
        self._read_all()

    def _read_all(self) -> None:
        for client in self.house.clients:
            self._read(client, client.read())
        self.house.tidy()

    def _read(self, client: Client, text: list[str]) -> None:
        self.seen.setdefault(client.session, RoomsAsRead()).read(text)


def rooms_of(session: Session) -> Rooms:
    """Return the rooms of a session as the world has them."""
    user, letters = session.user, {OP: "o", VOICE: "v"}
    assert user is not None
    return {
        channel.folded: {
            member.folded: frozenset(letter for bit, letter in letters.items() if standing & bit)
            for member, standing in channel.members.items()
        }
        for channel in user.channels
    }


def run(machines: int) -> None:
    """Play so many machines."""
    run_state_machine_as_test(
        RoomsMachine,
        settings=settings(
            max_examples=machines,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )


def test_rooms_are_as_all_members_have_read() -> None:
    """A bounded part of the soak below."""
    run(40)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_rooms_are_as_all_members_have_read_for_long() -> None:
    """``FUZZ_MACHINES`` machines of thirty steps."""
    run(SOAK_MACHINES)
