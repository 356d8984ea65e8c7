from __future__ import annotations

import pytest
from harness.session_client import Client
from harness.world import PASSWORD, SERVER, Here, params_of, verbs


def early(here: Here, nick: str, *lines: str) -> Client:
    """A client with draft/pre-away that has sent some lines before its registration is complete."""
    client = here.open()
    client.say("CAP LS 302", "CAP REQ :draft/pre-away", f"NICK {nick}")
    client.read()
    client.say(*lines)
    return client


def test_away_before_registration_needs_the_capability(here: Here) -> None:
    """Without draft/pre-away the answer is 451; with it, 306 and 305, addressed to ``*``."""
    assert here.open().ask("AWAY :gone") == [f":{SERVER} 451 * :You have not registered"]
    client = early(here, "alice")
    assert client.ask("AWAY :gone") == [f":{SERVER} 306 * :You have been marked as being away"]
    assert client.ask("AWAY") == [f":{SERVER} 305 * :You are no longer marked as being away"]


def test_away_before_registration_holds_after_it(here: Here) -> None:
    """The lobby reads JOIN and AWAY, and a user that writes to the new user reads 301."""
    bob = here.connect("bob", caps="away-notify")
    alice = early(here, "alice", "AWAY :gone", "USER a 0 * :A", "CAP END")
    assert [line.partition(" ")[2] for line in bob.read()] == ["JOIN #lobby", "AWAY :gone"]
    assert params_of(bob.ask("PRIVMSG alice :hi"), "301")[1:] == ["alice", "gone"]
    assert verbs(alice.ask("AWAY")) == ["305"]
    assert bob.read() == [f":{alice.prefix} AWAY"]


def test_the_last_away_before_registration_counts(here: Here) -> None:
    """A user that was away and back before registration is not away."""
    early(here, "alice", "AWAY :gone", "AWAY", "USER a 0 * :A", "CAP END")
    assert here.user("alice").away is None


@pytest.mark.parametrize(
    "first, second, together",
    [
        ("AWAY :lunch", "AWAY *", "lunch"),
        ("AWAY *", "AWAY *", "*"),
        ("AWAY *", "AWAY :lunch", "lunch"),
        ("AWAY *", "PING x", None),
        ("PING x", "AWAY *", None),
        ("PING x", "AWAY :lunch", "lunch"),
    ],
)
def test_a_session_without_a_person_changes_nothing(here: Here, first: str, second: str, together: str | None) -> None:
    """``AWAY *`` does not replace the text of another session. A session with a person ends it."""
    here.account("una")
    bob = here.connect("bob", caps="away-notify")
    for line in (first, second):
        early(here, "una", line, f"PASS :una:{PASSWORD}", "USER u 0 * :U", "CAP END")
    assert here.user("una").away == together
    bob.read()


def test_away_star_after_registration_needs_an_only_session(here: Here) -> None:
    """``AWAY *`` has an effect only if the user has no other session."""
    una = here.member("una", caps="draft/pre-away")
    assert verbs(una.ask("AWAY *")) == ["306"]
    assert una.user.away == "*"
    una.say("AWAY")
    here.member("una", caps="draft/pre-away")
    assert verbs(una.ask("AWAY *")) == ["306"]
    assert una.user.away is None
