"""Lists for moderators: what is asked, how the answers become rows, and what a refusal is."""

from __future__ import annotations

import pytest
from harness.client_stage import Stage

from chatroom.client.chat_events import Denied
from chatroom.client.moderation_lists import AUDIT_PAGE, Listing, Row


def here() -> Stage:
    """alice in #tea, on a chatroom."""
    stage = Stage()
    stage.welcome("#tea")
    return stage


def ask(stage: Stage, listing: Listing) -> str:
    """Ask for a list, and return the line that was sent."""
    stage.session.talk.lists.ask(listing)
    return stage.link.lines[-1]


def test_bans_of_the_server_are_read_and_not_shown_in_the_log() -> None:
    """A row has the target and what the server says of it; a text in several lines is one row."""
    stage, listing = here(), Listing("server-bans")
    assert ask(stage, listing) == "UBAN LIST"
    shown = stage.hear(
        ":srv NOTE UBAN ENTRY mallory :7: mallory is banned: spam (permanently), by ada since 2030",
        ":srv NOTE UBAN ENTRY 10.0.0.0/8 :6: 10.0.0.0/8 is banned: a long ",
        ":srv NOTE UBAN ENTRY 10.0.0.0/8 :reason",
        ":srv NOTE UBAN END * :2 bans in force",
    )
    assert shown == []
    assert listing.is_over
    assert listing.rows == [
        Row("mallory", "banned: spam (permanently), by ada since 2030"),
        Row("10.0.0.0/8", "banned: a long reason"),
    ]


def test_bans_of_a_channel_of_ours() -> None:
    """A line that begins no row goes on with the one before."""
    stage, listing = here(), Listing("channel-bans", "#tea")
    assert ask(stage, listing) == "CBAN #tea"
    stage.hear(
        ":srv NOTE CBAN ENTRY #tea :more of nothing",
        ":srv NOTE CBAN ENTRY #tea :~m:bob!*@* is banned by ada!a@h since x until y: too ",
        ":srv NOTE CBAN ENTRY #tea :loud",
        ":srv NOTE CBAN SOMETHING #tea :else",
        ":srv NOTE CBAN END #tea :1 ban",
    )
    assert listing.rows == [Row("~m:bob!*@*", "banned by ada!a@h since x until y: too loud")]


@pytest.mark.parametrize("mode, entry, end", [("b", "367", "368"), ("e", "348", "349"), ("I", "346", "347")])
def test_masks_of_a_channel_anywhere(mode: str, entry: str, end: str) -> None:
    """Who has set one and when may be missing, or be nonsense. Those of another channel are shown in the log."""
    stage, listing = here(), Listing("masks", "#tea", mode)
    assert ask(stage, listing) == f"MODE #tea {mode}"
    shown = stage.hear(
        f":srv {entry} alice #TEA *!*@evil",
        f":srv {entry} alice #tea bob!*@* ada!a@h 1900000000",
        f":srv {entry} alice #tea eve!*@* srv 99999999999",
        f":srv {entry} alice #cake *!*@other",
        f":srv {end} alice #tea :End",
    )
    assert len(shown) == 1
    assert [row.name for row in listing.rows] == ["*!*@evil", "bob!*@*", "eve!*@*"]
    assert listing.rows[0].text == ""
    assert listing.rows[1].text.startswith("by ada since 2030-03-1")
    assert listing.rows[2].text == "by srv"
    assert listing.is_over


def test_the_audit_comes_in_pages() -> None:
    """The next one is before the oldest entry; a page that is not full is the last."""
    stage, listing = here(), Listing("audit")
    assert ask(stage, listing) == f"AUDIT {AUDIT_PAGE}"
    assert ask(stage, listing) == f"AUDIT {AUDIT_PAGE}"
    assert stage.link.lines.count(f"AUDIT {AUDIT_PAGE}") == 1  # it is under way
    stage.hear(":srv NOTE AUDIT ENTRY 9 ban.add ada mallory :text", ":srv NOTE AUDIT END 1 1 :more")
    assert (listing.is_over, listing.is_complete) == (True, False)
    assert listing.rows == [Row("9", "text", "ban.add", "mallory")]
    assert ask(stage, listing) == f"AUDIT {AUDIT_PAGE} 9"
    stage.hear(":srv NOTE AUDIT ENTRY 8 :text", ":srv NOTE AUDIT END 1 100 :1 entry")
    assert listing.is_complete
    assert listing.rows[-1] == Row("8", "text")


