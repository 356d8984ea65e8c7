"""Coming back: an account whose last connection broke finds its channels at its next login."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.session_client import Client
from harness.world import PASSWORD, SERVER, SHELL, Here, change_settings, params_of, verbs

from chatroom.chat.liveness import look_after
from chatroom.chat.stored.records import Role


def come_back(here: Here, name: str = "una", caps: str = "") -> tuple[Client, list[str]]:
    """Log in anew; the client with everything that it read, the welcome included."""
    client = here.open()
    if caps:
        client.say("CAP LS 302", f"CAP REQ :{caps}")
    client.say(f"PASS :{name}:{PASSWORD}", f"NICK {name}", "USER u 0 * :U", *(["CAP END"] if caps else []))
    return client, client.read()


def joined(lines: list[str], nick: str = "una") -> list[str]:
    """The channels of the JOIN lines of a nick, in order."""
    return [line.split(" JOIN ")[1].split()[0] for line in lines if f":{nick}!" in line and " JOIN " in line]


def channels_of(client: Client) -> set[str]:
    """The names of the client's channels."""
    return {channel.name for channel in client.user.channels}


@pytest.fixture
def alice(keeping: Here) -> Client:
    """An account that founded two channels, one of them with a topic."""
    alice = keeping.member("alice")
    alice.say("JOIN #a,#b", "TOPIC #a :kettles")
    return alice


def test_a_broken_connection_comes_back(keeping: Here, alice: Client) -> None:
    """After 376: JOIN, read marker, topic, names, and what was missed. The others read a JOIN."""
    una = keeping.member("una")
    una.say("JOIN #b")
    keeping.wait(1)
    una.say("JOIN #a")
    una.vanish()
    alice.say("PRIVMSG #a :missed")
    alice.read()
    una, sent = come_back(keeping, caps="draft/read-marker server-time")
    order = verbs(sent)
    begin = order.index("JOIN")
    assert "376" in order[:begin] or "422" in order[:begin]
    assert joined(sent) == ["#b", "#a"]
    shown = ["JOIN", "MARKREAD", "332", "333", "353", "366", "PRIVMSG"]
    assert order[begin:] == ["JOIN", "MARKREAD", "353", "366", *shown]
    assert sent[-1].endswith("PRIVMSG #a :missed")
    assert joined(alice.read()) == ["#b", "#a"]
    assert una.ask("JOIN #a") == []


def test_further_lines_wait_for_it(keeping: Here, alice: Client) -> None:
    """A client that names a channel at once is in it already."""
    una = keeping.member("una")
    una.say("JOIN #a")
    una.vanish()
    keeping.holding = True
    client = keeping.open()
    client.say(f"PASS :una:{PASSWORD}", "NICK una", "USER u 0 * :U", "PRIVMSG #a :here again")
    keeping.holding = False
    keeping.release()
    assert alice.read()[-1] == f":{client.prefix} PRIVMSG #a :here again"


def test_a_time_out_is_a_broken_connection(keeping: Here, alice: Client) -> None:
    """The server ended it, but not the user."""
    una = keeping.member("una")
    una.say("JOIN #a")
    with keeping.tick():
        una.session.heard_mono_ms, una.session.pinged_mono_ms = 0, 1
        look_after(keeping.world, una.session, 10_000_000)
    assert joined(come_back(keeping)[1]) == ["#a"]


@pytest.mark.parametrize("line", ["PART #a", "JOIN 0", "QUIT :bye"])
def test_a_user_that_leaves_stays_out(keeping: Here, alice: Client, line: str) -> None:
    """PART and QUIT are meant. A later break of the connection changes nothing about it."""
    una = keeping.member("una")
    una.say("JOIN #a", line)
    for _ in range(2):
        una, sent = come_back(keeping)
        assert joined(sent) == []
        una.vanish()


def test_a_user_that_was_kicked_stays_out(keeping: Here, alice: Client) -> None:
    """Whether out of the channel or off the server."""
    una = keeping.member("una")
    una.say("JOIN #a,#b")
    alice.say("KICK #a una")
    una.vanish()
    una, sent = come_back(keeping)
    assert joined(sent) == ["#b"]
    keeping.moderator().say("KILL una")
    assert joined(come_back(keeping)[1]) == []


def test_a_banned_user_stays_out(keeping: Here, alice: Client) -> None:
    """A ban that was set meanwhile is answered as to a JOIN, once. When it is lifted, the account stays out."""
    una = keeping.member("una")
    una.say("JOIN #a,#b")
    una.vanish()
    alice.say("MODE #a +b ~a:una")
    una, sent = come_back(keeping)
    assert params_of(sent, "474")[1] == "#a"
    assert channels_of(una) == {"#b"}
    una.vanish()
    alice.say("MODE #a -b ~a:una")
    una, sent = come_back(keeping)
    assert "474" not in verbs(sent) and channels_of(una) == {"#b"}


