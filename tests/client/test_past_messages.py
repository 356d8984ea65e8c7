"""Old messages: those that a search has found, and those from before the user joined."""

from __future__ import annotations

from datetime import UTC, datetime

from harness.client_stage import Stage

from chatroom.client.chat_events import Event, Joined, Said, SearchResult
from chatroom.client.wanted_caps import FOR_LINES

CAPS = "batch server-time soju.im/search echo-message"
JOINED = "@time=2026-11-22T10:00:00.000Z :alice!a@h JOIN #lobby"


def at(hour: int, minute: int = 0) -> datetime:
    """A time on the day that the user joined on."""
    return datetime(2026, 11, 22, hour, minute, tzinfo=UTC)


def old(line: str, hour: int = 9) -> str:
    """A line with the time of an hour of that day."""
    return f"@time=2026-11-22T{hour:02}:00:00.000Z {line}"


def here() -> Stage:
    """alice in #lobby since ten, with bob."""
    stage = Stage()
    stage.welcome(caps=CAPS)
    stage.hear(JOINED, ":srv 353 alice = #lobby :bob alice", ":srv 366 alice #lobby :End")
    return stage


def batched(*lines: str) -> list[str]:
    """The lines of a search's answer."""
    tagged = [f"@batch=s1;{line[1:]}" for line in lines]
    return [":srv BATCH +s1 soju.im/search", *tagged, ":srv BATCH -s1"]


def test_the_capabilities_for_it_are_wanted() -> None:
    """Search is requested; chathistory is not, so that the server replays missed messages."""
    assert {"batch", "soju.im/search"} <= set(FOR_LINES)
    assert "draft/chathistory" not in FOR_LINES


def test_what_was_found_is_one_answer_and_changes_nothing() -> None:
    """Found messages are one event at the end, and change neither the source nor the channels."""
    stage = here()
    events = stage.hear(
        *batched(
            old(":bob!b@h PRIVMSG #lobby :hi alice"),
            old(":alice!old@elsewhere PRIVMSG bob :\x01ACTION waves\x01", 11),
            old(":alice!a@h PART #lobby"),
            old(":bob!b@h PRIVMSG #lobby :\x01VERSION\x01"),
        )
    )
    assert events == [
        SearchResult(
            (
                Said("#lobby", "bob", "hi alice", at=at(9)),
                Said("bob", "alice", "waves", "action", mine=True, at=at(11)),
            )
        )
    ]
    assert stage.session.state.source == "alice!a@h"
    assert stage.session.state.find_channel("#lobby") is not None


def test_nothing_found_is_an_answer() -> None:
    """An empty batch is an event, too."""
    assert here().hear(*batched()) == [SearchResult(())]


def test_a_batch_within_a_search_was_found() -> None:
    """Messages in an inner batch belong to the search, which ends with its own batch."""
    events = here().hear(
        ":srv BATCH +s1 soju.im/search",
        "@batch=s1 :srv BATCH +m1 draft/multiline #lobby",
        "@batch=m1 :bob!b@h PRIVMSG #lobby :one",
        ":srv BATCH -m1",
        "@batch=s1 :bob!b@h PRIVMSG #lobby :two",
        ":srv BATCH -s1",
    )
    assert events == [SearchResult((Said("#lobby", "bob", "one"), Said("#lobby", "bob", "two")))]


def test_other_batches_are_talk() -> None:
    """Lines in a batch that is no search are live, even while a search is being answered."""
    stage = here()
    events = stage.hear(
        ":srv BATCH +n1 netsplit a b",
        ":srv BATCH +s1 soju.im/search",
        "@batch=n1 :carol!c@h JOIN #lobby",
        ":bob!b@h PRIVMSG #lobby :now",
        ":srv BATCH -n1",
    )
    assert events == [Joined("carol", "#lobby"), Said("#lobby", "bob", "now")]


def test_a_search_ends_with_its_connection() -> None:
    """A batch of the next connection is a new one, although it has the same reference."""
    stage = here()
    stage.hear(":srv BATCH +s1 soju.im/search")
    stage.lose()
    stage.welcome(caps=CAPS)
    stage.hear(JOINED)
    assert stage.hear("@batch=s1 :bob!b@h PRIVMSG #lobby :now") == [Said("#lobby", "bob", "now")]


def test_search_asks_the_server() -> None:
    """/search becomes a SEARCH in the target."""
    stage = here()
    assert stage.session.enter("/search from:bob carrot cake") == []
    assert stage.link.sent[-1] == "SEARCH in=#lobby;from=bob;text=carrot\\scake;limit=50"


def test_what_was_said_before_we_came_is_marked() -> None:
    """A message from before the JOIN is missed, a later one is live; each channel has its own JOIN."""
    stage = here()
    stage.hear("@time=2026-11-22T12:00:00.000Z :alice!a@h JOIN #tea")

    def missed(*lines: str) -> list[bool]:
        return [event.missed for event in stage.hear(*lines) if isinstance(event, Said)]

    lobby, tea = ":bob!b@h PRIVMSG #lobby :hi", ":bob!b@h PRIVMSG #tea :hi"
    assert missed(old(lobby, 9), old(lobby, 10), old(lobby, 11)) == [True, False, False]
    assert missed(old(tea, 11), old(tea, 12), tea) == [True, False, False]
    assert missed(old(":bob!b@h PRIVMSG alice :psst"), old(":bob!b@h PRIVMSG alice :psst", 11)) == [True, False]


def test_our_own_old_lines_do_not_say_where_we_are() -> None:
    """A replayed message of the user, sent from another address, does not change the source."""
    stage = here()
    stage.hear(old(":alice!old@elsewhere PRIVMSG #lobby :hi"))
    assert stage.session.state.source == "alice!a@h"


def test_a_new_connection_shows_only_what_was_missed() -> None:
    """A message that was shown is not shown again when the server replays it after a reconnect."""
    stage = here()
    read = [old(":bob!b@h PRIVMSG #lobby :read"), old(":bob!b@h PRIVMSG #lobby :read live", 11)]
    assert len(stage.hear(*read)) == 2
    stage.lose()
    stage.welcome(caps=CAPS)
    events: list[Event] = stage.hear(
        "@time=2026-11-22T13:00:00.000Z :alice!a@h JOIN #lobby", *read, old(":bob!b@h PRIVMSG #lobby :new", 12)
    )
    assert [event for event in events if isinstance(event, Said)] == [
        Said("#lobby", "bob", "new", at=at(12), missed=True)
    ]
