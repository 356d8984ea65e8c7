from __future__ import annotations

import pytest
from harness.delivery_parts import TIME_MS, make_outbox, make_session
from harness.journal import FakeJournal

from chatroom.chat.delivery.ledger import Ledger, NotWritten
from chatroom.chat.delivery.outbox import Outbox
from chatroom.chat.events import Event
from chatroom.chat.people.channel import Channel
from chatroom.chat.people.session import Session
from chatroom.chat.people.user import User
from chatroom.chat.stored.entries import EntryFlag, Kind, Part, join_parts
from chatroom.chat.stored.records import AccountEntry, Role
from chatroom.config.chatting import History
from chatroom.errors import StorageError

ACCOUNT = AccountEntry(7, "Una", Role.USER, False)


@pytest.fixture
def journal() -> FakeJournal:
    """The journal of ``ledger``."""
    return FakeJournal()


@pytest.fixture
def ledger(journal: FakeJournal) -> Ledger:
    """A ledger that writes what the settings say by default, and joins too."""
    return Ledger(journal, History(joins=True))


@pytest.fixture
def outbox() -> Outbox:
    """The outbox of the tick."""
    return make_outbox()


@pytest.fixture
def channel() -> Channel:
    """A channel without members."""
    return Channel("#a", 0)


@pytest.fixture
def una(channel: Channel) -> Session:
    """A session in the channel, of a user with an account."""
    session = make_session("una", channel)
    user_of(session).account = ACCOUNT
    return session


def user_of(session: Session) -> User:
    """The session's user."""
    assert session.user is not None
    return session.user


def say(ledger: Ledger, outbox: Outbox, session: Session, channel: Channel, text: str) -> Event:
    """Write a message to a channel and say it, as the verb does."""
    user = user_of(session)
    event = outbox.event(user.prefix, f"PRIVMSG {channel.name} :{text}", user)
    ledger.add_message(event, "PRIVMSG", channel.name, channel.name, text, (user, session))
    outbox.to_channel(channel, event, session)
    return event


# -- beginning ------------------------------------------------------------------------------------


def test_a_ledger_without_a_journal_writes_nothing(outbox: Outbox, channel: Channel) -> None:
    """It is never ready, and events and channels pass it by."""
    ledger = Ledger(None, History())
    assert not ledger.ready() and not ledger.writes_channels and not ledger.writes_direct
    ledger.add_event(outbox.event("s", "TOPIC #a :x"), Kind.TOPIC, channel, "x", None)
    ledger.rename_channel("#a", "#b")
    assert ledger.commit_tick(outbox) == []
    assert not channel.has_history


def test_a_tick_begins_one_transaction(ledger: Ledger, journal: FakeJournal) -> None:
    """However often a verb asks."""
    assert ledger.ready() and ledger.ready() and ledger.is_ready()
    assert ledger.is_open and journal.asked == 1


def test_a_taken_lock_is_asked_for_once_a_tick(ledger: Ledger, journal: FakeJournal) -> None:
    """``catch_up`` ends the tick: the next one asks again."""
    journal.is_held = True
    assert not ledger.ready() and not ledger.ready()
    assert journal.asked == 1
    ledger.catch_up()
    journal.is_held = False
    assert ledger.ready() and journal.asked == 2


def test_a_disk_that_refuses_at_once_is_reported(ledger: Ledger, journal: FakeJournal) -> None:
    """``ready`` raises; ``is_ready`` says no and leaves the error to the next ``ready``."""
    journal.is_broken = True
    assert not ledger.is_ready()
    with pytest.raises(StorageError):
        ledger.ready()
    assert ledger.failure == "the disk is gone"


def test_a_message_before_the_transaction_is_a_bug(
    ledger: Ledger, outbox: Outbox, una: Session, channel: Channel
) -> None:
    """It would be read before it is stored."""
    with pytest.raises(AssertionError):
        say(ledger, outbox, una, channel, "early")
    with pytest.raises(AssertionError):
        ledger.add_line(1, TIME_MS, user_of(una), una, "#a", "#a", "early")


