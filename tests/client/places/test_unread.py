"""What is new in the places of a server: read markers, the line "new", old pages and missed messages."""

from __future__ import annotations

from datetime import timedelta

from harness.tea_places import NOON, Tea

from chatroom.client.chat_events import History, MarkerMoved, Said


def test_the_server_knows_up_to_where_the_user_has_read() -> None:
    """A marker from another device counts anew, and an earlier one than ours changes nothing."""
    tea = Tea()
    times = [NOON + timedelta(seconds=second) for second in range(4)]
    tea.follow(*(Said("#cake", "bob", str(number), at=at) for number, at in enumerate(times, 1)))
    cake = tea.place("#cake")
    assert cake.unread == 4
    tea.follow(MarkerMoved("#cake", times[1]))
    assert cake.unread == 2
    assert tea.first_new("#cake") == Said("#cake", "bob", "3", at=times[2])
    tea.follow(MarkerMoved("#cake", times[0]))
    assert cake.unread == 2
    tea.follow(MarkerMoved("#cake", times[3]))
    assert cake.unread == 0
    assert tea.first_new("#cake") is None


def test_the_line_new_stays_while_its_place_is_in_front() -> None:
    """Neither the server's answer that all is read takes it away, nor a page of older messages."""
    tea = Tea()
    times = [NOON + timedelta(seconds=second) for second in range(3)]
    for number, at in enumerate(times):
        tea.follow(Said("#cake", "bob", str(number), at=at))
    tea.places.turn_to(tea.place("#cake"))
    tea.follow(MarkerMoved("#cake", times[2]))
    assert tea.first_new("#cake") == Said("#cake", "bob", "0", at=times[0])
    tea.follow(History("#cake", (Said("#cake", "bob", "old", at=NOON - timedelta(minutes=1)),)))
    assert tea.first_new("#cake") == Said("#cake", "bob", "0", at=times[0])
    tea.places.turn_back()
    assert tea.first_new("#cake") is None


def test_who_comes_back_to_the_place_in_front_sees_what_is_new_there() -> None:
    """The server has said up to where it was read, and then what was said."""
    tea = Tea()
    tea.follow(MarkerMoved("#tea", NOON))
    page = [Said("#tea", "bob", str(minute), at=NOON + timedelta(minutes=minute)) for minute in (-1, 1, 2)]
    tea.follow(History("#tea", tuple(page)))
    first = tea.first_new("#tea")
    assert isinstance(first, Said)
    assert first.text == "1"
    assert tea.place("#tea").level == "quiet"


def test_the_line_new_moves_to_what_comes_while_nobody_watches() -> None:
    """What stood below it before has been seen since."""
    tea = Tea()
    for text in ("one", "two"):
        tea.places.watch(False)
        tea.hear(f":bob!b@h PRIVMSG #tea :{text}", ":bob!b@h PRIVMSG #tea :and more")
        assert tea.first_new("#tea") == Said("#tea", "bob", text)
        tea.places.watch(True)


def test_an_older_page_is_not_new() -> None:
    """What was said before the user came does not count, unless the server's marker says that it is unread."""
    tea = Tea()
    old = [Said("#cake", "bob", f"alice {minute}", at=NOON - timedelta(minutes=minute)) for minute in (3, 2, 1)]
    tea.follow(History("#cake", tuple(old), complete=True))
    cake = tea.place("#cake")
    assert (cake.unread, cake.log.complete, len(tea.places.mentions)) == (0, True, 0)
    assert all(entry.said.missed for entry in cake.log.entries if entry.said)
    tea.follow(MarkerMoved("#cake", NOON - timedelta(minutes=2)))
    assert (cake.unread, cake.mentions) == (1, 1)


def test_what_was_missed_while_the_connection_was_lost_is_new() -> None:
    """It counts, its mentions are in the list of all, and in the place in front it is read at once."""
    tea = Tea()
    for name in ("#tea", "#cake"):
        tea.follow(History(name, (Said(name, "bob", "alice?", at=NOON + timedelta(minutes=1)),), news=True))
    assert tea.place("#cake").mentions == 1
    assert tea.place("#tea").level == "quiet"
    assert [mention.place.name for mention in tea.places.mentions] == ["#tea", "#cake"]
    tea.here.open("dave")
    tea.follow(History("dave", (Said("dave", "dave", "psst", at=NOON),), news=True), History("erin", ()))
    assert tea.place("dave").unread == 1
