"""Remember, then tell: the gate before the tick's end, replays, and messages for those who are away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from harness.world import PASSWORD, Here, make_settings

from chatroom.chat.delivery.ledger import Ledger
from chatroom.chat.stored.entries import Entry, EntryRow, Kind
from chatroom.errors import StorageError


class Journal:
    """A journal in memory whose disk and lock are the test's to fail."""

    def __init__(self) -> None:
        self.kept: list[Entry] = []
        self.ended: list[str] = []
        self.is_held = False
        self.is_full = False
        self.asked = 0
        self._written: list[Entry] = []

    def last_message_id(self) -> int:
        """Nothing was written before."""
        return 0

    def begin(self) -> bool:
        """Whether nobody else holds it."""
        self.asked += 1
        return not self.is_held

    def write(self, entries: Sequence[EntryRow]) -> None:
        """Take entries, or be full."""
        if self.is_full:
            self._written = []
            raise StorageError("the disk is full")
        self._written.extend(Entry._make(entry)._replace(kind=Kind(entry[3])) for entry in entries)

    def end_channel(self, name: str) -> None:
        """Note the end."""
        self.ended.append(name)

    def rename_channel(self, name: str, new_name: str) -> None:
        """Note the name."""
        self.ended.append(f"{name} is now {new_name}")

    def commit(self) -> None:
        """Keep what was written."""
        self.kept.extend(self._written)
        self._written = []

    def rollback(self) -> None:
        """Give it up."""
        self._written = []

    def close(self) -> None:
        """Of no meaning here."""


@pytest.fixture
def journal() -> Journal:
    """The journal of ``kept``."""
    return Journal()


@pytest.fixture
def kept(tmp_path: Path, journal: Journal) -> Any:
    """A world that keeps what is said in ``journal``."""
    with Here(tmp_path / "kept.db", make_settings()) as here:
        here.world.ledger = Ledger(journal, here.world.settings.history)
        yield here


def test_a_message_is_kept_under_the_id_that_is_told(kept: Here, journal: Journal) -> None:
    """What the reader's msgid names is what the journal has."""
    alice, bob = kept.connect("alice"), kept.connect("bob", caps="message-tags")
    kept.forget_unread()
    alice.say("PRIVMSG #lobby :hello")
    (line,) = bob.read()
    (entry,) = journal.kept
    assert f"msgid={entry.msgid} " in line
    assert (entry.source, entry.target, entry.text) == (alice.prefix, "#lobby", "hello")


def test_ids_go_up_also_within_a_tick(kept: Here, journal: Journal) -> None:
    """Everything kept has a number of its own, in the order in which it was said."""
    alice = kept.connect("alice")
    with kept.tick():
        alice.say("PRIVMSG #lobby :one", "PRIVMSG #lobby :two")
    assert [entry.text for entry in journal.kept] == ["one", "two"]
    assert journal.kept[0].message_id < journal.kept[1].message_id


def test_a_full_disk_shows_the_message_to_nobody(kept: Here, journal: Journal) -> None:
    """The sender is told, nobody reads it, not even its echo, and everything else goes on."""
    alice, bob = kept.connect("alice", caps="echo-message batch labeled-response"), kept.connect("bob")
    kept.forget_unread()
    journal.is_full = True
    with kept.tick():
        alice.say("PRIVMSG #lobby :lost", "@label=x PRIVMSG #lobby :lost too", "PING still")
        bob.say("AWAY :gone")
    said = alice.read()
    assert [line for line in said if "lost" in line] == []
    assert [line.split()[1:5] for line in said if "FAIL" in line] == [["FAIL", "PRIVMSG", "NOT_KEPT", "#lobby"]] * 2
    assert any("PONG" in line for line in said)
    assert [line.split()[1] for line in bob.read()] == ["306"]
    journal.is_full = False
    alice.say("PRIVMSG #lobby :back")
    assert [line.rpartition(":")[2] for line in bob.read()] == ["back"]
    assert kept.world.ledger.failure == ""


def test_a_full_disk_shows_the_message_to_nobody_who_is_still_shown_what_they_missed(
    kept: Here, journal: Journal
) -> None:
    """What waits behind a replay is taken out too, also where the replay is cut short in the same tick."""
    alice, ada = kept.connect("alice"), kept.admin()
    kept.holding = True
    bob, carol = kept.connect("bob"), kept.connect("carol")
    assert len(kept.channel("#lobby").held) == 2
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


def test_a_full_disk_is_told_once_in_the_log(kept: Here, journal: Journal) -> None:
    """One line when it begins and one when it is over, whatever the number of messages."""
    alice = kept.connect("alice")
    kept.world.log_lines.clear()
    journal.is_full = True
    for _ in range(3):
        alice.say("PRIVMSG #lobby :lost")
    journal.is_full = False
    alice.say("PRIVMSG #lobby :kept")
    assert kept.world.log_lines == [
        "messages are not kept, and so not passed on: the disk is full",
        "messages are kept again",
    ]