# -- entries --------------------------------------------------------------------------------------


def test_a_message_becomes_an_entry(
    ledger: Ledger, journal: FakeJournal, outbox: Outbox, una: Session, channel: Channel
) -> None:
    """With source, account, target, text, tags and the bot's flag, under the msgid that the event has from then on."""
    user = user_of(una)
    user.bot = True
    ledger.ready()
    event = outbox.event(user.prefix, "NOTICE #a :hi", user)
    event.client_tags = "+x=1"
    ledger.add_message(event, "NOTICE", channel.name, channel.name, "hi", (user, una))
    assert ledger.commit_tick(outbox) == []
    (entry,) = journal.kept
    assert event.msgid == entry.msgid and entry.message_id == event.seq
    assert (entry.time_ms, entry.conversation, entry.kind) == (TIME_MS, "#a", Kind.NOTICE)
    assert (entry.source, entry.account_id, entry.account) == (user.prefix, 7, "Una")
    assert (entry.target, entry.text, entry.client_tags, entry.flags) == ("#a", "hi", "+x=1", EntryFlag.BOT)


def test_a_plain_line_becomes_the_same_entry(
    ledger: Ledger, journal: FakeJournal, outbox: Outbox, una: Session, channel: Channel
) -> None:
    """``add_line`` is a shorter way of ``add_message``."""
    ledger.ready()
    say(ledger, outbox, una, channel, "hi")
    ledger.add_line(9, TIME_MS, user_of(una), una, "#a", "#a", "hi")
    ledger.commit_tick(outbox)
    by_message, by_line = journal.kept
    assert by_line == by_message._replace(message_id=9)


def test_a_guests_entry_has_no_account(
    ledger: Ledger, journal: FakeJournal, outbox: Outbox, una: Session, channel: Channel
) -> None:
    """Both ways."""
    user_of(una).account = None
    ledger.ready()
    say(ledger, outbox, una, channel, "hi")
    ledger.add_line(9, TIME_MS, user_of(una), una, "#a", "#a", "hi")
    ledger.commit_tick(outbox)
    assert [(entry.account_id, entry.account) for entry in journal.kept] == [(None, "")] * 2


def test_a_multiline_message_is_one_entry(
    ledger: Ledger, journal: FakeJournal, outbox: Outbox, una: Session, channel: Channel
) -> None:
    """Its text holds all lines."""
    parts = [Part("one", False), Part("two", False)]
    ledger.ready()
    event = outbox.event("una!una@h", "")
    event.set_parts("PRIVMSG #a", parts)
    ledger.add_message(event, "PRIVMSG", "#a", "#a", "one", (user_of(una), una))
    ledger.commit_tick(outbox)
    assert [entry.text for entry in journal.kept] == [join_parts(parts)]


def test_events_are_written_if_the_settings_name_their_kind(
    ledger: Ledger, journal: FakeJournal, outbox: Outbox, una: Session, channel: Channel
) -> None:
    """Changed settings hold from the next event on."""
    event = outbox.event("una!una@h", "JOIN #a")
    ledger.add_event(event, Kind.JOIN, channel, "Una", una.user)
    assert channel.has_history
    ledger.use_settings(History(joins=False))
    ledger.add_event(outbox.event("una!una@h", "JOIN #a"), Kind.JOIN, channel, "Una", una.user)
    ledger.add_event(outbox.event("srv", "TOPIC #a :tea"), Kind.TOPIC, channel, "tea", None)
    ledger.commit_tick(outbox)
    assert [(entry.kind, entry.text, entry.account) for entry in journal.kept] == [
        (Kind.JOIN, "Una", "Una"),
        (Kind.TOPIC, "tea", ""),
    ]


