"""What is told from the history, of a node that died in its turn, is what it would have told."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.cluster_stage import ClusterStage
from harness.session_client import Client
from harness.world import SHELL, Here, make_settings

from chatroom.chat.admission.hook_policy import make_incoming
from chatroom.chat.cluster.untold import last_untold, tell_entry, tell_untold, untold_to_record
from chatroom.chat.stored.entries import Entry, Kind, first_message_id
from chatroom.commands.talking.hook_messages import say_by_hook

CAPS = (
    "message-tags server-time account-tag batch draft/multiline draft/relaymsg echo-message extended-join"
    " draft/message-redaction"
)
Act = Callable[[Here, Client], object]


def of_hook(here: Here, sender: Client) -> None:
    """Have an incoming hook say something in #tea."""
    _, token = here.stores.hooks.add(make_incoming("#tea", "ci"), SHELL)
    here.world.ledger.hooks.use(here.stores.hooks.list_all(), here.stores.hooks.list_incoming())
    with here.tick():
        say_by_hook(here.world, token, "build 17\nis fine")


def says(*lines: str) -> Act:
    """What the sender sends, in one tick."""

    def act(here: Here, sender: Client) -> None:
        with here.tick():
            sender.say(*lines)

    return act


def of_bot(here: Here, sender: Client) -> None:
    """Have a bot say something in #tea."""
    sender.say("MODE una +B")
    here.forget_unread()
    sender.say("PRIVMSG #tea :beep")


BATCH = (
    "BATCH +1 draft/multiline {}",
    "@batch=1 PRIVMSG {} :one",
    "@batch=1 PRIVMSG {} :",
    "@batch=1;draft/multiline-concat PRIVMSG {} :two",
    "BATCH -1",
)
ACTS: dict[str, Act] = {
    "a plain message": says("PRIVMSG #tea :hello"),
    "of a bot": of_bot,
    "a notice": says("NOTICE #tea :: colons ::"),
    "with tags": says("@+draft/reply=abc;+x PRIVMSG #tea :hi"),
    "a reaction": says("@+draft/react=:) TAGMSG #tea"),
    "an action": says("PRIVMSG #tea :\x01ACTION waves\x01"),
    "longer than a line": says(f"PRIVMSG #tea :{'tea and ' * 60}"),
    "multiline": says(*(line.format("#tea") for line in BATCH)),
    "relayed": says("RELAYMSG #tea joe/discord :hi there"),
    "of a hook": of_hook,
    "direct": says("PRIVMSG bob :hello"),
    "a direct notice": says("@+x=1 NOTICE bob :hello"),
    "a direct reaction": says("@+draft/react=:) TAGMSG bob"),
    "direct and multiline": says(*(line.format("bob") for line in BATCH)),
    "to oneself": says("PRIVMSG una :note"),
    "to a guest": says("PRIVMSG gus :hello"),
}


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    """A world with a history."""
    settings = make_settings(channels={"autojoin": ("#tea",)}, history={"direct_messages": True})
    with Here(tmp_path / "chat.db", settings, history=True) as world:
        yield world


def entries_of(here: Here) -> list[Entry]:
    """All that is stored of messages."""
    rows = here.stores.database.rows("SELECT id FROM messages WHERE kind <= 3 ORDER BY id")
    found = [here.stores.history.find(message_id) for (message_id,) in rows]
    return [entry for entry in found if entry is not None]


