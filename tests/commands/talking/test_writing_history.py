"""A message is stored before it is sent: commits that fail, locks that are taken, and absent accounts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness.journal import FakeJournal
from harness.world import Here, make_settings, verbs

from chatroom.chat.delivery.ledger import Ledger


@pytest.fixture
def journal() -> FakeJournal:
    """The journal of ``kept``."""
    return FakeJournal()


@pytest.fixture
def kept(tmp_path: Path, journal: FakeJournal) -> Any:
    """A world that stores messages in ``journal``."""
    with Here(tmp_path / "kept.db", make_settings()) as here:
        here.world.ledger = Ledger(journal, here.world.settings.history)
        yield here


def test_a_message_is_stored_under_the_msgid_that_readers_see(kept: Here, journal: FakeJournal) -> None:
    """The entry in the journal has the msgid, and the message's source, target and text."""
    alice, bob = kept.connect("alice"), kept.connect("bob", caps="message-tags")
    kept.forget_unread()
    alice.say("PRIVMSG #lobby :hello")
    (line,) = bob.read()
    (entry,) = journal.kept
    assert f"msgid={entry.msgid} " in line
    assert (entry.source, entry.target, entry.text) == (alice.prefix, "#lobby", "hello")


def test_message_ids_rise_within_a_tick(kept: Here, journal: FakeJournal) -> None:
    """Two messages of one tick have different ids, in the order in which they were sent."""
    alice = kept.connect("alice")
    with kept.tick():
        alice.say("PRIVMSG #lobby :one", "PRIVMSG #lobby :two")
    assert [entry.text for entry in journal.kept] == ["one", "two"]
    assert journal.kept[0].message_id < journal.kept[1].message_id


def test_a_message_is_not_sent_if_the_disk_is_full(kept: Here, journal: FakeJournal) -> None:
    """The sender reads FAIL and no echo, no user reads the message, and other commands are answered."""
    alice, bob = kept.connect("alice", caps="echo-message batch labeled-response"), kept.connect("bob")
    kept.forget_unread()
    journal.is_full = True
    with kept.tick():
        alice.say("PRIVMSG #lobby :lost", "@label=x PRIVMSG #lobby :lost too", "PING still")
        bob.say("AWAY :gone")
    said = alice.read()
    assert [line for line in said if "lost" in line] == []
    fails = [line.partition(":")[0::2] for line in said if "FAIL" in line]
    assert [line.split()[1:4] for _, line in fails] == [["FAIL", "PRIVMSG", "NOT_KEPT"]] * 2
    assert [tags for tags, _ in fails] == ["", "@label=x "]
    assert any("PONG" in line for line in said)
    assert [line.split()[1] for line in bob.read()] == ["306"]
    journal.is_full = False
    alice.say("PRIVMSG #lobby :back")
    assert [line.rpartition(":")[2] for line in bob.read()] == ["back"]
    assert kept.world.ledger.failure == ""


def test_a_refusal_is_the_answer_to_a_label(kept: Here, journal: FakeJournal) -> None:
    """It is read instead of an ACK. A later message in the same tick has its own answer."""
    alice = kept.connect("alice", caps="batch labeled-response draft/multiline")
    kept.forget_unread()
    journal.is_full = True
    with kept.tick():
        alice.say("@label=x PRIVMSG #lobby :lost", "@label=y PRIVMSG nobody :lost")
    with kept.tick():
        alice.say("@label=z BATCH +1 draft/multiline #lobby", "@batch=1 PRIVMSG #lobby :a", "BATCH -1")
    assert [line.split()[0:3:2] for line in alice.read()] == [
        ["@label=x", "FAIL"],
        ["@label=y", "401"],
        ["@label=z", "FAIL"],
    ]
    journal.is_full = False
    assert [line.split()[0:3:2] for line in alice.ask("@label=x PRIVMSG #lobby :back")] == [["@label=x", "ACK"]]


def test_the_refusals_of_a_labelled_line_are_in_a_batch(kept: Here, journal: FakeJournal) -> None:
    """There is no ACK then, and what comes behind the line keeps its place."""
    alice = kept.connect("alice", caps="batch labeled-response")
    alice.say("JOIN #a")
    kept.forget_unread()
    journal.is_full = True
    with kept.tick():
        alice.say("@label=x PRIVMSG #a,#lobby :lost", "PING 1")
    first, *fails, last, pong = alice.read()
    assert first.startswith("@label=x ") and " BATCH -" in last and " PONG " in pong
    assert [line.split()[0:3:2] for line in fails] == [[f"@batch={first.split()[3][1:]}", "FAIL"]] * 2


