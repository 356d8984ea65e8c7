"""A world as a document, and the world that comes out of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from harness.handed_over import document, hand_over
from harness.random_lines import random_line
from harness.world import Here, make_settings, sasl_plain
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatroom.chat.handover.document import VERSION
from chatroom.chat.handover.world_state import ACCOUNT_GONE, LOGIN_AGAIN, world_from_state
from chatroom.chat.people.line_rates import limit_lines
from chatroom.chat.stored.records import Actor, Role
from chatroom.errors import HandoverRefused
from chatroom.irc.sasl import PIECE_BYTES


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    """A world with a history."""
    limits = {"enabled": True, "lines_per_s": 1, "burst_lines": 50}
    with Here(tmp_path / "chat.db", make_settings(limits=limits), history=True) as one:
        yield one


def without_references(lines: list[str]) -> list[str]:
    """Return lines without the names of batches, of which no two are the same."""
    return [re.sub(r"([+=-])b[0-9a-f]{9,}", r"\1b", line) for line in lines]


def test_rooms_and_people_go_on(here: Here) -> None:
    """Members, modes, lists, topics, aways, invitations and monitor lists are as before, also in unstored channels."""
    una = here.member("una", caps="message-tags server-time batch draft/metadata-3 away-notify")
    guest = here.connect("guest", address="2001:db8::7")
    una.say("JOIN #tea", "TOPIC #tea :hot", "MODE #tea +ikljFW secret 9 3:10 4:10 5", "MODE #tea +b 1h~m:*!*@*.example")
    una.say("MODE #tea +v una", "INVITE guest #tea", "MONITOR + guest,nobody", "AWAY :soon back", "MODE una +iR")
    una.say("ACCEPT guest", "METADATA * SET color :blue", "METADATA * SUB color", "PRIVMSG #tea :one")
    guest.say("MODE guest +w", "JOIN #tea secret", "PRIVMSG #tea :two", "NICK gast", "METADATA * SET url :there")
    before = document(here)
    asked = ["MODE #tea", "MODE #tea b", "TOPIC #tea", "NAMES #tea", "MONITOR L", "ACCEPT *", "METADATA una GET color"]
    asked += ["WHOIS gast", "WHOWAS guest", "CHATHISTORY LATEST #tea * 9"]
    answers = without_references(una.ask(*asked))
    hand_over(here)
    assert without_references(una.ask(*asked)) == answers
    assert una.ask("PRIVMSG #tea :three") == [] and guest.read()[-1].endswith("PRIVMSG #tea :three")
    # Slow mode still counts from before.
    assert "slow mode" in guest.ask("PRIVMSG #tea :too soon")[-1].lower()
    assert [one["name"] for one in document(here)["channels"]] == [one["name"] for one in before["channels"]]


def test_a_document_comes_out_as_it_went_in(here: Here) -> None:
    """Writing the new world gives the same document."""
    una, ada = here.member("una"), here.admin("ada", caps="draft/multiline batch message-tags")
    here.connect("second", login="una")
    here.open().say("CAP LS 302", "NICK half", "PASS :server", "AUTHENTICATE PLAIN")
    una.say("JOIN #tea", "OPER ada wrong")
    ada.say("JOIN #tea", "LOCKDOWN accounts-only", "BATCH +1 draft/multiline #tea", "@batch=1 PRIVMSG #tea :begun")
    for client in here.clients.values():
        limit_lines(client.session, here.world.settings)
    before = document(here)
    hand_over(here)
    assert document(here) == before


def test_a_multiline_message_goes_on(here: Here) -> None:
    """What was begun before is said as one message after."""
    ada, una = here.admin("ada", caps="draft/multiline batch message-tags"), here.member("una")
    ada.say("JOIN #tea")
    una.say("JOIN #tea")
    ada.say("@label=x BATCH +1 draft/multiline #tea", "@batch=1 PRIVMSG #tea :one")
    hand_over(here)
    una.read()
    ada.say("@batch=1 PRIVMSG #tea :two", "BATCH -1")
    assert [line.rpartition(":")[2] for line in una.read()] == ["one", "two"]


def test_a_registration_goes_on(here: Here) -> None:
    """A client that has sent half of it sends the rest, and a login in pieces is put together."""
    here.account("una")
    half = here.open()
    half.say("CAP LS 302", "CAP REQ :sasl message-tags", "NICK una", "AUTHENTICATE PLAIN")
    response = sasl_plain("una").removeprefix("AUTHENTICATE ")
    assert len(response) < PIECE_BYTES
    hand_over(here)
    assert "903" in "".join(half.ask(f"AUTHENTICATE {response}"))
    half.say("USER una 0 * :Una", "CAP END")
    assert half.user.account_name == "una"
    assert half.session.registration is None and half.session not in here.world.online.unregistered


def test_a_login_with_secrets_begins_anew(here: Here) -> None:
    """SCRAM behind the first message cannot go on: the client reads why, and can log in again."""
    here.account("una")
    half = here.open()
    half.say("CAP REQ :sasl", "NICK una", "AUTHENTICATE SCRAM-SHA-256", "AUTHENTICATE biwsbj11bmEscj1hYmM=")
    half.read()
    hand_over(here)
    assert half.read() == [f":chatroom.local 904 * :{LOGIN_AGAIN}"]
    half.say("AUTHENTICATE PLAIN")
    assert "903" in "".join(half.ask(sasl_plain("una")))


def test_rights_by_oper_stay_with_their_session(here: Here) -> None:
    """So does what a session has put aside."""
    here.account("ada", Role.ADMIN)
    una, mo = here.member("una"), here.moderator("mo")
    una.say("OPER ada :open sesame")
    mo.say("MODE mo -o")
    hand_over(here)
    assert una.session.role is Role.ADMIN and here.user("una") in here.world.online.operators
    assert mo.session.role is Role.USER and mo.session.rank is Role.MODERATOR


def test_limits_go_on(here: Here) -> None:
    """Neither lines nor logins nor mutes are free again."""
    guest = here.connect("guest")
    limit_lines(guest.session, here.world.settings)
    assert guest.session.budget is not None
    for _ in range(30):
        assert guest.session.budget.take(here.mono_ms)
    for _ in range(5):
        here.world.throttle.slow("account una", here.mono_ms)
    hand_over(here)
    assert guest.session.budget is not None
    assert sum(guest.session.budget.take(here.mono_ms) for _ in range(50)) <= 20
    assert here.world.throttle.next_delay_ms("account una", here.mono_ms) > 0


def test_an_account_that_was_deleted_meanwhile(here: Here) -> None:
    """The shell may have changed the database while no tick ran: its sessions end."""
    una = here.member("una")
    account = una.user.account
    assert account is not None
    state = document(here)
    here.stores.accounts.delete(account.id, _SHELL)
    hand_over(here)
    assert state["users"][0]["account"] == account.id
    assert una.closed and any(ACCOUNT_GONE in line for line in una.read())
    assert not here.world.users


def test_an_unknown_version_is_refused(here: Here) -> None:
    """Nothing is guessed."""
    state = document(here)
    state["version"] = VERSION + 1
    with pytest.raises(HandoverRefused, match="restart the daemon"):
        world_from_state(here.world, state)


def test_capabilities_that_changed_are_announced(here: Here) -> None:
    """The new daemon may have other settings, or be another version."""
    una = here.member("una", caps="cap-notify draft/chathistory batch")
    state = document(here)
    for kind in state["offered"]:
        kind[2]["vendor/of-old"] = ""
        del kind[2]["away-notify"]
    hand_over(here)
    assert una.read() == []  # nothing has changed
    taken = world_from_state(Here._make_world(here, here.world.settings), state)
    assert all("vendor/of-old" in offers for _, _, offers in taken.offered)


_SHELL = Actor("root", "cli")
_OF_THE_PROCESS = ("This server was started", "Running since")
_NOT_THE_SAME = ("INVITELINK", "AUTHENTICATE", "USERS", "STATS")
"""Their answers have secrets, or tell of the process."""


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), first=st.integers(0, 60))
def test_nobody_notices(tmp_path_factory: pytest.TempPathFactory, seed: int, first: int) -> None:
    """After random lines and a handover, the answers to further random lines are those of a world without one."""
    answers = []
    for hands_over in (False, True):
        random = Random(seed)
        with Here(tmp_path_factory.mktemp("twin") / "chat.db", history=True) as here:
            clients = [here.admin("ada"), here.moderator("mo"), here.member("una"), here.connect("guest"), here.open()]
            for number in range(first + 30):
                if number == first:
                    here.wait(2)  # otherwise times differ by milliseconds: all conversations take the latest one
                    here.forget_unread()
                    if hands_over:
                        before = document(here)
                        hand_over(here)
                        assert document(here) == before
                    heard: list[list[str]] = []
                client, line = random.choice(clients), random_line(random)
                if not client.closed and not any(verb in line.upper() for verb in _NOT_THE_SAME):
                    client.say(line)
                if number >= first:
                    lines = [line for one in clients for line in one.read()]
                    heard.append([line for line in lines if not any(text in line for text in _OF_THE_PROCESS)])
            answers.append(heard)
    for number, (without, handed) in enumerate(zip(*answers, strict=True)):
        assert handed == without, number
