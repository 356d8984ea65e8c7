"""Accounts that are always on: their users stay in their channels while none of their devices is connected."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.session_client import Client
from harness.world import PASSWORD, SHELL, Here, change_settings, params_of, verbs

from chatroom.chat.people.user import NO_DEVICE
from chatroom.chat.stored.records import Role


def switch(here: Here, name: str = "una", *, on: bool = True) -> None:
    """Switch it from the shell."""
    account_id = here.stores.accounts.get(name).id
    here.apply_account(here.stores.accounts.set_always_on(account_id, on, 10, SHELL).id)


@pytest.fixture
def una(keeping: Here) -> Client:
    """An account that is always on and in a channel, which alice founded."""
    keeping.member("alice", caps="away-notify").say("JOIN #a")
    una = keeping.member("una")
    una.say("JOIN #a")
    assert "You stay" in una.ask("PRIVMSG NickServ :SET ALWAYS-ON on")[0]
    return una


def alice_of(here: Here) -> Client:
    """The client that founded the channel."""
    [client] = [each for each in here.clients.values() if each.session in here.user("alice").sessions]
    client.read()
    return client


def back(here: Here, nick: str = "una", caps: str = "") -> tuple[Client, list[str]]:
    """Connect anew; the client, and all that it read."""
    client = here.open()
    client.say("CAP LS 302", *([f"CAP REQ :{caps}"] if caps else []), f"PASS :una:{PASSWORD}")
    client.say(f"NICK {nick}", "USER u 0 * :U", "CAP END")
    return client, client.read()


@pytest.mark.parametrize("line", ["QUIT :bye", ""])
def test_the_user_stays_and_is_away(keeping: Here, una: Client, line: str) -> None:
    """The others read AWAY and no QUIT. WHO, WHOIS, NAMES and MONITOR show the user; there is no address."""
    alice = alice_of(keeping)
    una.say(line) if line else una.vanish()
    assert [" AWAY " in each for each in alice.read()] == [True]
    assert keeping.user("una").sessions == []
    assert params_of(alice.ask("WHOIS una"), "301")[-1] == NO_DEVICE
    assert "una" in params_of(alice.ask("NAMES #a"), "353")[-1]
    assert params_of(alice.ask("WHO una"), "352")[6] == "G"
    assert "730" in verbs(alice.ask("MONITOR + una"))
    assert "303" in verbs(alice.ask("ISON una"))
    admin = keeping.admin()
    for asked in ("WHO una %tcuihsnfdlaor", "WHOIS una", "WHO *", "UBAN INFO una", "LUSERS", "USERHOST una"):
        assert "400" not in verbs(admin.ask(asked))


def test_what_was_missed_is_shown_at_the_next_login(keeping: Here, una: Client) -> None:
    """JOIN, then what the channel and others said meanwhile. The others read that the user is back, and no JOIN."""
    una.vanish()
    alice = alice_of(keeping)
    alice.say("PRIVMSG #a :in the channel", "PRIVMSG una :to you")
    assert params_of(alice.ask("PRIVMSG una :again"), "301")[-1] == NO_DEVICE
    una, sent = back(keeping)
    assert [line.rpartition(" ")[2] for line in sent if " PRIVMSG " in line and "#a" in line] == ["channel"]
    assert sum(" PRIVMSG una :" in line for line in sent) == 2
    assert sum(" JOIN #a" in line for line in sent) == 1
    assert verbs(alice.read())[-1] == "AWAY" and keeping.user("una").away is None
    una.vanish()
    assert not any(" PRIVMSG " in line for line in back(keeping)[1])


def test_a_message_that_nobody_would_read_is_refused(make_here: Callable[..., Here]) -> None:
    """Without a history, as to an account that is not connected. What a client says by itself is not answered."""
    here = make_here()
    una = here.member("una")
    switch(here)
    una.vanish()
    alice = here.member("alice", caps="message-tags")
    assert verbs(alice.ask("PRIVMSG una :hello")) == ["531"]
    assert alice.ask("@+typing=active TAGMSG una", "NOTICE una :hello") == []


def test_it_survives_a_restart(keeping: Here, una: Client) -> None:
    """With its channels, host, real name, modes and away message; not with channels that it had left."""
    una.say("JOIN #b", "PART #b", "MODE una +iB", "AWAY :gone fishing", "SETNAME :Una the Wise")
    prefix = una.prefix
    keeping.restart()
    user = keeping.user("una")
    assert (user.prefix, user.realname, user.away) == (prefix, "Una the Wise", "gone fishing")
    assert user.bot and user.invisible and user.sessions == []
    assert [channel.name for channel in user.channels] == ["#a"]
    alice = keeping.connect("alice", login="alice")
    assert "una" in " ".join(alice.ask("NAMES #a"))
    una, sent = back(keeping)
    assert sum(" JOIN #a" in line for line in sent) == 1
    assert una.user is user and user.away == "gone fishing"


def test_a_restart_keeps_what_was_missed_before(keeping: Here, una: Client) -> None:
    """The account has read nothing since its last device disconnected."""
    una.vanish()
    alice_of(keeping).say("PRIVMSG #a :missed")
    keeping.restart()
    assert any(line.endswith("missed") for line in back(keeping)[1])


@pytest.mark.parametrize("end", ["KILL una :rude", "UBAN ADD una"])
def test_an_operator_ends_it(keeping: Here, una: Client, end: str) -> None:
    """The user quits, and stays away from its channels after the next login."""
    una.vanish()
    alice = alice_of(keeping)
    answer = keeping.moderator().ask(end)
    assert verbs(alice.read()) == ["QUIT"], answer
    assert keeping.world.find_user("una") is None
    keeping.restart()
    assert (keeping.world.find_user("una") is None) == end.startswith("UBAN")


@pytest.mark.parametrize(
    "target, ends", [("FORCE 10.0.0.0/24 1h", True), ("FORCE 10.0.0.1 1h", True), ("10.0.1.1", False)]
)
def test_a_ban_of_the_last_address_ends_it(keeping: Here, una: Client, target: str, ends: bool) -> None:
    """As it would have ended the connection a moment before. An admin stays."""
    ada = keeping.admin()
    switch(keeping, "ada")
    ada.vanish()
    una.vanish()
    moderator = keeping.moderator(address="192.0.2.1")
    moderator.say(f"UBAN ADD {target}")
    assert (keeping.world.find_user("una") is None) == ends
    assert keeping.world.find_user("ada") is not None


def test_who_bans_an_absent_user_reads_that_it_is_gone(keeping: Here, una: Client) -> None:
    """It has no connection to count. The shell asks the daemon for those users."""
    vera = keeping.member("vera")
    switch(keeping, "vera")
    moderator, root = keeping.moderator(address="192.0.2.1", caps="standard-replies"), keeping.control()
    assert "ABSENT" not in " ".join(root.ask("ABSENT"))
    una.vanish()
    una_at = keeping.user("una").former_addresses[-1]
    assert f"NOTE ABSENT una {keeping.user('una').username} {una_at} una user" in root.ask("ABSENT")[0]
    assert moderator.ask("UBAN ADD una 1h")[-1].endswith(":1 absent user removed")
    assert moderator.ask("UBAN ADD vera 1h")[-1].endswith(":1 user disconnected")
    assert vera.closed and "ABSENT" not in " ".join(root.ask("ABSENT"))


def test_a_moderator_cannot_end_an_admin(keeping: Here) -> None:
    """The rank is that of the account, connected or not."""
    ada = keeping.admin()
    switch(keeping, "ada")
    ada.vanish()
    assert "481" in verbs(keeping.moderator().ask("KILL ada"))
    assert not keeping.user("ada").is_operator


@pytest.mark.parametrize("end", ["disable", "delete", "off"])
def test_a_change_of_the_account_ends_it(keeping: Here, una: Client, end: str) -> None:
    """From the shell, at once."""
    una.vanish()
    alice = alice_of(keeping)
    if end == "off":
        switch(keeping, on=False)
    else:
        getattr(keeping, end)("una")
    assert verbs(alice.read()) == ["QUIT"]
    keeping.restart()
    assert keeping.world.find_user("una") is None


def test_a_kick_takes_it_out_of_the_channel(keeping: Here, una: Client) -> None:
    """After a restart too. A ban that was set meanwhile keeps it out at the start."""
    alice = alice_of(keeping)
    una.say("JOIN #b")
    alice.say("JOIN #c")
    una.say("JOIN #c")
    una.vanish()
    alice.say("KICK #a una", "MODE #c +b una!*@*")
    keeping.restart()
    assert [channel.name for channel in keeping.user("una").channels] == ["#b"]


def test_another_nick_takes_the_user_over(keeping: Here, una: Client) -> None:
    """The account logs in under another nick: it is the same user, under that nick."""
    una.vanish()
    alice = alice_of(keeping)
    una, sent = back(keeping, "una_phone")
    assert verbs(alice.read()) == ["NICK", "AWAY"]
    assert sum(" JOIN #a" in line for line in sent) == 1
    assert keeping.world.find_user("una") is None


def test_another_nick_is_no_way_around_a_mute(keeping: Here, una: Client) -> None:
    """The session joins the user and reads in 001 that the nick has stayed."""
    una.vanish()
    alice_of(keeping).say("MODE #a +b ~m:una!*@*")
    una, sent = back(keeping, "una_phone")
    assert params_of(sent, "001")[0] == una.user.nick == "una"


def test_nobody_else_gets_the_nick(keeping: Here, una: Client) -> None:
    """Without ``accounts.share_nick`` the owner does all the same."""
    una.vanish()
    keeping.world.settings = change_settings(keeping.world.settings, accounts={"share_nick": False})
    assert "433" in verbs(keeping.connect("eve").ask("NICK una"))
    una, sent = back(keeping)
    assert "001" in verbs(sent)
    other = keeping.open()
    assert "433" in verbs(other.ask(f"PASS :una:{PASSWORD}", "NICK una", "USER u 0 * :U"))


def test_a_guest_that_logs_in_takes_its_place(keeping: Here, una: Client) -> None:
    """The user without a device quits, and the guest comes into its channels. It may then have the nick."""
    una.vanish()
    alice_of(keeping).say("PRIVMSG #a :missed")
    guest = keeping.connect("guest")
    sent = guest.ask(f"NS IDENTIFY una :{PASSWORD}")
    assert " JOIN #a" in " ".join(sent) and any(line.endswith("missed") for line in sent)
    guest.say("NICK una")
    assert guest.user.nick == "una"
    guest.vanish()
    assert keeping.user("una").sessions == []


def test_one_user_of_an_account_stays(keeping: Here, una: Client) -> None:
    """Of several nicks, the last one that is there."""
    other = keeping.connect("una2", login="una")
    una.vanish()
    assert keeping.world.find_user("una") is None
    other.vanish()
    assert keeping.user("una2").sessions == []


def test_a_device_without_a_person_leaves_it_away(keeping: Here, una: Client) -> None:
    """IRCv3 pre-away."""
    una.vanish()
    client = keeping.open()
    client.say("CAP REQ :draft/pre-away", f"PASS :una:{PASSWORD}", "AWAY *", "NICK una", "USER u 0 * :U", "CAP END")
    assert keeping.user("una").away == NO_DEVICE
    client.say("AWAY")
    assert keeping.user("una").away is None


def test_it_is_bounded(make_here: Callable[..., Here]) -> None:
    """``accounts.always_on_max``; 0 switches it off."""
    here = make_here(accounts={"always_on_max": 1})
    una, vera = here.member("una"), here.member("vera")
    una.say("NS SET ALWAYS-ON on")
    assert "1 accounts are always on already" in " ".join(vera.ask("NS SET ALWAYS-ON on"))
    assert "You leave" in vera.ask("NS SET ALWAYS-ON off")[0]
    here.world.settings = change_settings(here.world.settings, accounts={"always_on_max": 0})
    una.vanish()
    assert here.world.find_user("una") is None
    here.restart()
    assert here.world.find_user("una") is None


def test_it_is_switched_from_chat(keeping: Here, una: Client) -> None:
    """A guest has no account; other words are refused. The audit has it, and INFO tells the owner."""
    assert "not logged in" in keeping.connect("eve").ask("NS SET ALWAYS-ON on")[0]
    assert "on, or off" in una.ask("NS SET ALWAYS-ON maybe")[0]
    assert any("Always on: yes" in line for line in una.ask("NS INFO"))
    una.say("NS SET ALWAYS-ON off")
    una.vanish()
    assert keeping.world.find_user("una") is None
    assert [entry.detail for entry in keeping.stores.audit.list_entries(target="una")][-2:] == ["on", "off"]


def test_the_other_devices_are_told(keeping: Here, una: Client) -> None:
    """They read the change once, and the one that has made it reads its answer alone."""
    other = back(keeping)[0]
    una.read()
    assert "You leave" in "".join(una.ask("NS SET ALWAYS-ON off"))
    assert "You leave" in "".join(other.read())
    assert len(una.ask("NS SET ALWAYS-ON on")) == len(other.read()) == 1


def test_an_account_that_was_never_there_is_not_shown(keeping: Here) -> None:
    """It was switched on from the shell. It stays from its first visit on."""
    keeping.account("una", Role.USER)
    switch(keeping)
    keeping.restart()
    assert keeping.world.find_user("una") is None
    keeping.connect("una", login="una").vanish()
    keeping.restart()
    assert keeping.user("una").sessions == []


def test_an_account_called_nickserv_is_not_shown(keeping: Here) -> None:
    """No user has that nick."""
    keeping.account("NickServ")
    switch(keeping, "NickServ")
    keeping.connect("una", login="NickServ").vanish()
    keeping.restart()
    assert keeping.world.users == {}


def test_a_connection_in_clear_does_not_get_the_channels_for_tls(keeping: Here) -> None:
    """Under the nick it is refused; under another one it is a user of its own. The user itself stays in them."""
    una = keeping.member("una", secure=True)
    switch(keeping)
    una.say("JOIN #safe")
    una.vanish()
    tess = keeping.connect("tess", secure=True)
    tess.say("JOIN #safe")
    keeping.admin(secure=True).say("MODE #safe +z")
    assert "z" in keeping.channel("#safe").flags
    assert "001" not in verbs(back(keeping)[1])
    other, sent = back(keeping, "una_phone")
    assert " JOIN #safe" not in " ".join(sent) and other.user is not keeping.user("una")
    keeping.restart()
    assert [channel.name for channel in keeping.user("una").channels] == ["#safe"]