def test_a_refusal_comes_in_the_place_of_its_message(kept: Here, journal: FakeJournal) -> None:
    """A client that takes the PONG behind a message for its confirmation has read by then that it was not sent."""
    alice, bob = kept.connect("alice"), kept.connect("bob")
    kept.forget_unread()
    journal.is_full = True
    with kept.tick():
        alice.say("PING 0", "PRIVMSG #lobby :lost")
        bob.say("PART #lobby")
        alice.say("PING 1", "PRIVMSG #lobby :lost too")
    assert verbs(alice.read()) == ["PONG", "FAIL", "PART", "PONG", "FAIL"]


def test_a_message_is_withdrawn_from_replay_queues_if_the_disk_is_full(kept: Here, journal: FakeJournal) -> None:
    """A session in replay does not read it afterwards, even if the replay is cut short in the same tick."""
    alice, ada = kept.connect("alice"), kept.admin()
    kept.holding = True
    bob, carol = kept.connect("bob"), kept.connect("carol")
    assert len(kept.world.outbox.replays.by_channel[kept.channel("#lobby")]) == 2
    journal.is_full = True
    with kept.tick():
        alice.say("PRIVMSG #lobby :lost")
        ada.say("KICK #lobby carol :enough")
    journal.is_full = False
    alice.say("PRIVMSG #lobby :kept")
    kept.holding = False
    kept.release()
    assert [line.rpartition(":")[2] for line in bob.read() if " PRIVMSG " in line] == ["kept"]
    assert [line.split()[1] for line in carol.read()] == ["KICK"]


def test_a_full_disk_is_logged_once(kept: Here, journal: FakeJournal) -> None:
    """One log line when it begins and one when it is over, for any number of messages."""
    alice = kept.connect("alice")
    kept.world.log_lines.clear()
    journal.is_full = True
    for _ in range(3):
        alice.say("PRIVMSG #lobby :lost")
    journal.is_full = False
    alice.say("PRIVMSG #lobby :kept")
    assert kept.world.log_lines == [
        "messages cannot be stored, and are not sent: the disk is full",
        "messages can be stored again",
    ]


def test_a_locked_database_makes_only_the_message_wait(kept: Here, journal: FakeJournal) -> None:
    """Other users are answered meanwhile. The messages are sent when the lock is free, in their order."""
    alice, bob = kept.connect("alice"), kept.connect("bob")
    kept.forget_unread()
    journal.is_held = True
    kept.holding = True
    alice.say("PRIVMSG #lobby :one", "PRIVMSG #lobby :two")
    assert bob.ask("PING x")[-1].endswith(":x")
    assert journal.kept == []
    journal.is_held = False
    kept.holding = False
    kept.release()
    assert [line.rpartition(":")[2] for line in bob.read()] == ["one", "two"]


def test_a_locked_database_is_asked_once_a_tick(kept: Here, journal: FakeJournal) -> None:
    """Further messages of the tick wait without asking for the lock. The next tick asks again."""
    alice, bob = kept.connect("alice"), kept.connect("bob")
    kept.forget_unread()
    journal.is_held = True
    kept.holding = True
    journal.asked = 0
    with kept.tick():
        alice.say("PRIVMSG #lobby :one")
        bob.say("PRIVMSG #lobby :two", "NOTICE #lobby :three")
    assert journal.asked == 1
    journal.is_held = False
    kept.holding = False
    kept.release()
    assert [entry.text for entry in journal.kept] == ["one", "two", "three"]


def test_a_message_is_refused_if_the_database_stays_locked(kept: Here, journal: FakeJournal) -> None:
    """After five seconds the sender reads FAIL NOT_KEPT, and not earlier if the wall clock jumps."""
    alice = kept.connect("alice")
    kept.forget_unread()
    journal.is_held = True
    kept.holding = True
    alice.say("PRIVMSG #lobby :hello")
    kept.set_clock(86_400)
    kept.release(1)
    kept.set_clock(-86_400)
    assert alice.read() == []
    kept.wait(6)
    kept.holding = False
    kept.release()
    assert [line.split()[1:5] for line in alice.read()] == [["FAIL", "PRIVMSG", "NOT_KEPT", "#lobby"]]


