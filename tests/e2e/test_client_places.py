"""The place store on the daemon: history, read markers, reactions, deletions, who is away, what is typed."""

from __future__ import annotations

import pytest
from harness.daemon import Daemon, running
from harness.real_session import RealSession

from chatroom.client.chat_events import Denied


def test_older_messages_come_in_pages() -> None:
    """A place opens with the last messages; the user reads back to the first one, and each is there once."""
    # Within the limits it takes twenty seconds to say so much.
    with running(limits__enabled=False) as daemon, daemon.connect("writer") as writer:
        writer.ask("JOIN #long", "MODE #long +P")
        for number in range(130):
            writer.ask(f"PRIVMSG #long :line {number}")
        with RealSession(daemon.port, "reader", join=("#long",)) as reader:
            reader.entry("#long", "line 129")
            place = reader.here("#long")
            assert len(reader.texts("#long")) == 50
            assert place.unread == 0
            while not place.log.complete:
                assert reader.session.talk.older(place) == ""
                reader.until(lambda: not place.asks_older, "the page has come")
            assert reader.texts("#long") == [f"line {number}" for number in range(130)]
            assert "the beginning" in reader.session.talk.older(place)


def test_what_was_missed_is_fetched_after_a_lost_connection(shared: Daemon) -> None:
    """It is unread, in its place in the conversation, and nothing is there twice."""
    with shared.connect("writer") as writer, RealSession(shared.port, "reader") as reader:
        writer.ask("JOIN #gap")
        reader.enter("/join #gap")
        reader.until(lambda: reader.here("#gap").is_joined, "the reader is in")
        writer.ask("PRIVMSG #gap :before")
        reader.entry("#gap", "before")
        reader.session.places.turn_to(reader.here("#lobby"))
        reader.links[-1].abandon()
        reader.until(lambda: not reader.session.online, "the connection is lost")
        for number in range(5):
            writer.ask(f"PRIVMSG #gap :missed {number}, reader")
        reader.session.reconnect()
        reader.entry("#gap", "missed 4, reader")
        writer.ask("PRIVMSG #gap :after")
        reader.entry("#gap", "after")
        assert reader.texts("#gap") == ["before", *(f"missed {number}, reader" for number in range(5)), "after"]
        assert (reader.here("#gap").unread, reader.here("#gap").mentions) == (6, 5)
        assert len(reader.session.places.mentions) == 5


def test_what_is_read_on_one_device_is_read_on_the_other(shared: Daemon) -> None:
    """Two sessions of an account: the first one reads, and the second one's count goes down, also at its next start."""
    with RealSession(shared.port, "una", account=True) as desk, RealSession(shared.port, "una", account=True) as phone:
        for device in (desk, phone):
            device.session.places.turn_to(device.session.talk.here.home)
        with shared.connect("writer") as writer:
            writer.ask("PRIVMSG #lobby :una: tea?")
        for device in (desk, phone):
            device.entry("#lobby", "una: tea?")
            assert device.here("#lobby").mentions == 1
        desk.session.places.turn_to(desk.here("#lobby"))
        desk.session.talk.tick()
        phone.until(lambda: phone.here("#lobby").unread == 0, "it is read")
    with RealSession(shared.port, "una", account=True) as later:
        later.entry("#lobby", "una: tea?")
        assert later.here("#lobby").unread == 0


def test_direct_messages_of_before_the_start_open_their_place(shared: Daemon) -> None:
    """They are unread; once they are read, the place does not open at the next start."""
    with RealSession(shared.port, "mo", account=True) as mo:
        mo.enter("/msg una psst")
        mo.entry("una", "psst")
    with RealSession(shared.port, "una", account=True) as una:
        una.entry("mo", "psst")
        assert una.here("mo").unread == 1
        una.session.places.turn_to(una.here("mo"))
        una.session.talk.tick()
    with RealSession(shared.port, "una", account=True) as una:
        una.enter("/msg una that is all")
        una.entry("una", "that is all")
        assert una.session.talk.here.find("mo") is None