def test_modes_and_lockdown_are_one_row() -> None:
    """What else comes meanwhile is shown as ever."""
    stage, modes, lockdown = here(), Listing("modes", "#tea"), Listing("lockdown")
    assert ask(stage, modes) == "MODE #tea"
    assert stage.hear(":bob!b@h PRIVMSG #tea :hello", ":srv 329 alice #tea 1") != []
    assert not modes.is_over
    assert stage.hear(":srv 324 alice #tea +ntl 5") == []
    assert modes.rows == [Row("+ntl", "5")]
    assert ask(stage, lockdown) == "LOCKDOWN"
    stage.hear(":srv NOTE LOCKDOWN LOCKDOWN on :Lockdown on: closed")
    assert lockdown.rows == [Row("on", "Lockdown on: closed")]


@pytest.mark.parametrize(
    "listing, line, why",
    [
        (Listing("server-bans"), ":srv 481 alice :Permission Denied", "Permission Denied."),
        (Listing("audit"), ":srv 421 alice AUDIT :Unknown command", "Unknown command."),
        (Listing("audit"), ":srv FAIL AUDIT INVALID_PARAMS :numbers", "Numbers."),
        (Listing("channel-bans", "#tea"), ":srv 442 alice #tea :You're not on it", "You're not on it."),
        (Listing("masks", "#tea", "I"), ":srv 482 alice #tea :You're no operator", "You're no operator."),
        (Listing("masks", "#tea", "I"), ":srv 472 alice I :is unknown", "Is unknown."),
        (Listing("modes", "#tea"), ":srv 403 alice #tea :", "The server refuses it."),
    ],
)
def test_a_refusal_stands_in_the_list(listing: Listing, line: str, why: str) -> None:
    """It is not shown in the log; the screen is told."""
    stage, told = here(), []
    ask(stage, listing)
    listing.changed = lambda: told.append(listing.why)
    assert stage.hear(line) == []
    assert told == [why]


def test_a_refusal_of_something_else_is_shown() -> None:
    """And the list still waits for its answer."""
    stage, listing = here(), Listing("masks", "#tea")
    ask(stage, listing)
    for line in (":srv 403 alice #cake :No such channel", ":srv 404 alice #tea :No", ":srv 481 alice :Denied"):
        (event,) = stage.hear(line)
        assert isinstance(event, Denied)
    assert stage.hear(":srv NOTE OTHER ENTRY x :text", ":srv WARN UBAN X :careful") != []
    assert not listing.is_over


def test_answers_are_those_of_the_oldest_question() -> None:
    """A list that is asked for again, before the first answer, does not take that one for its own."""
    stage, first, again = here(), Listing("masks", "#tea"), Listing("masks", "#tea")
    ask(stage, first)
    ask(stage, again)
    stage.hear(":srv 368 alice #tea :End")
    assert (first.is_over, again.is_over) == (True, False)
    stage.hear(":srv 367 alice #tea eve!*@*", ":srv 368 alice #tea :End")
    assert (len(first.rows), len(again.rows)) == (0, 1)


def test_a_server_that_answers_nothing_is_not_waited_for() -> None:
    """Of many questions the oldest is given up."""
    stage = here()
    asked = [Listing("server-bans") for _ in range(5)]
    for listing in asked:
        ask(stage, listing)
    assert [listing.why for listing in asked] == ["The server does not answer.", "", "", "", ""]


def test_a_lost_connection_ends_the_question() -> None:
    """The list says so, and the next connection begins without it."""
    stage, listing = here(), Listing("audit")
    ask(stage, listing)
    stage.lose()
    assert listing.why == "The connection was lost."
    stage.welcome("#tea")
    assert stage.hear(":srv NOTE AUDIT END 0 100 :0 entries") != []


def test_no_list_grows_without_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that does not stop fills no memory."""
    monkeypatch.setattr("chatroom.client.moderation_lists._MOST_ROWS", 3)
    stage, listing = here(), Listing("masks", "#tea")
    ask(stage, listing)
    stage.hear(*(f":srv 367 alice #tea *!*@{number}" for number in range(9)))
    assert len(listing.rows) == 3
