"""Which events are stored for which hooks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.world import SHELL, Here, make_settings
from hypothesis import given
from hypothesis import strategies as st

from chatroom.chat.admission.hook_policy import make_outgoing
from chatroom.chat.delivery.hook_queue import HookQueue, has_word
from chatroom.chat.stored.hook_records import WaitingEvent
from chatroom.errors import StorageError
from chatroom.storage.sqlite.journal import SqliteJournal

Hooked = Callable[..., int]


@pytest.fixture
def hooked(keeping: Here) -> Hooked:
    """Add a hook from the shell, and return its id."""

    def add(channel: str = "#ops", **how: object) -> int:
        made, _ = keeping.stores.hooks.add(make_outgoing(channel, "http://h/", **how), SHELL)  # type: ignore[arg-type]
        keeping.world.ledger.hooks.use(keeping.stores.hooks.list_all())
        return made.id

    return add


@pytest.fixture
def keeping(tmp_path: Path) -> Iterator[Here]:
    """A world that keeps a history."""
    with Here(tmp_path / "chat.db", make_settings(), history=True) as keeping:
        yield keeping


def take(here: Here, hook_id: int) -> list[WaitingEvent]:
    """Take what waits for a hook out of the database."""
    found = []
    while (event := here.stores.hooks.next_event(hook_id)) is not None:
        found.append(event)
        here.stores.hooks.end_delivery(event)
    return found


def shown(here: Here, hook_id: int) -> list[tuple[str, str, str]]:
    """Take what waits for a hook: kind, nick and text of each."""
    return [(event.kind, event.nick, event.text) for event in take(here, hook_id)]


def test_a_message_waits_for_the_hook_of_its_channel(keeping: Here, hooked: Hooked) -> None:
    """In any way of speaking, with the account and the msgid that readers see; other channels have no hook."""
    hook = hooked()
    bob, una = keeping.connect("bob"), keeping.member("una", caps="message-tags echo-message")
    for client in (bob, una):
        client.say("JOIN #OPS", "JOIN #tea")
    una.read()
    bob.say("PRIVMSG #OPS :hello", "PRIVMSG #tea :not this", "PRIVMSG #ops :\x01ACTION waves\x01", "NOTICE #ops :no")
    (echo,) = una.ask("PRIVMSG #ops,#tea :héllo")[-2:-1]
    first, action, second = take(keeping, hook)
    assert (first.kind, first.nick, first.account, first.text) == ("message", "bob", "", "hello")
    assert (action.kind, action.text) == ("action", "waves")
    assert (second.nick, second.account, second.text, second.channel) == ("una", "una", "héllo", "#ops")
    assert [one.number for one in (first, action, second)] == [1, 2, 3]
    assert f"msgid={second.message_id:x}" in echo


def test_what_not_all_members_read_is_not_sent(keeping: Here, hooked: Hooked) -> None:
    """To operators only, refused, or only tags."""
    hook = hooked(events=("message", "notice"))
    alice, bob = keeping.connect("alice"), keeping.connect("bob", caps="message-tags")
    alice.say("JOIN #ops")
    bob.say("JOIN #ops", "PRIVMSG @#ops :psst", "@+typing=active TAGMSG #ops")
    alice.say("MODE #ops +U")
    bob.say("PRIVMSG #ops :for operators")
    alice.say("MODE #ops +m-U")
    bob.say("PRIVMSG #ops :refused")
    alice.say("NOTICE #ops :for all")
    assert shown(keeping, hook) == [("notice", "alice", "for all")]


def test_a_multiline_message_is_one_event(keeping: Here, hooked: Hooked) -> None:
    """Its lines have line feeds between them; a line that goes on has none."""
    hook = hooked()
    una = keeping.member("una", caps="batch draft/multiline message-tags")
    una.say("JOIN #ops", "BATCH +x draft/multiline #ops", "@batch=x PRIVMSG #ops :one")
    una.say("@batch=x PRIVMSG #ops :two", "@batch=x;draft/multiline-concat PRIVMSG #ops :three", "BATCH -x")
    assert shown(keeping, hook) == [("message", "una", "one\ntwothree")]


def test_comings_and_goings(keeping: Here, hooked: Hooked) -> None:
    """Joins, all ways of leaving, and topics, if the hook has them. Who is kicked leaves, not who kicks."""
    hook, quiet = hooked(events=("join", "leave", "topic")), hooked()
    alice = keeping.connect("alice")
    alice.say("JOIN #ops")
    for nick in ("bob", "carl", "dora"):
        keeping.connect(nick).say("JOIN #ops")
    clients = {keeping.user(nick).sessions[0]: nick for nick in ("bob", "carl", "dora")}
    bob, carl, dora = (client for client in keeping.clients.values() if client.session in clients)
    bob.say("PART #ops :lunch")
    carl.say("QUIT :bye")
    alice.say("KICK #ops dora :enough", "TOPIC #ops :green tea", "PRIVMSG #ops :a message", "MODE #ops +i")
    assert shown(keeping, hook) == [
        *(("join", nick, "") for nick in ("alice", "bob", "carl", "dora")),
        ("leave", "bob", "lunch"),
        ("leave", "carl", "Quit: bye"),
        ("leave", "dora", "enough"),
        ("topic", "alice", "green tea"),
    ]
    assert [event.text for event in take(keeping, quiet)] == ["a message"]
    assert dora.session.user is not None


def test_conditions_choose_messages(keeping: Here, hooked: Hooked) -> None:
    """A prefix, or a mention as a word, in any case. With both, one is enough."""
    prefixed, mentioned = hooked(prefix="!Deploy"), hooked(mention="bot")
    both = hooked(prefix="!deploy", mention="bot")
    alice = keeping.connect("alice")
    alice.say(
        "JOIN #ops", "PRIVMSG #ops :!DEPLOY now", "PRIVMSG #ops :a bottle for Bot", "PRIVMSG #ops :robots, ribbot"
    )
    assert [event.text for event in take(keeping, prefixed)] == ["!DEPLOY now"]
    assert [event.text for event in take(keeping, mentioned)] == ["a bottle for Bot"]
    assert [event.text for event in take(keeping, both)] == ["!DEPLOY now", "a bottle for Bot"]


@given(st.text("ab_ 1é-", max_size=8), st.text("ab_", min_size=1, max_size=3))
def test_a_word_stands_alone(text: str, word: str) -> None:
    """It is found exactly if it is one of the pieces between characters that no word has."""
    pieces = "".join(char if char.isalnum() or char == "_" else " " for char in text).split(" ")
    assert has_word(text, word) is (word in pieces)


def test_a_relayed_message_is_sent(keeping: Here, hooked: Hooked) -> None:
    """Under the nick of the person elsewhere, without an account."""
    hook = hooked()
    bridge = keeping.member("bridge", caps="draft/relaymsg")
    bridge.say("JOIN #ops", "RELAYMSG #ops zoe/elsewhere :hi")
    (event,) = take(keeping, hook)
    assert (event.nick, event.account, event.text) == ("zoe/elsewhere", "", "hi")


def test_hooks_follow_their_channel(keeping: Here, hooked: Hooked) -> None:
    """In memory at once, and in the database. A change from the shell does not bring back the old name."""
    hook = hooked()
    alice = keeping.connect("alice")
    keeping.holding = True
    alice.say("JOIN #ops", "RENAME #ops #dev", "PRIVMSG #dev :here")
    keeping.world.ledger.hooks.use(keeping.stores.hooks.list_all())  # not stored yet
    keeping.release()
    keeping.holding = False
    alice.say("PRIVMSG #dev :there", "RENAME #dev #DEV")
    (found,) = keeping.stores.hooks.list_all()
    assert found.channel == "#DEV"
    assert [(one.text, one.channel) for one in take(keeping, hook)] == [("here", "#DEV"), ("there", "#DEV")]


def test_two_channels_become_one() -> None:
    """If a channel gets a name for which there are hooks, it has both."""
    queue = HookQueue()
    queue.rename_channel("#none", "#other")
    assert queue.by_channel == {}


def test_a_paused_hook_takes_nothing_new(keeping: Here, hooked: Hooked) -> None:
    """Also if the daemon does not know of it yet: the row is not written."""
    hook = hooked()
    alice = keeping.connect("alice")
    alice.say("JOIN #ops", "PRIVMSG #ops :before")
    keeping.stores.hooks.set_paused(hook, True, SHELL)
    alice.say("PRIVMSG #ops :meanwhile")
    keeping.world.ledger.hooks.use(keeping.stores.hooks.list_all())
    alice.say("PRIVMSG #ops :meanwhile too")
    assert keeping.stores.hooks.next_event(hook) is None
    keeping.stores.hooks.set_paused(hook, False, SHELL)
    keeping.world.ledger.hooks.use(keeping.stores.hooks.list_all())
    alice.say("PRIVMSG #ops :after")
    assert [event.text for event in take(keeping, hook)] == ["before", "after"]


def test_what_cannot_be_stored_is_not_sent(keeping: Here, hooked: Hooked, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message is not said, and no hook hears of it. The next one is as ever."""
    hook = hooked()
    alice = keeping.connect("alice")
    alice.say("JOIN #ops")
    alice.read()
    assert keeping.journal is not None

    def fail(journal: SqliteJournal, rows: object) -> None:
        journal.rollback()
        raise StorageError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(type(keeping.journal), "add_hook_events", fail)
        assert "NOT_KEPT" in "".join(alice.ask("PRIVMSG #ops :lost"))
    alice.say("PRIVMSG #ops :kept")
    assert [event.text for event in take(keeping, hook)] == ["kept"]


