"""Readers wait until the database has what the journal has queued: a RENAME, while the write lock is held."""

from __future__ import annotations

import re

import pytest
from harness.session_client import Client
from harness.world import Here, verbs

from chatroom.chat.work_queue import PATIENCE_MS
from chatroom.irc.message import parse
from chatroom.storage.sqlite.journal import SqliteJournal

CAPS = "batch draft/chathistory draft/message-redaction draft/channel-rename soju.im/search message-tags echo-message"
TIMES = "timestamp=2020-01-01T00:00:00.000Z timestamp=2040-01-01T00:00:00.000Z"


class Lock:
    """The database's write lock as the journal finds it."""

    is_held = False


@pytest.fixture
def lock(monkeypatch: pytest.MonkeyPatch) -> Lock:
    """A lock that the test takes from the journal. The stores, which a test runs in the same thread, go on."""
    lock, begin = Lock(), SqliteJournal.begin
    monkeypatch.setattr(SqliteJournal, "begin", lambda journal: not lock.is_held and begin(journal))
    return lock


@pytest.fixture
def una(keeping: Here, lock: Lock) -> Client:
    """A session in ``#new``. Its new name waits for the lock, and what it said is under the old one."""
    una = keeping.member("una", caps=CAPS)
    una.say("JOIN #old", "PRIVMSG #old :a needle")
    lock.is_held = True
    keeping.holding = True
    una.say("RENAME #old #new")
    return una


def msgid(client: Client) -> str:
    """The msgid of the message that the client has read its echo of."""
    [found] = [line for line in client.read() if "needle" in line]
    return str(re.findall("msgid=([0-9a-f]+)", found)[0])


@pytest.mark.parametrize(
    "question, answer",
    [
        ("CHATHISTORY LATEST #new * 9", " PRIVMSG #new :a needle"),
        (f"CHATHISTORY TARGETS {TIMES} 9", " TARGETS #new "),
        ("SEARCH text=needle", " PRIVMSG #new :a needle"),
        ("SEARCH in=#new;text=needle", " PRIVMSG #new :a needle"),
        ("REDACT #new MSGID", " REDACT #new "),
    ],
)
def test_a_question_waits_for_the_new_name(keeping: Here, lock: Lock, una: Client, question: str, answer: str) -> None:
    """It is not answered from under the old name, and finds everything when the lock is free."""
    sent = question.replace("MSGID", msgid(una))
    una.say(sent, "PING :behind")
    keeping.release(6)
    assert una.read() == []
    lock.is_held = False
    keeping.release()
    lines = una.read()
    assert any(answer in line for line in lines), lines
    assert verbs(lines)[-1] == "PONG" and "FAIL" not in verbs(lines)


@pytest.mark.parametrize(
    "question, code",
    [
        ("CHATHISTORY LATEST #new * 9", "MESSAGE_ERROR"),
        (f"CHATHISTORY TARGETS {TIMES} 9", "MESSAGE_ERROR"),
        ("SEARCH text=needle", "INTERNAL_ERROR"),
        ("REDACT #new MSGID", "TEMPORARILY_UNAVAILABLE"),
    ],
)
def test_a_question_is_refused_if_the_database_stays_locked(
    keeping: Here, una: Client, question: str, code: str
) -> None:
    """An empty answer would say that nothing is there. The time is that of a message that cannot be stored."""
    una.say(question.replace("MSGID", msgid(una)))
    keeping.release(10_000)
    [line] = una.read()
    assert parse(line).params[1] == code
    assert sum(keeping.delays_ms) > PATIENCE_MS


def test_a_session_that_ends_while_its_question_waits_is_forgotten(keeping: Here, una: Client) -> None:
    """Nothing waits for it any longer."""
    una.say("SEARCH text=needle")
    keeping.release(4)
    una.vanish()
    keeping.release()
    assert not keeping.held


@pytest.mark.parametrize("login", [None, "bob"], ids=["guest", "account"])
def test_a_replay_waits_for_the_new_name(keeping: Here, lock: Lock, una: Client, login: str | None) -> None:
    """It shows what was said under the old one."""
    keeping.account("bob")
    keeping.holding = False
    keeping.release()
    bob = keeping.connect(login or "guest", login=login)
    bob.say("JOIN #new", "PING :done")
    assert "PONG" not in verbs(bob.read())
    lock.is_held = False
    keeping.wait(0)
    lines = bob.read()
    assert [verb for verb in verbs(lines) if verb in ("PRIVMSG", "PONG")] == ["PRIVMSG", "PONG"]


def test_a_replay_does_not_wait_for_ever(keeping: Here, una: Client) -> None:
    """A session cannot stand still as long as another process likes: it goes on with what is there."""
    keeping.holding = False
    keeping.release()
    bob = keeping.connect("bob")
    bob.say("JOIN #new", "PING :done")
    assert "PONG" not in verbs(bob.read())
    keeping.wait(PATIENCE_MS / 1000 + 1)
    assert verbs(bob.read())[-1] == "PONG"
