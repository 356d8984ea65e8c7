"""What was not handed to the socket is not read: the account is shown it when it comes back."""

from __future__ import annotations

import pytest
from harness.session_client import Client
from harness.world import Here

from chatroom.chat.runtime import Written


@pytest.fixture
def una(keeping: Here) -> Client:
    """An account that has missed a line of #a and a direct message, and is back on the server only."""
    alice, una = keeping.member("alice"), keeping.member("una")
    alice.say("JOIN #a")
    una.say("JOIN #a", "PART #a", "QUIT")
    alice.say("PRIVMSG #a :in the room", "PRIVMSG una :for una")
    una = keeping.open()
    una.say("PASS :una:open sesame", "NICK una", "USER u 0 * :U")
    return una


def texts(client: Client) -> list[str]:
    """What was said in the lines that a client has not read yet."""
    return [line.rpartition(" :")[2] for line in client.read() if " PRIVMSG " in line]


def shown_again(here: Here) -> list[str]:
    """What una is shown when it logs in and joins #a."""
    una = here.open()
    una.say("PASS :una:open sesame", "NICK una", "USER u 0 * :U", "JOIN #a", "PING 1")
    return [text.partition("] ")[2] for text in texts(una)]


def test_who_was_shown_everything_is_shown_nothing_again(keeping: Here, una: Client) -> None:
    """The daemon is killed when the replay is written."""
    una.say("JOIN #a", "PING 1")
    assert [text.partition("] ")[2] for text in texts(una)] == ["for una", "in the room"]
    keeping.restart()
    assert shown_again(keeping) == []


def test_a_session_that_ends_in_its_replay_has_read_nothing(keeping: Here, una: Client) -> None:
    """Its connection was lost while a worker was still reading what it had missed."""
    keeping.holding = True
    una.say("JOIN #a")
    una.vanish()
    keeping.holding = False
    keeping.release()
    assert shown_again(keeping) == ["in the room"]


def test_a_daemon_that_is_killed_before_the_replay_is_written(keeping: Here, una: Client) -> None:
    """Its next start does not take the account for one that has read everything."""
    keeping.runtime.written[una.session] = Written(keeping.world.outbox.seq, is_all=False)
    una.say("JOIN #a", "PING 1", "PING 2")
    keeping.restart()
    assert shown_again(keeping) == ["in the room"]


@pytest.mark.parametrize("lost", [True, False])
def test_a_backlog_is_not_read(keeping: Here, una: Client, lost: bool) -> None:
    """Of a session that is dropped, or times out, while its socket has not taken everything."""
    una.say("JOIN #a", "PING 1")
    alice = next(client for client in keeping.clients.values() if client.session.user and client.user.nick == "alice")
    alice.say("PRIVMSG #a :taken")
    keeping.runtime.written[una.session] = Written(keeping.world.outbox.seq, is_all=False)
    alice.say("PRIVMSG #a :not taken")
    with keeping.tick():
        keeping.world.close(una.session, "SendQ exceeded", tell=not lost, lost=lost)
    assert shown_again(keeping) == ["not taken"]


def test_a_replay_in_the_backlog_is_not_read(keeping: Here, una: Client) -> None:
    """What it shows is older than everything that the socket has taken."""
    keeping.runtime.written[una.session] = Written(keeping.world.outbox.seq, is_all=False)
    una.say("JOIN #a", "PING 1")
    una.vanish()
    assert shown_again(keeping) == ["in the room"]


def test_what_one_device_was_sent_is_read(keeping: Here, una: Client) -> None:
    """Another one was dropped before; the account has read everything."""
    other = keeping.connect("una", login="una")
    una.say("JOIN #a", "PING 1")
    keeping.runtime.written[other.session] = Written(keeping.world.outbox.seq, is_all=False)
    alice = next(client for client in keeping.clients.values() if client.session.user and client.user.nick == "alice")
    alice.say("PRIVMSG #a :read by one")
    other.vanish()
    una.vanish()
    assert shown_again(keeping) == []