def test_a_deleted_message_is_not_sent(keeping: Here, hooked: Hooked) -> None:
    """REDACT takes it out of the queue too."""
    hook = hooked()
    una = keeping.member("una", caps="message-tags echo-message draft/message-redaction")
    una.say("JOIN #ops")
    una.read()
    (echo,) = una.ask("PRIVMSG #ops :a secret")
    una.say("PRIVMSG #ops :fine", f"REDACT #ops {echo.partition('msgid=')[2].split(';')[0].split(' ')[0]}")
    assert [event.text for event in take(keeping, hook)] == ["fine"]


@pytest.mark.parametrize("history", [{"messages": False}, {"enabled": False}])
def test_without_a_history_hooks_work_too(tmp_path: Path, history: dict[str, bool]) -> None:
    """Nothing is kept but what waits."""
    with Here(tmp_path / "c.db", make_settings(history=history), history=history.get("enabled", True)) as here:
        made, _ = here.stores.hooks.add(make_outgoing("#ops", "http://h/"), SHELL)
        here.world.ledger.hooks.use(here.stores.hooks.list_all())
        here.connect("alice").say("JOIN #ops", "PRIVMSG #ops :hello")
        assert shown(here, made.id) == [("message", "alice", "hello")]


def test_a_channel_without_hooks_goes_the_short_way(
    keeping: Here, hooked: Hooked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if another channel has one: its messages are not parsed, and nothing looks at the hooks."""
    hooked("#ops")
    alice, bob = keeping.connect("alice"), keeping.connect("bob")
    for client in (alice, bob):
        client.say("JOIN #tea")
    bob.read()
    monkeypatch.setattr("chatroom.commands.dispatch.split", None)
    monkeypatch.setattr(HookQueue, "add_message", None)
    alice.say("PRIVMSG #tea :hello")
    assert bob.read() == [f":{alice.prefix} PRIVMSG #tea :hello"]


def test_a_hook_that_is_made_while_its_channel_is_renamed(keeping: Here) -> None:
    """It follows, as in the database. One that is made later for the old name does not."""
    alice, hooks = keeping.connect("alice"), keeping.world.ledger.hooks
    keeping.holding = True
    alice.say("JOIN #ops", "RENAME #ops #dev", "RENAME #dev #code")
    keeping.stores.hooks.add(make_outgoing("#ops", "http://h/"), SHELL)
    hooks.use(keeping.stores.hooks.list_all())  # not stored yet
    assert list(hooks.by_channel) == ["#code"]
    keeping.release()
    keeping.holding = False
    keeping.stores.hooks.add(make_outgoing("#ops", "http://h/"), SHELL)
    hooks.use(keeping.stores.hooks.list_all())
    assert {name: [one.id for one in some] for name, some in hooks.by_channel.items()} == {"#code": [1], "#ops": [2]}
    assert [one.channel for one in keeping.stores.hooks.list_all()] == ["#code", "#ops"]


def test_a_hook_follows_a_new_name_that_is_stored_late(
    keeping: Here, hooked: Hooked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until the database takes it, what is stored has the old name."""
    hooked()
    alice, hooks = keeping.member("alice"), keeping.world.ledger.hooks
    alice.say("JOIN #ops")

    def refuse(*_: object, **__: object) -> None:
        raise StorageError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(type(keeping.stores.channels), "rename", refuse)
        alice.say("RENAME #ops #dev")
    hooks.use(keeping.stores.hooks.list_all())
    assert list(hooks.by_channel) == ["#dev"]
    keeping.wait(6)
    keeping.stores.hooks.add(make_outgoing("#ops", "http://h/"), SHELL)
    hooks.use(keeping.stores.hooks.list_all())
    assert sorted(hooks.by_channel) == ["#dev", "#ops"]
