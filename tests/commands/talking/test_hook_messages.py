"""What incoming hooks say, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.world import SHELL, Here, change_settings, make_settings

from chatroom.chat.admission.filter_policy import make_filter
from chatroom.chat.admission.hook_policy import make_incoming, make_outgoing
from chatroom.chat.admission.spam_filters import FilterSet
from chatroom.chat.stored.records import FilterAction
from chatroom.commands.talking.hook_messages import NOT_STORED, SAID, Outcome, say_by_hook
from chatroom.errors import StorageError
from chatroom.irc.limits import MULTILINE_BYTES, MULTILINE_LINES

Say = Callable[[str], Outcome | None]


@pytest.fixture
def keeping(tmp_path: Path) -> Iterator[Here]:
    """A world that keeps a history, with #ops."""
    settings = make_settings(channels={"autojoin": ("#ops",)})
    with Here(tmp_path / "chat.db", settings, history=True) as keeping:
        yield keeping


def follow(here: Here) -> None:
    """Have the world know the hooks in the database."""
    here.world.ledger.hooks.use(here.stores.hooks.list_all(), here.stores.hooks.list_incoming())


def sayer(here: Here, token: str) -> Say:
    """Return what sends a text to the hook with a token, each in a tick of its own."""

    def say(text: str) -> Outcome | None:
        with here.tick():
            return say_by_hook(here.world, token, text)

    return say


@pytest.fixture
def say(keeping: Here) -> Say:
    """Send a text to the hook ``ci`` of #ops."""
    _, token = keeping.stores.hooks.add(make_incoming("#ops", "ci"), SHELL)
    follow(keeping)
    return sayer(keeping, token)


def test_a_text_is_said_by_a_bot_that_is_nobody(keeping: Here, say: Say) -> None:
    """Its nick has a slash. The history has the message under its msgid, and the use is counted."""
    una = keeping.member("una", caps="message-tags")
    una.read()
    assert say("build 17 is fine\n") == SAID
    (line,) = una.read()
    tags, _, body = line.partition(" ")
    assert body == ":ci/hook!hook@chatroom.local PRIVMSG #ops :build 17 is fine"
    assert ";bot" in tags
    assert body in "".join(keeping.member("una2", caps="draft/chathistory batch").ask("CHATHISTORY LATEST #ops * 9"))
    (found,) = keeping.stores.hooks.list_all()
    assert found.done == 1 and found.done_at is not None


def test_several_lines_are_one_message(keeping: Here, say: Say) -> None:
    """Readers without multiline messages read separate lines; blank ones only in between."""
    una, bob = keeping.member("una", caps="draft/multiline batch message-tags"), keeping.connect("bob")
    for client in (una, bob):
        client.read()
    assert say("\r\none\r\n\r\n  two  \n\n") == SAID
    assert [line.partition(" PRIVMSG ")[2] for line in bob.read()] == ["#ops :one", "#ops :  two"]
    lines = una.read()
    assert "draft/multiline #ops" in lines[0] and len(lines) == 5
    assert say("x" * 1000) == SAID
    assert "".join(line.partition(" :")[2] for line in bob.read()) == "x" * 1000


@pytest.mark.parametrize("token", ["", "1", "1-", "2-abc", "1-abc", "x-y", "99999999999999999999-a"])
def test_a_wrong_token_says_nothing(keeping: Here, say: Say, token: str) -> None:
    """The answer is the same, whether there is such a hook or not."""
    assert sayer(keeping, token)("hello") == (404, "there is no hook with this token", 0)


