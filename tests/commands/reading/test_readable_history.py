"""From where on a user may read the history of a channel: its creation, or with mode H the user's JOIN."""

from __future__ import annotations

from collections.abc import Callable

from harness.history_answers import CAPS, at, batch_of, speak, texts
from harness.world import Here

from chatroom.chat.delivery.ledger import Ledger


def test_a_new_channel_does_not_show_the_history_of_an_old_one(keeping: Here) -> None:
    """A guest's channel ends with its last member. That holds even if the end was not written to the database."""
    one = keeping.connect("one", caps=CAPS)
    one.say("JOIN #c")
    speak(keeping, one, "old")
    journal, keeping.world.ledger = keeping.world.ledger, Ledger()
    one.say("PART #c")
    keeping.world.ledger = journal
    keeping.wait(1)
    one.say("JOIN #c")
    speak(keeping, one, "new", "newer")
    one.read()
    for asked in ("LATEST #c * 9", f"BEFORE #c {at(99)} 9", f"AFTER #c {at(-9)} 1", f"BETWEEN #c {at(99)} {at(-9)} 9"):
        expected = ["new"] if asked.startswith("AFTER") else ["new", "newer"]
        assert texts(one.ask(f"CHATHISTORY {asked}")) == expected, asked


def test_a_configured_channel_keeps_its_history_over_a_restart(make_here: Callable[..., Here]) -> None:
    """It is older than the start of the daemon, which creates it anew in memory."""
    here = make_here(keeping=True)
    speak(here, here.connect("one"), "before", target="#lobby")
    here.restart()
    here.wait(60)
    two = here.connect("two", caps=CAPS)
    assert texts(two.ask("CHATHISTORY LATEST #lobby * 9"), "chathistory #lobby") == ["before"]


def test_mode_h_hides_the_history_before_the_join(keeping: Here) -> None:
    """A member that joined later reads nothing from before its JOIN. A moderator does."""
    una, bob, mo = keeping.member("una", caps=CAPS), keeping.connect("bob", caps=CAPS), keeping.moderator(caps=CAPS)
    una.say("JOIN #c", "MODE #c +H", "PRIVMSG #c :before")
    keeping.wait(1)
    bob.say("JOIN #c")
    mo.say("JOIN #c")
    una.say("PRIVMSG #c :after")
    for reader, wanted in ((bob, ["after"]), (mo, ["before", "after"]), (una, ["before", "after"])):
        within = batch_of(reader.ask("CHATHISTORY LATEST #c * 50"))
        assert [line.params[-1] for line in within] == wanted
    una.say("MODE #c -H")
    assert len(batch_of(bob.ask("CHATHISTORY LATEST #c * 50"))) == 2


def test_what_may_be_read_does_not_depend_on_the_clock(keeping: Here) -> None:
    """A channel that was created, or joined with mode H, while the clock was ahead is read from there on all the same.

    So is one that was created while the clock was back: it shows nothing of an earlier channel of its name.
    """
    keeping.set_clock(3600)
    una, bob = keeping.member("una", caps=CAPS), keeping.connect("bob", caps=CAPS)
    una.say("JOIN #c", "MODE #c +H", "PRIVMSG #c :before")
    bob.say("JOIN #c")
    keeping.set_clock(-3600)
    speak(keeping, una, "one", "two")
    una.read()
    for asked in ("LATEST #c * 9", f"AFTER #c {at(-1)} 9", f"BETWEEN #c {at(-1)} {at(99)} 9", f"AROUND #c {at(1)} 9"):
        assert texts(bob.ask(f"CHATHISTORY {asked}")) == ["one", "two"]
    assert texts(una.ask("CHATHISTORY LATEST #c * 2")) == ["one", "two"]
    assert texts(bob.ask("SEARCH in=#c;text=one"), "soju.im/search") == ["one"]
    assert batch_of(bob.ask("SEARCH in=#c;text=before"), "soju.im/search") == []


def test_a_new_room_shows_nothing_of_one_that_a_killed_run_left(make_here: Callable[..., Here]) -> None:
    """Not even if the clock is earlier now, and not after the new room is stored and the daemon starts again."""
    keeping = make_here(keeping=True, channels={"autojoin": ()})
    bob = keeping.connect("bob", caps=CAPS)
    bob.say("JOIN #c")
    speak(keeping, bob, "secret")
    keeping.restart()
    keeping.set_clock(-3600)
    una = keeping.member("una", caps=CAPS)
    una.say("JOIN #c")
    speak(keeping, una, "open")
    una.read()
    assert texts(una.ask("CHATHISTORY LATEST #c * 9")) == ["open"]
    keeping.restart()
    una = keeping.member("una", caps=CAPS)
    una.say("JOIN #c")
    una.read()
    assert texts(una.ask("CHATHISTORY LATEST #c * 9")) == ["open"]
    assert texts(una.ask("SEARCH in=#c;from=bob"), "soju.im/search") == []
