"""ACCEPT, and the right to answer: how guests may write to a user with mode R."""

from __future__ import annotations

import pytest
from harness.session_client import Client
from harness.world import SERVER, Here, verbs

REFUSED = f":{SERVER} 531 guest una :You must be logged in to write to this person"


@pytest.fixture
def una(here: Here) -> Client:
    """An account with mode R; there is a guest called guest."""
    guest, una = here.connect("guest", caps="message-tags"), here.member()
    una.say("MODE una +R")
    here.forget_unread()
    assert guest.ask("PRIVMSG una :hello?") == [REFUSED]
    return una


def guest_of(here: Here) -> Client:
    """The client of the user called guest."""
    return next(client for client in here.clients.values() if client.user.nick == "guest")


def test_accepted_guests_may_write(here: Here, una: Client) -> None:
    """From ACCEPT until ACCEPT with a hyphen; the list is shown with its end."""
    guest = guest_of(here)
    here.connect("other")
    una.read()
    assert una.ask("ACCEPT GUEST,other") == []
    assert una.ask("ACCEPT *") == [f":{SERVER} 281 una :guest other", f":{SERVER} 282 una :End of ACCEPT list"]
    assert guest.ask("PRIVMSG una :hello", "NOTICE una :psst", "@+typing=active TAGMSG una") == []
    assert verbs(una.read()) == ["PRIVMSG", "NOTICE"]
    assert una.ask("ACCEPT -guest") == []
    assert guest.ask("PRIVMSG una :still?") == [REFUSED]
    assert una.ask("ACCEPT -other", "ACCEPT") == [f":{SERVER} 282 una :End of ACCEPT list"]


def test_what_accept_refuses(here: Here, una: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """401 for no such nick, 457 for one that is there, 458 for one that is not, 456 if the list is full."""
    monkeypatch.setattr("chatroom.chat.people.accept_lists.ACCEPTED_USERS", 1)
    here.connect("other")
    una.read()
    assert una.ask("ACCEPT nobody") == [f":{SERVER} 401 una nobody :No such nick/channel"]
    assert una.ask("ACCEPT -guest,-nobody") == [
        f":{SERVER} 458 una guest :is not on your accept list",
        f":{SERVER} 458 una nobody :is not on your accept list",
    ]
    assert una.ask("ACCEPT guest,guest") == [f":{SERVER} 457 una guest :is already on your accept list"]
    assert una.ask("ACCEPT other") == [f":{SERVER} 456 una :Your accept list is full"]


@pytest.mark.parametrize("line", ["PRIVMSG guest :hi", "NOTICE guest :hi", "PRIVMSG GUEST,nobody :hi"])
def test_who_was_written_to_may_answer(here: Here, una: Client, line: str) -> None:
    """A message to the guest is an ACCEPT. A TAGMSG (typing) is none."""
    guest = guest_of(here)
    una.say("CAP REQ message-tags", "@+typing=active TAGMSG guest")
    guest.read()
    assert guest.ask("PRIVMSG una :oh?") == [REFUSED]
    una.say(line)
    here.forget_unread()
    assert guest.ask("PRIVMSG una :hello back") == []
    assert verbs(una.read()) == ["PRIVMSG"]


def test_an_entry_ends_with_the_nick_of_the_guest(here: Here, una: Client) -> None:
    """It follows no user to another nick, and the next user of the nick does not have it."""
    guest = guest_of(here)
    una.say("ACCEPT guest")
    guest.say("NICK Guest", "NICK guest2")
    guest.read()
    assert verbs(guest.ask("PRIVMSG una :x")) == ["531"]
    guest.say("NICK guest")
    guest.read()
    assert guest.ask("PRIVMSG una :x") == [REFUSED]
    una.say("ACCEPT guest")
    guest.say("QUIT")
    again = here.connect("guest")
    again.read()
    assert again.ask("PRIVMSG una :x") == [REFUSED]


def test_nothing_is_kept_of_users_that_are_gone(here: Here, una: Client) -> None:
    """Neither as the one that accepts nor as the one that is accepted."""
    guest = guest_of(here)
    una.say("ACCEPT guest")
    guest.say("ACCEPT una", "QUIT")
    assert here.world.accepts.list_of(una.user) == []
    here.connect("last")
    una.say("ACCEPT last", "QUIT")
    assert not here.world.accepts._accepted and not here.world.accepts._accepters


def test_a_full_list_makes_room_for_who_is_written_to(here: Here, una: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of the oldest that came so, and never of one that ACCEPT has named."""
    monkeypatch.setattr("chatroom.chat.people.accept_lists.ACCEPTED_USERS", 2)
    for nick in ("one", "two", "six"):
        here.connect(nick)
    una.say("ACCEPT guest", "PRIVMSG one :x", "PRIVMSG two :x")
    assert [user.nick for user in here.world.accepts.list_of(una.user)] == ["guest", "two"]
    una.say("ACCEPT two", "PRIVMSG six :x")
    assert [user.nick for user in here.world.accepts.list_of(una.user)] == ["guest", "two"]
