"""The events of a server in their places: what goes where, what is new, and how one gets to it."""

from __future__ import annotations

from harness.tea_places import NOON, Tea

from chatroom.client.chat_events import (
    Cleared,
    Denied,
    Info,
    Reacted,
    Redacted,
    Said,
    Trouble,
    Typing,
    UnderWay,
    Unsaid,
    Welcome,
)


def test_the_first_channel_comes_in_front_and_no_other() -> None:
    """A message opens a conversation behind the other places, and the place in front stays."""
    tea = Tea()
    assert tea.places.front is tea.place("#tea")
    tea.hear(":dave!d@h PRIVMSG alice :psst")
    assert tea.names() == ["home", "#tea", "#cake", "dave"]
    assert tea.places.front is tea.place("#tea")
    assert tea.place("dave").kind == "conversation"
    assert tea.place("dave").is_joined


def test_a_message_is_new_where_the_user_does_not_look() -> None:
    """Messages of others count, those with the nick or a highlight as mentions, and the user's own do not."""
    tea = Tea()
    tea.places.highlights = ("cookies",)
    tea.hear(
        ":bob!b@h PRIVMSG #tea :read at once",
        ":bob!b@h PRIVMSG #cake :hello",
        ":bob!b@h PRIVMSG #cake :alice: hi",
        ":bob!b@h PRIVMSG #cake :COOKIES!",
        ":alice!a@h PRIVMSG #cake :mine, alice",
    )
    assert tea.place("#tea").level == "quiet"
    cake = tea.place("#cake")
    assert (cake.unread, cake.mentions, cake.level) == (3, 2, "mention")
    assert [mention.entry.event for mention in tea.places.mentions] == [
        Said("#cake", "bob", "alice: hi"),
        Said("#cake", "bob", "COOKIES!"),
    ]
    assert tea.changed() == {"#tea", "#cake"}
    assert tea.changed() == set()


def test_coming_and_going_is_an_event_and_no_message() -> None:
    """A JOIN makes a place differ in the list, and counts as no message."""
    tea = Tea()
    tea.hear(":dave!d@h JOIN #cake")
    assert (tea.place("#cake").level, tea.place("#cake").unread) == ("event", 0)


def test_a_quit_and_a_rename_are_told_in_all_their_places() -> None:
    """Both are in each shared channel and in the conversation, which goes on under the new nick."""
    tea = Tea()
    tea.hear(":bob!b@h PRIVMSG alice :psst")
    tea.place("bob").draft = "half a line"
    tea.changed()
    tea.hear(":bob!b@h NICK rob")
    assert tea.changed() == {"#tea", "#cake", "rob"}
    assert tea.here.find("bob") is None
    assert tea.place("rob").draft == "half a line"
    tea.hear(":rob!b@h QUIT :bye")
    for name in ("#tea", "#cake", "rob"):
        assert tea.texts(name)[-2:] == ["Renamed", "Left"]
    assert [member.nick for member in tea.place("#cake").members] == ["carol", "alice"]


def test_a_rename_to_the_nick_of_another_conversation_leaves_both() -> None:
    """Two conversations never become one."""
    tea = Tea()
    tea.hear(":bob!b@h PRIVMSG alice :one", ":carol!c@h PRIVMSG alice :two", ":bob!b@h NICK carol2")
    tea.hear(":carol2!b@h NICK bob", ":carol!c@h QUIT :gone", ":bob!b@h NICK carol")
    assert tea.names()[-2:] == ["bob", "carol"]
    assert "two" in tea.texts("carol")


def test_the_own_nick_is_told_everywhere() -> None:
    """A new nick of the user is in all channels, in the server's place and in front, and is not new."""
    tea = Tea()
    tea.hear(":bob!b@h PRIVMSG alice :one", ":carol!c@h PRIVMSG alice :two")
    tea.places.turn_to(tea.place("bob"))
    tea.hear(":alice!a@h NICK alicia")
    assert all(tea.texts(name).count("Renamed") == 1 for name in ("", "#tea", "#cake", "bob"))
    assert "Renamed" not in tea.texts("carol")
    assert tea.place("#cake").level == "quiet"


