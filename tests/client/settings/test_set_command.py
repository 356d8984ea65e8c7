"""/set and /unset in the chat."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness.client_stage import Stage

from chatroom.client.chat_events import Denied, Event, Info, Said
from chatroom.client.settings.chat_settings import ChatSettings
from chatroom.client.settings.client_file import load


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The path of the file with the settings, which does not exist yet."""
    return tmp_path / "client.toml"


@pytest.fixture
def stage(file: Path) -> Stage:
    """A chat with these settings."""
    stage = Stage(settings=ChatSettings(file))
    stage.welcome("#lobby")
    return stage


def text_of(events: list[Event]) -> str:
    """Return the text of the one answer."""
    (event,) = events
    assert isinstance(event, Info | Denied)
    return event.text


def test_set_lists_all_settings_and_marks_those_of_the_file(stage: Stage, file: Path) -> None:
    """Alone it lists each key with its value; with a section or a server, its part of them."""
    stage.session.enter("/set attention.bell on")
    stage.session.enter("/set servers.home.address ircs://chat.example.org")
    shown = text_of(stage.session.enter("/set"))
    assert str(file) in shown
    assert '\n  start.server = "127.0.0.1"\n' in shown
    assert "\n* attention.bell = true\n" in shown
    assert '\n* servers.home.address = "ircs://chat.example.org"' in shown
    assert "servers.home.nick" not in shown
    assert text_of(stage.session.enter("/set attention")).splitlines()[1:] == [
        "  attention.words = []",
        "* attention.bell = true",
        "  attention.title = true",
        '  attention.notify = "none"',
    ]


def test_set_explains_a_key(stage: Stage) -> None:
    """A key alone shows its value, what is allowed, the default and what it is for."""
    assert text_of(stage.session.enter("/set attention.bell")) == (
        "attention.bell = false (true or false; default: false)\n"
        "Ring the terminal's bell when a message calls you, at most every two seconds. The full screen is silent for a "
        "place that you look at."
    )


def test_set_changes_the_file_and_the_chat(stage: Stage, file: Path) -> None:
    """A change is in force at once, or says that it needs a restart; /unset takes it back."""
    assert text_of(stage.session.enter('/set attention.words ["build failed", "tea"]')) == (
        f'attention.words = ["build failed", "tea"], in {file}.'
    )
    assert stage.session.settings.current.attention.words == ("build failed", "tea")
    assert load(file).attention.words == ("build failed", "tea")
    assert text_of(stage.session.enter("/set start.nick ann")).endswith("It applies when chatroom starts again.")
    assert text_of(stage.session.enter("/unset attention.words")) == (
        f"attention.words has its default again, [], in {file}."
    )
    assert load(file) == stage.session.settings.current


@pytest.mark.parametrize(
    "line, refusal",
    [
        ("/set attention.bel on", "There is no setting attention.bel; did you mean attention.bell?"),
        ("/set bell on", "There is no setting bell; did you mean attention.bell?"),
        ("/set xyzzy", "There is no setting xyzzy; /set lists them."),
        ("/set attention.bell loud", "attention.bell must be true or false."),
        ("/unset attention.bell", "Nothing has changed: attention.bell is not set in the file"),
        ("/unset attention", "There is no setting attention; did you mean attention.bell?"),
        ("/unset", "Usage: /unset KEY"),
        ("/set servers.home.nick ann", "Nothing has changed: {file}: servers.home: address is missing"),
    ],
)
def test_a_mistake_changes_nothing(stage: Stage, file: Path, line: str, refusal: str) -> None:
    """Unknown keys and wrong values are refused in words, and no file is written."""
    assert stage.session.enter(line) == [Denied(f"{line}: {refusal.format(file=file)}")]
    assert not file.exists()


def test_a_password_is_not_repeated(stage: Stage, file: Path) -> None:
    """/set takes no password, and says what to do instead."""
    shown = text_of(stage.session.enter("/set servers.home.password s3cret"))
    assert "does not belong into this file" in shown
    assert "s3cret" not in shown
    assert not file.exists()


def test_without_a_home_nothing_can_be_set() -> None:
    """Where the settings have no place, /set shows the defaults and refuses changes."""
    stage = Stage()
    stage.welcome("#lobby")
    assert "attention.bell = false" in text_of(stage.session.enter("/set"))
    refusal = text_of(stage.session.enter("/set attention.bell on"))
    assert refusal.startswith("/set attention.bell on: There is no home directory")


def test_a_file_that_cannot_be_written_is_told(stage: Stage, file: Path) -> None:
    """A path that is a directory costs the change, not the chat."""
    file.mkdir()
    assert "cannot be written: Is a directory" in text_of(stage.session.enter("/set attention.bell on"))


def test_ignored_users_are_not_read_from_now_on(stage: Stage) -> None:
    """people.ignored holds for all messages after the change; /ignore tells of it, and cannot end it."""
    stage.session.enter("/set people.ignored Bob")
    assert stage.hear(":bob!b@h PRIVMSG #lobby :hello") == []
    assert text_of(stage.session.enter("/ignore")) == "You ignore Bob (always)."
    assert text_of(stage.session.enter("/ignore bob")) == "bob is in people.ignored: /set people.ignored changes it."
    stage.session.enter("/unset people.ignored")
    assert stage.hear(":bob!b@h PRIVMSG #lobby :hello") == [Said("#lobby", "bob", "hello")]