def test_reactions_replies_deletions_and_edits(shared: Daemon) -> None:
    """All of them are seen by both users, and by one who comes later and reads the history."""
    with RealSession(shared.port, "una", account=True) as una, RealSession(shared.port, "mo", account=True) as mo:
        una.enter("good morning")
        mo.entry("#lobby", "good morning")
        mo.enter("/react +1")
        una.until(lambda: una.entry("#lobby", "good morning").reactions == {"+1": ["mo"]}, "the reaction has come")
        mo.enter("/reply una and to you")
        reply = una.entry("#lobby", "and to you").said
        assert reply is not None and reply.reply_to == una.entry("#lobby", "good morning").id
        una.enter("a mistake")
        mistake = mo.entry("#lobby", "a mistake")
        una.entry("#lobby", "a mistake")
        una.enter("/redact")
        mo.until(lambda: mistake.redaction is not None, "the message is deleted")
        una.enter("tpyo")
        typo = mo.entry("#lobby", "tpyo")
        una.entry("#lobby", "tpyo")
        una.enter("/edit typo")
        una.entry("#lobby", "typo")
        mo.entry("#lobby", "typo")
        assert typo.redaction is not None
        with RealSession(shared.port, "late") as late:
            late.until(lambda: late.entry("#lobby", "good morning").reactions, "the reaction is in the history")
            assert "a mistake" not in late.texts("#lobby") and "tpyo" not in late.texts("#lobby")
        mo.enter("/react una +1")
        for each in (una, mo):
            each.until(lambda each=each: each.entry("#lobby", "typo").reactions, "the reaction has come")  # type: ignore[misc]
        mo.enter("/react una +1")
        una.until(lambda: not una.entry("#lobby", "typo").reactions, "the reaction is taken back")


def test_who_may_not_delete_is_told_so(shared: Daemon) -> None:
    """The message stays, and the new text of an edit would not be said."""
    with RealSession(shared.port, "una", account=True) as una, RealSession(shared.port, "guest") as guest:
        una.enter("mine")
        entry = guest.entry("#lobby", "mine")
        guest.enter("/redact una")
        guest.until(lambda: any(isinstance(event, Denied) for event in guest.seen), "the refusal has come")
        assert entry.redaction is None


def test_typing_and_being_away_are_seen(shared: Daemon) -> None:
    """Who is away is known of those that were away before, too, and a display name is shown."""
    with RealSession(shared.port, "una", account=True) as una:
        una.enter("/away at tea")
        una.enter("/raw METADATA * SET display-name :Una the First")
        with RealSession(shared.port, "mo", account=True) as mo:

            def known() -> tuple[bool, str, str]:
                person = next(member.person for member in mo.here("#lobby").members if member.nick == "una")
                return person.away, person.account, person.display_name

            mo.until(lambda: known() == (True, "una", "Una the First"), "una is known to be away")
            una.enter("/back")
            mo.until(lambda: not known()[0], "una is back")
            una.session.talk.typed("hel")
            mo.until(lambda: mo.here("#lobby").typists.nicks == ["una"], "una types")
            una.enter("hello")
            mo.entry("#lobby", "hello")
            assert mo.here("#lobby").typists.nicks == []


@pytest.mark.parametrize("text", ["one\ntwo\nthree", "x" * 900])
def test_a_long_message_is_one_entry_that_can_be_deleted(shared: Daemon, text: str) -> None:
    """Its echo replaces what was under way, and its id deletes the whole."""
    with RealSession(shared.port, "una", account=True) as una:
        una.enter(text)
        entry = una.entry("#lobby", text)
        una.enter("/redact")
        una.until(lambda: entry.redaction is not None, "it is deleted")
        assert sum(one == text for one in una.texts("#lobby")) == 0