def test_a_ban_from_the_server_ends_it(keeping: Here, alice: Client) -> None:
    """After the ban the account begins anew."""
    una = keeping.member("una")
    una.say("JOIN #a")
    ban = keeping.ban("una")
    keeping.stores.bans.lift(ban, SHELL)
    keeping.world.bans.discard(ban)
    assert joined(come_back(keeping)[1]) == []


@pytest.mark.parametrize("modes", ["+i", "+k secret", "+l 1", "+R"])
def test_modes_that_refuse_newcomers_let_it_in(keeping: Here, alice: Client, modes: str) -> None:
    """It has never left: an operator that wanted it out had KICK, or a ban."""
    una = keeping.member("una")
    una.say("JOIN #a")
    una.vanish()
    alice.say(f"MODE #a {modes}")
    assert joined(come_back(keeping)[1]) == ["#a"]


def test_another_channel_of_the_name_is_not_entered(keeping: Here) -> None:
    """A guest's channel ended with its members. The one that has its name now never had the account in it."""
    guest, una = keeping.connect("guest"), keeping.member("una")
    guest.say("JOIN #x")
    una.say("JOIN #x")
    una.vanish()
    guest.say("PART #x")
    una, sent = come_back(keeping)
    assert joined(sent) == []
    una.vanish()
    keeping.wait(1)
    guest.say("JOIN #x")
    assert joined(come_back(keeping)[1]) == []


def test_without_accounts_a_new_channel_asks_nothing_of_the_store(here: Here) -> None:
    """No account can come back to it, so no worker is woken up for each channel that a guest makes."""
    guest = here.connect("guest")
    here.holding = True
    guest.ask("JOIN #a")
    assert not here.held
    here.account("una")
    guest.ask("JOIN #b")
    assert len(here.held) == 1


def test_a_channel_that_is_made_while_the_store_is_asked_is_not_entered(keeping: Here) -> None:
    """The store was asked before the channel of that name was made."""
    guest, una = keeping.connect("guest"), keeping.member("una")
    guest.say("JOIN #x")
    una.say("JOIN #x")
    una.vanish()
    guest.say("PART #x")
    keeping.holding = True
    client = keeping.open()
    client.say(f"PASS :una:{PASSWORD}", "NICK una", "USER u 0 * :U")
    while client.session.user is None:
        keeping.release(1)
    guest.say("JOIN #x")
    keeping.holding = False
    keeping.release()
    assert client.user.channels == {}


def test_a_renamed_channel_is_found(keeping: Here, alice: Client) -> None:
    """By its new name."""
    una = keeping.member("una")
    una.say("JOIN #a")
    una.vanish()
    alice.say("RENAME #a #kettles")
    assert joined(come_back(keeping)[1]) == ["#kettles"]


def test_a_channel_that_is_renamed_while_the_store_is_asked_is_found(keeping: Here, alice: Client) -> None:
    """The answer has the old name; so the store is asked once more."""
    una = keeping.member("una")
    una.say("JOIN #a")
    una.vanish()
    keeping.holding = True
    client = keeping.open()
    client.say(f"PASS :una:{PASSWORD}", "NICK una", "USER u 0 * :U")
    while client.session.user is None:
        keeping.release(1)
    alice.say("RENAME #a #kettles")
    keeping.holding = False
    keeping.release()
    assert joined(client.read()) == ["#kettles"]


def test_an_autojoined_channel_is_joined_once(make_here: Callable[..., Here]) -> None:
    """And the others after it."""
    here = make_here(keeping=True)
    una = here.member("una")
    una.say("JOIN #a")
    una.vanish()
    assert joined(come_back(here)[1]) == ["#lobby", "#a"]


@pytest.mark.parametrize("history", [True, False])
def test_a_restart_and_a_kill_bring_everybody_back(make_here: Callable[..., Here], history: bool) -> None:
    """The daemon's end stores nothing. Its next start takes all that were present for broken off."""
    here = make_here(keeping=history)
    una, vera = here.member("una"), here.member("vera")
    una.say("JOIN #a")
    vera.say("JOIN #a", "PART #a")
    here.restart()
    if not history:
        here.stores.presence.go_all(None)
    assert joined(come_back(here)[1]) == ["#lobby", "#a"]
    assert joined(come_back(here, "vera")[1], "vera") == ["#lobby"]