def test_a_held_database_keeps_only_the_message_waiting(kept: Here, journal: Journal) -> None:
    """Others are answered meanwhile; the message is said when the lock is free, in its sender's order."""
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


def test_a_held_database_is_asked_for_once_a_tick(kept: Here, journal: Journal) -> None:
    """What does not get the lock for one line does not ask again for each of the others; the next tick asks anew."""
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


def test_a_database_held_for_too_long_refuses_the_message(kept: Here, journal: Journal) -> None:
    """After five seconds the sender is told, and may try again."""
    alice = kept.connect("alice")
    kept.forget_unread()
    journal.is_held = True
    kept.holding = True
    alice.say("PRIVMSG #lobby :hello")
    kept.wait(6)
    kept.holding = False
    kept.release()
    assert [line.split()[1:5] for line in alice.read()] == [["FAIL", "PRIVMSG", "NOT_KEPT", "#lobby"]]


def test_direct_messages_are_kept_between_accounts_only(kept: Here, journal: Journal) -> None:
    """What a guest says or is told directly is nobody's to keep."""
    una, mo, bob = kept.member("una"), kept.moderator("mo"), kept.connect("bob")
    una.say("PRIVMSG bob :to a guest")
    bob.say("PRIVMSG una :from a guest")
    una.say("PRIVMSG mo :between us")
    assert [entry.text for entry in journal.kept] == ["between us"]
    assert mo.read()


def test_somebody_away_can_be_written_to(kept: Here, journal: Journal) -> None:
    """An account that is not here gets its messages later; a name without one still is nobody."""
    una = kept.member("una")
    kept.account("vic")
    kept.forget_unread()
    assert "vic is not here" in una.ask("PRIVMSG vic :later")[-1]
    assert " 401 " in una.ask("PRIVMSG nobody :hm")[-1]
    assert [(entry.target, entry.text) for entry in journal.kept] == [("vic", "later")]


def test_a_message_left_keeps_the_clients_own_tags(kept: Here, journal: Journal) -> None:
    """It goes the way of any other message."""
    una = kept.member("una", caps="message-tags")
    kept.account("vic")
    una.say("@+draft/reply=x PRIVMSG vic :later")
    assert [(entry.text, entry.client_tags) for entry in journal.kept] == [("later", "+draft/reply=x")]


def test_what_is_said_to_the_operators_is_not_kept(kept: Here, journal: Journal) -> None:
    """Who reads the history of a channel may be no operator of it."""
    ada = kept.admin()
    ada.say("JOIN #ops", "PRIVMSG @#ops :psst")
    assert journal.kept == []


def test_topics_and_kicks_are_kept_by_default_and_joins_are_not(kept: Here, journal: Journal) -> None:
    """The kinds are the settings'."""
    ada = kept.admin()
    kept.connect("bob")
    ada.say("TOPIC #lobby :cake", "KICK #lobby bob :enough")
    assert [(entry.kind.name, entry.text) for entry in journal.kept] == [("TOPIC", "cake"), ("KICK", "bob enough")]


def test_a_kick_is_kept_when_the_lock_is_free_again(kept: Here, journal: Journal) -> None:
    """It is told at once, and written in the next tick that can, in its place."""
    ada, bob = kept.admin(), kept.connect("bob")
    journal.is_held = True
    ada.say("KICK #lobby bob :enough")
    assert " KICK #lobby bob " in bob.read()[-1] and journal.kept == []
    journal.is_held = False
    ada.say("PING x", "PRIVMSG #lobby :after")
    assert [entry.text for entry in journal.kept] == ["bob enough", "after"]


def test_a_guests_channel_ends_with_its_history(kept: Here, journal: Journal) -> None:
    """A later channel of the same name has nothing to do with it."""
    bob = kept.connect("bob")
    bob.say("JOIN #den", "PRIVMSG #den :secret", "PART #den")
    assert journal.ended == ["#den"]


def test_a_renamed_channel_keeps_its_history(make_here: Callable[..., Here]) -> None:
    """What was said before is read under the new name; the old one is another channel's."""
    here = make_here(keeping=True)
    una = here.member("una", caps="batch draft/chathistory draft/channel-rename")
    una.say("JOIN #old", "PRIVMSG #old :before", "RENAME #old #new", "PRIVMSG #new :after", "JOIN #old")
    assert [line.rpartition(":")[2] for line in una.ask("CHATHISTORY LATEST #new * 9") if "PRIVMSG" in line] == [
        "before",
        "after",
    ]
    assert [line for line in una.ask("CHATHISTORY LATEST #old * 9") if "PRIVMSG" in line] == []


def test_password_of_an_account_made_a_moment_ago(here: Here) -> None:
    """A login does not depend on the daemon's having been told of an account that the shell has just made."""
    for name, given in (("vic", PASSWORD), ("wim", f"wim:{PASSWORD}")):
        here.world.accounts.discard(here.account(name).id)
        client = here.open()
        client.say(f"PASS :{given}", f"NICK {name}", "USER v 0 * :V")
        assert client.user.account_name == name