def test_a_quit_from_several_channels_has_the_msgid_of_its_first_entry(
    ledger: Ledger, journal: FakeJournal, outbox: Outbox, una: Session, channel: Channel
) -> None:
    """It is said once, so it can have one msgid only."""
    event = outbox.event("una!una@h", "QUIT :bye")
    ledger.add_event(event, Kind.QUIT, channel, "bye", una.user)
    ledger.add_event(event, Kind.QUIT, Channel("#b", 0), "bye", una.user, outbox.take_number())
    ledger.commit_tick(outbox)
    first, second = journal.kept
    assert event.msgid == first.msgid != second.msgid


def test_messages_are_not_asked_for_if_the_settings_leave_them_out(journal: FakeJournal) -> None:
    """Messages to channels and direct messages each have their setting."""
    for messages, direct_messages in ((False, True), (True, False), (True, True)):
        ledger = Ledger(journal, History(messages=messages, direct_messages=direct_messages))
        assert (ledger.writes_channels, ledger.writes_direct) == (messages, direct_messages)


# -- the end of a tick ----------------------------------------------------------------------------


def test_entries_and_channels_are_written_in_the_order_of_what_happened(
    ledger: Ledger, journal: FakeJournal, outbox: Outbox, una: Session, channel: Channel
) -> None:
    """An entry before a rename is written under the old name, one behind it under the new name."""
    ledger.ready()
    say(ledger, outbox, una, channel, "one")
    ledger.rename_channel("#a", "#b")
    ledger.rename_channel("#b", "#c")
    channel.rename("#c")
    say(ledger, outbox, una, channel, "two")
    say(ledger, outbox, una, channel, "three")
    channel.has_history = True
    ledger.end_channel(channel)
    ledger.commit_tick(outbox)
    assert journal.calls == ["write one", "rename #a #b", "rename #b #c", "write two three", "end #c", "commit"]


def test_a_channel_of_which_nothing_was_written_ends_silently(
    ledger: Ledger, journal: FakeJournal, outbox: Outbox, channel: Channel
) -> None:
    """No transaction begins for it."""
    ledger.end_channel(channel)
    assert not ledger.is_open and journal.asked == 0


def test_an_end_that_could_not_be_written_is_tried_again(
    ledger: Ledger, journal: FakeJournal, outbox: Outbox, channel: Channel
) -> None:
    """Or else a later channel of the name would show what was said in this one."""
    channel.has_history = True
    ledger.end_channel(channel)
    journal.is_full = True
    ledger.commit_tick(outbox)
    journal.is_full = False
    ledger.catch_up()
    ledger.commit_tick(outbox)
    assert journal.calls == ["end #a", "end #a", "commit"]


def test_a_conversation_that_a_killed_run_left_open_ends_with_a_new_channel(
    journal: FakeJournal, outbox: Outbox
) -> None:
    """It ends once, when a channel of its name is created, and nothing is asked for other channels."""
    journal.open = ["#a"]
    ledger = Ledger(journal, History())
    ledger.end_earlier("#b")
    assert not ledger.is_open
    for _ in range(2):
        ledger.end_earlier("#A")
        ledger.commit_tick(outbox)
    assert journal.calls == ["end #A", "commit"]


def test_an_empty_transaction_is_rolled_back(ledger: Ledger, journal: FakeJournal, outbox: Outbox) -> None:
    """A verb asked and then wrote nothing."""
    ledger.ready()
    assert ledger.commit_tick(outbox) == []
    assert journal.calls == ["rollback"] and not ledger.is_open
    assert ledger.commit_tick(outbox) == [] and journal.calls == ["rollback"]


def test_what_could_not_be_written_is_not_said(
    ledger: Ledger, journal: FakeJournal, outbox: Outbox, una: Session, channel: Channel
) -> None:
    """The messages are withdrawn and returned. The next tick writes its own and nothing of this one."""
    bob = make_session("bob", channel)
    journal.is_full = True
    ledger.ready()
    say(ledger, outbox, una, channel, "lost")
    seq = outbox.seq
    ledger.add_event(outbox.event("srv", "TOPIC #a :tea"), Kind.TOPIC, channel, "tea", None)
    outbox.to_session(bob, b":srv PONG\r\n")
    assert ledger.commit_tick(outbox) == [NotWritten(seq, una, "PRIVMSG", "#a")]
    assert ledger.failure == "the disk is full"
    assert outbox.drain() == [(bob, b":srv PONG\r\n")]
    journal.is_full = False
    ledger.ready()
    say(ledger, outbox, una, channel, "said")
    assert ledger.commit_tick(outbox) == []
    assert [entry.text for entry in journal.kept] == ["said"] and ledger.failure == ""