def test_direct_messages_are_stored_for_accounts(kept: Here, journal: FakeJournal) -> None:
    """Those from and to a guest are stored under the account and the guest's nick; those between guests are not."""
    una, mo, bob, vic = kept.member("una"), kept.moderator("mo"), kept.connect("Bob"), kept.connect("vic")
    una.say("PRIVMSG bob :to a guest")
    bob.say("PRIVMSG una :from a guest", "PRIVMSG vic :between guests", "PRIVMSG Bob :to itself")
    una.say("PRIVMSG mo :between us")
    una_id, mo_id = (client.user.account.id for client in (una, mo) if client.user.account is not None)
    assert [(entry.text, entry.conversation) for entry in journal.kept] == [
        ("to a guest", (una_id, "Bob")),
        ("from a guest", (una_id, "Bob")),
        ("between us", (una_id, mo_id)),
    ]
    assert mo.read() and vic.read()


def test_a_guest_cannot_leave_a_message(kept: Here, journal: FakeJournal) -> None:
    """An account that is not connected is no such nick to it: the account could not refuse."""
    kept.account("vic")
    assert " 401 " in kept.connect("bob").ask("PRIVMSG vic :later")[-1]
    assert journal.kept == []


def test_a_message_to_an_absent_account_is_stored(kept: Here, journal: FakeJournal) -> None:
    """The sender reads that it will be delivered later. A name without an account is answered with 401."""
    una = kept.member("una")
    kept.account("vic")
    kept.forget_unread()
    assert "vic is not connected" in una.ask("PRIVMSG vic :later")[-1]
    assert " 401 " in una.ask("PRIVMSG nobody :hm")[-1]
    assert [(entry.target, entry.text) for entry in journal.kept] == [("vic", "later")]


def test_a_message_to_an_absent_account_has_its_client_only_tags(kept: Here, journal: FakeJournal) -> None:
    """The entry has the tags of the sender."""
    una = kept.member("una", caps="message-tags")
    kept.account("vic")
    una.say("@+draft/reply=x PRIVMSG vic :later")
    assert [(entry.text, entry.client_tags) for entry in journal.kept] == [("later", "+draft/reply=x")]


def test_a_message_to_the_operators_is_not_stored(kept: Here, journal: FakeJournal) -> None:
    """Members without a standing read the history too."""
    ada = kept.admin()
    ada.say("JOIN #ops", "PRIVMSG @#ops :psst")
    assert journal.kept == []


def test_topics_and_kicks_are_stored_by_default_and_joins_are_not(kept: Here, journal: FakeJournal) -> None:
    """The settings name the kinds of events that are stored."""
    ada = kept.admin()
    kept.connect("bob")
    ada.say("TOPIC #lobby :cake", "KICK #lobby bob :enough")
    assert [(entry.kind.name, entry.text) for entry in journal.kept] == [("TOPIC", "cake"), ("KICK", "bob enough")]


def test_a_kick_is_stored_when_the_lock_is_free_again(kept: Here, journal: FakeJournal) -> None:
    """The kicked user reads it at once. The entry is written in a later tick, before the messages that followed."""
    ada, bob = kept.admin(), kept.connect("bob")
    journal.is_held = True
    ada.say("KICK #lobby bob :enough")
    assert " KICK #lobby bob " in bob.read()[-1] and journal.kept == []
    journal.is_held = False
    ada.say("PING x", "PRIVMSG #lobby :after")
    assert [entry.text for entry in journal.kept] == ["bob enough", "after"]


def test_a_guests_channel_ends_with_its_history(kept: Here, journal: FakeJournal) -> None:
    """The journal is told that the channel ended, so that a later channel of the name does not show its messages."""
    bob = kept.connect("bob")
    bob.say("JOIN #den", "PRIVMSG #den :secret", "PART #den")
    assert journal.ended == ["#den"]


def test_a_renamed_channel_keeps_its_history(make_here: Callable[..., Here]) -> None:
    """Messages from before are read under the new name, and not under the old one."""
    here = make_here(keeping=True)
    una = here.member("una", caps="batch draft/chathistory draft/channel-rename")
    una.say("JOIN #old", "PRIVMSG #old :before", "RENAME #old #new", "PRIVMSG #new :after", "JOIN #old")
    assert [line.rpartition(":")[2] for line in una.ask("CHATHISTORY LATEST #new * 9") if "PRIVMSG" in line] == [
        "before",
        "after",
    ]
    assert [line for line in una.ask("CHATHISTORY LATEST #old * 9") if "PRIVMSG" in line] == []