def test_members_are_sorted_by_rank_and_name() -> None:
    """Operators come first, then voiced users, then all others."""
    members = Tea().place("#cake").members
    assert [member.signs + member.nick for member in members] == ["+carol", "alice", "bob"]


def test_answers_come_where_the_user_looks_and_the_rest_in_the_servers_place() -> None:
    """Before the welcome is over, the server speaks of itself."""
    tea = Tea()
    tea.here.is_greeted = False
    tea.follow(Info("motd"))
    tea.here.is_greeted = True
    tea.follow(Info("answer"), Denied("no"), Info("about cake", "#cake"), Info("old", at=NOON))
    assert tea.texts()[1:] == ["motd", "old"]
    assert tea.texts("#tea")[1:] == ["answer", "no"]
    assert tea.texts("#cake")[-1] == "about cake"


def test_a_notice_opens_no_place() -> None:
    """A notice of somebody with whom there is no conversation is in the server's place, as a mention."""
    tea = Tea()
    tea.hear(":NickServ!s@h NOTICE alice :Hello")
    assert tea.texts()[-1] == "Hello"
    assert tea.here.home.level == "mention"
    tea.hear(":bob!b@h PRIVMSG alice :hi", ":bob!b@h NOTICE alice :ho")
    assert tea.texts("bob") == ["hi", "ho"]


def test_a_place_is_read_when_the_user_turns_to_it() -> None:
    """The line "new" stands before the first new message until the user turns away."""
    tea = Tea()
    tea.hear(":bob!b@h PRIVMSG #cake :one", ":bob!b@h PRIVMSG #cake :two")
    cake = tea.place("#cake")
    tea.places.turn_to(cake)
    assert (cake.unread, cake.level) == (0, "quiet")
    assert tea.first_new("#cake") == Said("#cake", "bob", "one")
    assert cake.last_read == cake.log.entries[-1].moment
    tea.places.turn_back()
    assert tea.places.front is tea.place("#tea")
    assert tea.first_new("#cake") is None


def test_what_comes_while_nobody_watches_is_new() -> None:
    """In the background the place in front collects, and is read when the user is back."""
    tea = Tea()
    tea.places.watch(False)
    tea.hear(":bob!b@h PRIVMSG #tea :anyone?")
    assert tea.place("#tea").unread == 1
    tea.places.watch(True)
    assert tea.place("#tea").unread == 0
    assert tea.place("#tea").first_unread is not None
    tea.places.take_changes()
    tea.places.watch(True)
    assert not tea.places.take_changes()  # who goes on looking has nothing painted anew


def test_jumps_take_mentions_first_and_then_go_down_the_list() -> None:
    """Without anything new there is no place to jump to."""
    tea = Tea()
    assert [tea.places.next_unread] == [None]
    tea.hear(":bob!b@h PRIVMSG #cake :hello", ":dave!d@h PRIVMSG alice :psst")
    assert tea.places.next_unread is tea.place("dave")
    tea.places.turn_to(tea.place("dave"))
    assert tea.places.next_mention is None
    assert tea.places.next_unread is tea.place("#cake")
    tea.places.turn_by(1)
    assert tea.places.front is tea.here.home
    tea.places.turn_by(-1)
    assert tea.places.front is tea.place("dave")


def test_a_closed_place_is_gone_and_the_one_before_is_in_front() -> None:
    """Its mentions are gone too; a place that is not in front goes without a change in front."""
    tea = Tea()
    tea.hear(":dave!d@h PRIVMSG alice :psst", ":erin!e@h PRIVMSG alice :psst")
    tea.places.turn_to(tea.place("dave"))
    tea.places.close(tea.place("erin"))
    assert tea.places.front is tea.place("dave")
    tea.places.close(tea.place("dave"))
    assert tea.places.front is tea.place("#tea")
    assert tea.names() == ["home", "#tea", "#cake"]
    assert not tea.places.mentions
    for place in list(tea.places):
        tea.places.close(place)
    assert tea.places.front is None


def test_places_can_be_moved() -> None:
    """The order of the list is the user's."""
    tea = Tea()
    revision = tea.places.revision
    tea.places.move(tea.place("#cake"), 1)
    assert tea.names() == ["home", "#cake", "#tea"]
    assert tea.places.revision > revision
    assert tea.places[1] is tea.place("#cake")


