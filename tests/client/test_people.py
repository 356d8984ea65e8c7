"""What is known of other users: away or not, account, the name to show."""

from __future__ import annotations

from chatroom.client.chat_events import Event, PeopleChanged
from chatroom.client.chat_state import State
from chatroom.client.people import Person
from chatroom.irc.message import parse


def here() -> State:
    """alice in #tea with bob, and in #cake with bob and carol."""
    state = State()
    state.reset("alice", {"extended-join"})
    for channel, names in (("#tea", "alice bob"), ("#cake", "alice bob carol")):
        feed(state, f":alice!a@h JOIN {channel} alice :Alice", f":srv 353 alice = {channel} :{names}")
        feed(state, f":srv 366 alice {channel} :End")
    return state


def feed(state: State, *lines: str) -> list[Event]:
    """The events of these lines."""
    return [event for line in lines for event in state.feed(parse(line))]


def test_away_and_back_are_known_in_all_channels() -> None:
    """A change names the channels to paint anew; what was known already is no change."""
    state = here()
    both = PeopleChanged("bob", ("#tea", "#cake"))
    assert feed(state, ":bob!b@h AWAY :at tea", ":bob!b@h AWAY :still at tea") == [both]
    assert state.people.find("bob") == Person(away=True)
    assert feed(state, ":bob!b@h AWAY") == [both]
    assert state.people.find("bob") is None


def test_accounts_come_with_the_join_and_later() -> None:
    """Logging out is known too, and a star is no account."""
    state = here()
    feed(state, ":dave!d@h JOIN #tea dave2 :Dave", ":erin!e@h JOIN #tea * :Erin")
    assert state.people.find("dave") == Person(account="dave2")
    assert state.people.find("erin") is None
    feed(state, ":erin!e@h ACCOUNT erin", ":dave!d@h ACCOUNT *", ":dave!d@h ACCOUNT")
    assert state.people.find("erin") == Person(account="erin")
    assert state.people.find("dave") is None


def test_a_display_name_is_one_line_of_bounded_length() -> None:
    """Other keys mean nothing to the client, and an empty value takes the name away."""
    state = here()
    feed(state, ":srv METADATA bob display-name * :Bob  the Builder", ":srv METADATA bob color * :red")
    assert state.people.find("bob") == Person(display_name="Bob the Builder")
    feed(state, f":srv METADATA carol Display-Name * :{'x' * 300}", ":srv METADATA bob display-name *")
    carol = state.people.find("carol")
    assert carol is not None
    assert len(carol.display_name) == 64
    assert state.people.find("bob") is None


def test_what_is_known_follows_a_nick_and_ends_with_the_last_channel() -> None:
    """Nothing is kept of users of whom the server tells nothing more."""
    state = here()
    feed(state, ":bob!b@h AWAY :tea", ":carol!c@h AWAY :tea", ":bob!b@h NICK rob")
    assert state.people.find("bob") is None
    assert state.people.find("rob") == Person(away=True)
    feed(state, ":rob!b@h PART #tea")
    assert state.people.find("rob") == Person(away=True)
    feed(state, ":alice!a@h PART #cake")
    assert state.people.find("rob") is None
    assert state.people.find("carol") is None
    feed(state, ":dave!d@h JOIN #tea dave :D", ":dave!d@h QUIT")
    assert state.people.find("dave") is None


def test_a_new_connection_knows_nobody() -> None:
    """The next server tells anew."""
    state = here()
    feed(state, ":bob!b@h AWAY :tea")
    state.reset("alice", set())
    assert state.people.find("bob") is None