def test_a_text_has_bounds(say: Say) -> None:
    """Those of a multiline message."""
    for text, status in (
        *(("", 400), ("\n \n", 400), ("a\0b", 400), ("\x01VERSION\x01", 400), ("a\n\x01PING 1\x01", 400)),
        *(("x" * MULTILINE_BYTES, 200), ("x" * (MULTILINE_BYTES + 1), 413), ("é" * (MULTILINE_BYTES // 2 + 1), 413)),
        *(("a\n" * MULTILINE_LINES, 200), ("a\n" * MULTILINE_LINES + "a", 413), ("\x01ACTION waves\x01", 200)),
    ):
        outcome = say(text)
        assert outcome is not None and outcome.status == status, text


def test_no_piece_of_a_long_line_is_ctcp(keeping: Here, say: Say) -> None:
    """Readers without multiline messages read each piece as a message, and their clients would answer it."""
    bob = keeping.connect("bob")
    bob.read()
    assert say("x" * 2000) == SAID
    pieces = [line.partition(" PRIVMSG #ops :")[2] for line in bob.read()]
    refusal = (400, "a line with \\x01 in it is too long", 0)
    for text in ("x" * len(pieces[0]) + "\x01VERSION", f"fine\n\x01ACTION {'waves ' * 200}\x01"):
        assert say(text) == refusal
    assert bob.read() == []
    assert say("two\n\x01ACTION waves\x01") == SAID
    assert len(bob.read()) == 2


def test_operators_of_the_channel_silence_a_hook(keeping: Here, say: Say) -> None:
    """By a ban of its nick. The modes of the channel do not hold for it."""
    ada = keeping.admin()
    ada.say("MODE #ops +mnMUiC", "MODE #ops +W 60")
    ada.read()
    assert say("one") == say("two") == SAID
    assert len(ada.read()) == 2
    ada.say("MODE #ops +b ci/hook!*@*")
    assert say("three") == (403, "this hook is banned or muted in #ops", 0)
    ada.say("MODE #ops -b ci/hook!*@*")
    assert say("four") == SAID
    ada.say("MODE #ops +b ci/*")
    assert say("five") == (403, "this hook is banned or muted in #ops", 0)


def test_a_filter_refuses_a_text(keeping: Here, say: Say) -> None:
    """It counts as a hit, and has no other effect."""
    actions: tuple[FilterAction, ...] = ("ban", "refuse")
    for action in actions:
        new = make_filter("*buy now*", "glob", action, "adverts", None, force=False)
        keeping.stores.filters.add(new, SHELL, 9)
        keeping.world.spam.use(FilterSet(keeping.stores.filters.list_all()))
        assert say("please\nbuy now") == (403, "a filter refuses the text: adverts", 0)
    assert say("fine") == SAID


def test_a_hook_may_say_as_much_as_a_client(keeping: Here, say: Say) -> None:
    """Each line counts. The answer tells when to try again."""
    keeping.world.settings = change_settings(
        keeping.world.settings, limits={"enabled": True, "burst_lines": 4, "lines_per_s": 2.0}
    )
    assert [say("a\nb\nc"), say("d")] == [SAID, SAID]
    assert say("e") == (429, "this hook says too much", 1)
    keeping.wait(1)
    assert say("e") == SAID
    follow(keeping)
    assert say("f\n" * 50) == SAID  # the rest is owed
    refused = say("g")
    assert refused is not None and (refused.status, refused.wait_s) == (429, 25)


def test_what_a_filter_refuses_is_paid_for(keeping: Here, say: Say) -> None:
    """To compare a text with filters takes its time, so a program cannot ask for that without a pause either."""
    new = make_filter("*buy now*", "glob", "refuse", "adverts", None, force=False)
    keeping.stores.filters.add(new, SHELL, 9)
    keeping.world.spam.use(FilterSet(keeping.stores.filters.list_all()))
    keeping.world.settings = change_settings(
        keeping.world.settings, limits={"enabled": True, "burst_lines": 2, "lines_per_s": 1.0}
    )
    outcomes = [say("buy now") for _ in range(3)]
    assert [outcome and outcome.status for outcome in outcomes] == [403, 403, 429]
    keeping.wait(1)
    assert say("fine") == SAID


def test_a_paused_or_removed_hook_says_nothing(keeping: Here, say: Say) -> None:
    """From when the daemon knows it."""
    keeping.stores.hooks.set_paused(1, True, SHELL)
    follow(keeping)
    assert say("hello") == (403, "this hook is paused", 0)
    keeping.stores.hooks.remove(1, SHELL)
    follow(keeping)
    assert say("hello") == (404, "there is no hook with this token", 0)


def test_a_channel_must_be_there(keeping: Here) -> None:
    """With a member, or registered. A hook follows it to another name."""
    _, token = keeping.stores.hooks.add(make_incoming("#Dev", "ci"), SHELL)
    follow(keeping)
    say = sayer(keeping, token)
    assert say("hello") == (404, "there is no channel #Dev now: nobody is in it, and it is not registered", 0)
    bob = keeping.connect("bob")
    bob.say("JOIN #dev", "RENAME #dev #code")
    bob.read()
    assert say("hello") == SAID
    assert bob.read() == [":ci/hook!hook@chatroom.local PRIVMSG #code :hello"]


def test_hooks_do_not_hear_each_other_unasked(keeping: Here, say: Say) -> None:
    """Two programs that answer each other would never end."""
    for hears in (False, True):
        keeping.stores.hooks.add(make_outgoing("#ops", "http://h/", hears_hooks=hears), SHELL)
    follow(keeping)
    assert say("one\ntwo") == SAID
    assert keeping.stores.hooks.next_event(2) is None
    event = keeping.stores.hooks.next_event(3)
    assert event is not None and (event.nick, event.text) == ("ci/hook", "one\ntwo")


def test_what_cannot_be_stored_is_not_said(keeping: Here, say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the lock is taken, the caller asks again; a disk that refuses is told."""
    bob = keeping.connect("bob")
    bob.read()
    assert keeping.journal is not None
    with keeping.stores.database.transaction():
        assert say("later") is None
    assert say("later") == SAID
    assert len(bob.read()) == 1

    def fail(*_: object) -> bool:
        raise StorageError("the disk is gone")

    with monkeypatch.context() as broken:
        broken.setattr(type(keeping.journal), "begin", fail)
        assert say("lost") == NOT_STORED
    assert bob.read() == []
    with monkeypatch.context() as broken:
        broken.setattr(type(keeping.journal), "commit", lambda journal: (journal.rollback(), fail()))
        assert say("lost too") == SAID  # unless the commit fails, as it does
        assert keeping.world.ledger.failure == "the disk is gone"
    assert bob.read() == []


def test_without_a_history_it_is_said_all_the_same(tmp_path: Path) -> None:
    """And nothing is kept."""
    with Here(tmp_path / "chat.db") as here:
        _, token = here.stores.hooks.add(make_incoming("#lobby", "ci"), SHELL)
        follow(here)
        bob = here.connect("bob")
        bob.read()
        assert sayer(here, token)("hello") == SAID
        assert bob.read() == [":ci/hook!hook@chatroom.local PRIVMSG #lobby :hello"]