def test_own_messages_are_under_way_until_they_are_said() -> None:
    """The place shows them at once, and what has become of them."""
    tea = Tea()
    said = Said("#tea", "alice", "hi", mine=True, key="1")
    tea.follow(UnderWay(said))
    entry = tea.place("#tea").log.entries[-1]
    deliveries = [entry.delivery]
    tea.follow(Unsaid(said, perhaps=True), Unsaid(Said("#tea", "alice", "other", mine=True)))
    assert [*deliveries, entry.delivery] == ["under way", "perhaps"]
    assert isinstance(tea.place("#tea").log.entries[-1].event, Unsaid)


def test_a_lost_connection_ends_all_memberships() -> None:
    """Members stay as they were last; a conversation can be used again after the welcome, a channel after the JOIN."""
    tea = Tea()
    tea.hear(":bob!b@h PRIVMSG alice :hi")
    tea.here.lost()
    tea.follow(Trouble("lost"))
    assert not any(place.is_joined for place in tea.places)
    assert len(tea.place("#cake").members) == 3
    tea.state.reset("alice", set())
    tea.follow(Welcome("alice", again=True))
    assert [place.name for place in tea.places if place.is_joined] == ["home", "bob"]
    tea.hear(":alice!a@h JOIN #tea")
    assert tea.place("#tea").is_joined
    assert tea.texts("#tea")[-2:] == ["lost", "Welcome"]


def test_a_kick_leaves_the_place_open() -> None:
    """The user is not in the channel any more, and it is a mention that says so."""
    tea = Tea()
    tea.hear(":bob!b@h KICK #cake alice :out")
    assert not tea.place("#cake").is_joined
    tea.hear(":alice!a@h PART #tea")
    assert not tea.place("#tea").is_joined
    assert tea.places.front is tea.place("#tea")


def test_what_becomes_of_a_message_changes_its_place() -> None:
    """Reactions and deletions are no entries; those for places that are not open are left out."""
    tea = Tea()
    tea.follow(Said("#cake", "bob", "hi", id="m1"))
    count = len(tea.place("#cake").log)
    tea.changed()
    tea.follow(Reacted("#cake", "m1", "carol", "+1"), Reacted("#nowhere", "m1", "carol", "+1"))
    assert tea.changed() == {"#cake"}
    tea.follow(Redacted("#cake", "m1", "bob"))
    assert tea.changed() == {"#cake"}
    assert len(tea.place("#cake").log) == count


def test_typing_ends_by_a_message_or_by_itself() -> None:
    """Who has typed for six seconds without a word is not typing any more."""
    tea = Tea()
    tea.follow(Typing("#tea", "bob", "active"), Typing("#tea", "dave", "active"), Typing("#tea", "erin", "paused"))
    assert tea.place("#tea").typists.nicks == ["bob", "dave"]
    tea.hear(":bob!b@h PRIVMSG #tea :said")
    assert tea.place("#tea").typists.nicks == ["dave"]
    tea.changed()
    tea.clock = 5.0
    tea.here.expire_typing()
    assert tea.changed() == set()
    tea.clock = 6.0
    tea.here.expire_typing()
    assert tea.changed() == {"#tea"}
    tea.follow(Typing("#tea", "erin", "done"))
    assert tea.place("#tea").typists.nicks == []


def test_clear_empties_the_place_in_front() -> None:
    """Other places keep their logs."""
    tea = Tea()
    tea.follow(Cleared())
    assert tea.texts("#tea") == []
    assert tea.texts("#cake") != []


def test_two_servers_share_the_list() -> None:
    """Places of the same name on two servers are two, and those of a server stand together."""
    tea = Tea()
    other = Tea(tea.places, "work")
    tea.hear(":bob!b@h PRIVMSG alice :hi")
    assert [(place.server, place.name) for place in tea.places] == [
        *(("home", name) for name in ("home", "#tea", "#cake", "bob")),
        *(("work", name) for name in ("work", "#tea", "#cake")),
    ]
    assert tea.places.front is tea.place("#tea")
    assert other.here.front is other.here.home
    other.follow(Denied("no"))
    assert other.texts()[-1] == "no"
    other.here.lost()
    assert tea.place("#tea").is_joined
