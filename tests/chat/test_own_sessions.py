"""What is meant for this daemon's own connections leaves the sessions of other daemons alone."""

from __future__ import annotations

import pytest
from harness.world import Here, change_settings

from chatroom.chat.farewell import end_all
from chatroom.chat.people.session import Session
from chatroom.chat.relief import relieve
from chatroom.chat.reload import use_settings

pytestmark = pytest.mark.interpreted("replaces or counts calls, which compiled code makes by itself")


@pytest.fixture
def own(here: Here, monkeypatch: pytest.MonkeyPatch) -> list[Session]:
    """The sessions of this daemon, as the test fills the list. All others are another daemon's."""
    sessions: list[Session] = []
    monkeypatch.setattr(here.world, "own_sessions", lambda: sessions)
    return sessions


def test_the_end_of_a_daemon_ends_its_own_sessions(here: Here, own: list[Session]) -> None:
    """The others read nothing, and stay."""
    alice, bob = here.connect("alice"), here.connect("bob")
    own.append(alice.session)
    with here.tick():
        end_all(here.world, "bye", lambda session: True)
    assert (alice.closed, bob.closed) == (True, False)
    assert bob.read() == []


def test_a_failed_tick_closes_own_sessions(here: Here, own: list[Session]) -> None:
    """Lines of other daemons' sessions do not run here."""
    alice, bob = here.connect("alice"), here.connect("bob")
    own.append(alice.session)
    with here.tick():
        for client in (alice, bob):
            client.session.heard_mono_ms = here.world.mono_ms
        assert relieve(here.world)
    assert (alice.closed, bob.closed) == (True, False)


def test_a_reload_is_announced_to_own_sessions(here: Here, own: list[Session]) -> None:
    """Other daemons have settings of their own, and announce theirs."""
    alice, bob = here.connect("alice", caps="cap-notify"), here.connect("bob", caps="cap-notify")
    own.append(alice.session)
    with here.tick():
        use_settings(here.world, change_settings(here.world.settings, accounts={"registration": "closed"}))
    assert [line for line in alice.read() if " CAP " in line]
    assert bob.read() == []


def test_status_counts_own_sessions(here: Here, own: list[Session]) -> None:
    """The operator of a daemon reads how many it serves."""
    own += [here.connect("alice").session]
    here.connect("bob")
    assert ":chatroom.local NOTE STATUS sessions :1" in here.control().ask("STATUS")