def without_references(lines: list[str]) -> list[str]:
    """Lines with the names of their batches replaced: a second telling has its own."""
    return [re.sub(r"(batch=|BATCH [+-])m[0-9a-f]+", r"\1m", line) for line in lines]


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS.keys())
def test_what_is_told_from_the_history_is_what_was_told(here: Here, act: Act) -> None:
    """To each reader in each set of capabilities, with time, msgid and account."""
    sender = here.admin("una", caps=CAPS)
    readers = [
        here.member("una", caps=CAPS),  # a device of the sender's
        here.member("bob", caps=CAPS),
        here.member("bob"),
        here.member("eve", caps=CAPS),
        here.connect("gus", caps=CAPS),
    ]
    sender.say("MODE #tea +o una")
    here.forget_unread()
    act(here, sender)
    live = [reader.read() for reader in readers]
    sender.say("QUIT")
    here.forget_unread()
    (entry,) = entries_of(here)
    (record,) = json.loads(json.dumps([untold_to_record([entry])]))
    assert last_untold(record) == entry.message_id
    with here.tick():
        tell_entry(here.world, entry)
    assert list(map(without_references, (reader.read() for reader in readers))) == list(map(without_references, live))
    assert any(live)


def test_all_kinds_of_messages_are_among_them() -> None:
    """And no event is told from the history: the world has it from records, or not at all."""
    assert [kind for kind in Kind if kind.has_author] == [Kind.PRIVMSG, Kind.NOTICE, Kind.TAGMSG]


def test_events_and_what_a_guest_has_written_are_told_to_nobody_but_the_account(here: Here) -> None:
    """The guest is gone, and whoever has its nick now is another one."""
    una, gus = here.member("una"), here.connect("gus")
    gus.say("PRIVMSG una :hello")
    gus.say("TOPIC #tea :green")
    entries = here.stores.database.rows("SELECT id FROM messages ORDER BY id")
    here.forget_unread()
    with here.tick():
        for (message_id,) in entries:
            entry = here.stores.history.find(message_id)
            assert entry is not None
            tell_entry(here.world, entry)
    assert [line.split(" ", 1)[1] for line in una.read()] == ["PRIVMSG una :hello"]
    assert gus.read() == []


def test_what_was_said_in_a_channel_that_nobody_knows_is_not_shown_in_a_later_one(here: Here) -> None:
    """The lost turn had made the channel."""
    una = here.member("una", caps="draft/chathistory batch")
    entry = Entry(1 << 51, 1 << 41, "#new", Kind.PRIVMSG, "x!x@h", None, "", "#new", "hello")
    assert here.journal is not None and here.journal.begin()
    here.journal.write([entry])
    here.journal.commit()
    with here.tick():
        tell_entry(here.world, entry)
    una.say("JOIN #new")
    una.read()
    assert [line for line in una.ask("CHATHISTORY LATEST #new * 9") if "PRIVMSG" in line] == []


def test_a_channel_knows_that_it_has_a_history(here: Here) -> None:
    """So its conversation ends with it. And what is said next there is later."""
    una = here.connect("una")
    una.say("JOIN #den")
    ahead_ms = here.now_ms + 500
    entry = Entry(first_message_id(ahead_ms), ahead_ms, "#den", Kind.PRIVMSG, "x!x@h", None, "", "#den", "hello")
    assert not here.channel("#den").has_history
    with here.tick():
        tell_entry(here.world, entry)
        assert here.world.outbox.times.take(here.channel("#den")) == ahead_ms + 1
    assert here.channel("#den").has_history


def test_each_node_tells_its_own_people() -> None:
    """Nothing of it is recorded for the others, which get the same record."""
    stage = ClusterStage()
    first, second = stage.add("a"), stage.add("b")
    ann, bob = first.connect("ann"), second.connect("bob")
    stage.gather(ann, bob)
    after = first.world.outbox.seq + 5000
    entry = Entry(after, after >> 10, "#tea", Kind.PRIVMSG, "x!x@h", None, "", "#tea", "hello")
    with first.turn():
        tell_untold(first.world, untold_to_record([entry]))
    assert [line.split(" ", 1)[1] for line in ann.read()] == ["PRIVMSG #tea :hello"]
    assert bob.read() == []
    with second.turn():
        tell_untold(second.world, untold_to_record([entry]))
    assert [line.split(" ", 1)[1] for line in bob.read()] == ["PRIVMSG #tea :hello"]
    assert ann.read() == []
    assert last_untold(["say", "#tea"]) == 0
    stage.check_same()
