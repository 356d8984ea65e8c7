"""What stands before typed text."""

from __future__ import annotations

from harness.client_stage import Stage
from prompt_toolkit.formatted_text import fragment_list_to_text

from chatroom.client.link import Lag
from chatroom.client.prompt_text import SHOWN_UNDER_WAY, prompt_text, where

LABELS = "batch echo-message labeled-response server-time message-tags"


def prompt(stage: Stage, width: int = 80, *, several: bool = False) -> str:
    """The prompt of a session as the user reads it."""
    return fragment_list_to_text(prompt_text(stage.session, width, several=several))


def test_the_prompt_names_the_place_and_what_is_wrong_with_it() -> None:
    """It follows a chat: connecting, without a channel, in one, away, kicked, and offline."""
    stage = Stage()
    assert prompt(stage) == "[connecting] "
    stage.welcome()
    assert prompt(stage) == "[no channel] "
    assert prompt(stage, several=True) == "[host] "
    stage.hear(":alice!a@h JOIN #lobby", ":srv 353 alice = #lobby :bob alice", ":srv 366 alice #lobby :End")
    assert prompt(stage) == "[#lobby] "
    assert prompt(stage, several=True) == "[host/#lobby] "
    stage.hear(":srv 306 alice :You are away")
    assert prompt(stage) == "[#lobby, away] "
    stage.session.handle(Lag(7))
    assert prompt(stage) == "[#lobby, no answer for 7 s] "
    stage.session.handle(Lag(0))
    stage.hear(":bob!b@h KICK #lobby alice :out")
    assert prompt(stage) == "[#lobby: you are not in it] "
    stage.lose()
    assert prompt(stage) == "[#lobby, offline] "


def test_what_the_server_has_not_echoed_stands_above() -> None:
    """The first messages under way have a row each, and the others are counted."""
    stage = Stage()
    stage.welcome("#lobby", caps=LABELS)
    for number in range(SHOWN_UNDER_WAY + 2):
        stage.session.enter(f"message {number}")
    rows = prompt(stage).split("\n")
    assert rows[:2] == ["… to #lobby: message 0", "… to #lobby: message 1"]
    assert rows[-2:] == ["… and 2 more", "[#lobby] "]
    assert all(len(row) < 16 for row in prompt(stage, width=16).split("\n"))
    stage.hear(*(f"@label={n + 1} :alice!a@h PRIVMSG #lobby :message {n}" for n in range(SHOWN_UNDER_WAY + 2)))
    assert prompt(stage) == "[#lobby] "


def test_a_line_says_where_it_belongs_if_that_is_not_clear() -> None:
    """Nothing is written before a line of the only channel; another channel and another server are named."""
    stage, other = Stage(), Stage()
    stage.welcome("#lobby")
    front = stage.session
    assert where("#LOBBY", front, front, several=False) == ""
    assert where("bob", front, front, several=False) == "bob"
    stage.hear(":alice!a@h JOIN #tea")
    assert where("#lobby", front, front, several=False) == "#lobby"
    assert where("", front, front, several=False) == ""
    assert where("#tea", other.session, front, several=True) == "host/#tea"
    assert where("", other.session, front, several=True) == "host"