def test_the_last_of_several_connections_counts(keeping: Here, alice: Client) -> None:
    """While another device is there nothing is left, and a device that comes to it joins nothing."""
    una = keeping.member("una")
    other = keeping.connect("una", login="una")
    una.say("JOIN #a")
    una.vanish()
    other.say("JOIN #b")
    other.vanish()
    una, sent = come_back(keeping)
    assert joined(sent) == ["#a", "#b"]
    second = keeping.connect("una", login="una")
    una.vanish()
    second.say("QUIT")
    assert joined(come_back(keeping)[1]) == []


def test_another_nick_of_the_account_keeps_its_place(keeping: Here, alice: Client) -> None:
    """The account is still in the channel when one of its two users leaves it."""
    una, other = keeping.member("una"), keeping.connect("una2", login="una")
    una.say("JOIN #a")
    other.say("JOIN #a", "PART #a")
    third = keeping.connect("una3", login="una")
    assert channels_of(third) == set()
    for client in (other, third):
        client.say("QUIT")
    una.vanish()
    assert joined(come_back(keeping)[1]) == ["#a"]


def test_guests_do_not_come_back(keeping: Here, alice: Client) -> None:
    """Nobody knows who has the nick next."""
    guest = keeping.connect("gus")
    guest.say("JOIN #a")
    guest.vanish()
    assert channels_of(keeping.connect("gus")) == set()


def test_it_may_be_off(make_here: Callable[..., Here]) -> None:
    """``channels.rejoin``."""
    here = make_here(keeping=True, channels={"rejoin": False})
    una = here.member("una")
    una.say("JOIN #a")
    una.vanish()
    assert joined(come_back(here)[1]) == ["#lobby"]


def test_no_more_channels_than_a_user_may_be_in(make_here: Callable[..., Here]) -> None:
    """The limit may be lower than it was."""
    here = make_here(keeping=True, channels={"max_joined": 3, "autojoin": ()})
    una = here.member("una")
    una.say("JOIN #a,#b,#c")
    una.vanish()
    here.world.settings = change_settings(here.world.settings, channels={"max_joined": 2})
    una, sent = come_back(here)
    assert joined(sent) == ["#a", "#b"] and params_of(sent, "405")[1] == "#c"


def test_a_login_after_the_welcome_brings_it_back_too(keeping: Here, alice: Client) -> None:
    """By NickServ, SASL or OPER. The direct messages that wait for the account come as well."""
    keeping.account("ada", Role.ADMIN)
    for name in ("una", "ada"):
        client = keeping.member(name)
        client.say("JOIN #a")
        client.vanish()
    alice.say("PRIVMSG una :psst")
    guest = keeping.connect("guest")
    sent = guest.ask(f"NS IDENTIFY una :{PASSWORD}")
    assert joined(sent, "guest") == ["#a"]
    assert "psst" in sent[-1] + sent[1]
    assert joined(keeping.connect("boss").ask(f"OPER ada :{PASSWORD}"), "boss") == ["#a"]


def test_the_channels_of_a_guest_that_logs_in_are_those_of_the_account(keeping: Here, alice: Client) -> None:
    """It was in them before it had an account."""
    keeping.account("una")
    guest = keeping.connect("guest")
    guest.say("JOIN #a", f"NS IDENTIFY una :{PASSWORD}")
    guest.vanish()
    assert joined(come_back(keeping)[1]) == ["#a"]


def test_a_disabled_account_loses_its_places(keeping: Here, alice: Client) -> None:
    """The user goes on as a guest, and the account begins anew when it is enabled."""
    una = keeping.member("una")
    una.say("JOIN #a")
    keeping.disable("una")
    account = keeping.stores.accounts.get("una")
    keeping.apply_account(keeping.stores.accounts.set_disabled(account.id, False, SHELL).id)
    una.vanish()
    assert joined(come_back(keeping)[1]) == []


def test_operators_by_account_are_operators_again(keeping: Here, alice: Client) -> None:
    """Alice founded the channel; una holds it open meanwhile."""
    una = keeping.member("una")
    una.say("JOIN #a")
    alice.vanish()
    una.read()
    alice, _ = come_back(keeping, "alice")
    assert f":{SERVER} MODE #a +o alice" in una.read()


def test_a_connection_in_clear_does_not_come_back_to_a_channel_for_tls(keeping: Here) -> None:
    """It is answered as a JOIN would be. By TLS the account comes back all the same."""
    una = keeping.member("una", secure=True)
    una.say("JOIN #safe", "MODE #safe +z")
    una.vanish()
    una, sent = come_back(keeping)
    assert "489" in verbs(sent) and channels_of(una) == set()
    una.vanish()
    assert channels_of(keeping.member("una", secure=True)) == {"#safe"}