def test_an_event_waits_for_a_tick_that_gets_the_lock(
    ledger: Ledger, journal: FakeJournal, outbox: Outbox, una: Session, channel: Channel
) -> None:
    """It was said at once. ``catch_up`` asks for the lock at the end of each tick, and not without need."""
    journal.is_held = True
    ledger.add_event(outbox.event("una!una@h", "JOIN #a"), Kind.JOIN, channel, "Una", una.user)
    ledger.catch_up()
    assert ledger.commit_tick(outbox) == [] and journal.calls == []
    journal.is_held = False
    ledger.catch_up()
    assert ledger.commit_tick(outbox) == []
    assert journal.calls == ["write Una", "commit"]
    asked = journal.asked
    ledger.catch_up()
    assert journal.asked == asked


def test_a_new_name_that_could_not_be_written_is_written_later(
    ledger: Ledger, journal: FakeJournal, outbox: Outbox, una: Session, channel: Channel
) -> None:
    """The channel has the name already. The entries are lost, so it comes before those of the next tick."""
    journal.is_full = True
    ledger.ready()
    say(ledger, outbox, una, channel, "lost")
    ledger.rename_channel("#a", "#b")
    ledger.commit_tick(outbox)
    assert not ledger.is_behind, "no reader waits for a disk that refuses"
    journal.is_full = False
    ledger.ready()
    say(ledger, outbox, una, channel, "said")
    ledger.commit_tick(outbox)
    assert journal.calls == ["rename #a #b", "write said", "commit"]


def test_a_ledger_is_behind_while_something_waits_for_the_lock(ledger: Ledger, journal: FakeJournal) -> None:
    """Readers wait meanwhile. The tick that has got the lock commits before they read."""
    seen = [ledger.is_behind]
    journal.is_held = True
    ledger.rename_channel("#a", "#b")
    seen.append(ledger.is_behind)
    journal.is_held = False
    ledger.catch_up()
    seen.append(ledger.is_behind)
    assert seen == [False, True, False] and ledger.is_open


def test_a_fault_in_the_commit_leaves_no_transaction_open(
    ledger: Ledger,
    journal: FakeJournal,
    outbox: Outbox,
    una: Session,
    channel: Channel,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Out of memory, say: the messages are withdrawn as on a full disk, and the next tick begins anew."""

    def fail(entries: object) -> None:
        raise MemoryError

    ledger.ready()
    say(ledger, outbox, una, channel, "lost")
    with monkeypatch.context() as patched:
        patched.setattr(journal, "write", fail)
        assert ledger.commit_tick(outbox) == [NotWritten(outbox.seq, una, "PRIVMSG", "#a")]
    assert journal.calls[-1] == "rollback"
    assert ledger.failure == "MemoryError"
    ledger.ready()
    say(ledger, outbox, una, channel, "said")
    assert ledger.commit_tick(outbox) == []
    assert [entry.text for entry in journal.kept] == ["said"]


def test_what_a_failed_tick_said_is_not_stored(
    ledger: Ledger, journal: FakeJournal, outbox: Outbox, una: Session, channel: Channel
) -> None:
    """Nobody reads it. A channel has its new name all the same."""
    ledger.ready()
    say(ledger, outbox, una, channel, "lost")
    ledger.rename_channel("#a", "#b")
    ledger.abandon()
    assert not ledger.is_open and journal.calls == ["rollback"]
    ledger.catch_up()
    assert ledger.commit_tick(outbox) == []
    assert journal.calls[1:] == ["rename #a #b", "commit"]
