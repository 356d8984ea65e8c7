from __future__ import annotations

import pytest
from harness.world import PASSWORD, SERVER, Here, params_of, verbs

from chatroom.chat.stored.records import Role
from chatroom.irc.message import parse


def test_all_user_modes_are_set_and_shown(here: Here) -> None:
    """Each change is told, 221 lists the modes, and 004 lists all letters that exist."""
    client = here.open()
    sent = client.ask("NICK alice", "USER a 0 * :A")
    assert params_of(sent, "004")[3] == "BRTiow"
    alice = client
    for letter in "BRTiw":
        assert alice.ask(f"MODE alice +{letter}") == [f":{alice.prefix} MODE alice +{letter}"]
        assert alice.ask(f"MODE alice +{letter}") == []
    assert alice.ask("MODE alice") == [f":{SERVER} 221 alice +BRTiw"]
    assert alice.ask("MODE alice -BRTiw") == [f":{alice.prefix} MODE alice -BRTiw"]
    assert alice.ask("MODE alice") == [f":{SERVER} 221 alice +"]


def test_the_lines_of_a_bot_are_marked(here: Here) -> None:
    """All lines of a bot have the tag bot, without a value, for sessions with message-tags and for no others."""
    bot = here.connect("robo", caps="message-tags echo-message")
    tagged, plain = here.connect("tagged", caps="message-tags away-notify setname"), here.connect("plain")
    assert "bot" not in (parse(bot.ask("PRIVMSG #lobby :before")[0]).tags or {})
    bot.say("MODE robo +B", "JOIN #a")
    for client in (tagged, plain):
        client.say("JOIN #a")
    here.forget_unread()
    lines = ["PRIVMSG #a :x", "NOTICE tagged :x", "TOPIC #a :x", "MODE #a +m", "AWAY :x", "SETNAME :X"]
    bot.say(*lines, "KICK #a plain", "NICK robo2", "PART #a", "QUIT")
    read = [parse(line) for line in tagged.read()]
    assert [message.verb for message in read] == [
        *(line.split()[0] for line in lines),
        *("KICK", "NICK", "PART", "QUIT"),
    ]
    assert all((message.tags or {}).get("bot") == "" for message in read)
    assert not any("bot" in (parse(line).tags or {}) for line in plain.read())
    tagged.say("JOIN #b")
    assert "bot" not in (parse(tagged.ask("PRIVMSG tagged :x")[0]).tags or {})


def test_a_bots_echo_is_marked(here: Here) -> None:
    """The echo of a bot's message has the tag too."""
    bot = here.connect("robo", caps="message-tags echo-message")
    bot.say("MODE robo +B")
    assert (parse(bot.ask("PRIVMSG #lobby :x")[0]).tags or {})["bot"] == ""


def test_with_R_only_accounts_may_write_to_the_user(here: Here) -> None:
    """With mode R a guest's PRIVMSG and TAGMSG are 531 and its NOTICE is dropped. Accounts and the user may write."""
    alice, guest, una = here.connect("alice"), here.connect("guest", caps="message-tags"), here.member()
    alice.say("MODE alice +R")
    alice.read()
    refusal = [f":{SERVER} 531 guest alice :You must be logged in to write to this person"]
    assert guest.ask("PRIVMSG alice :hi") == refusal
    assert guest.ask("@+typing=active TAGMSG alice") == refusal
    assert guest.ask("NOTICE alice :hi") == []
    assert alice.read() == []
    una.say("PRIVMSG alice :hi", "NOTICE alice :hi")
    assert verbs(alice.read()) == ["PRIVMSG", "NOTICE"]
    assert verbs(alice.ask("PRIVMSG alice :note to self")) == ["PRIVMSG"]
    alice.say("MODE alice -R")
    alice.read()
    guest.say("PRIVMSG alice :hi")
    assert verbs(alice.read()) == ["PRIVMSG"]


def test_wallops_are_for_users_with_w(here: Here) -> None:
    """All users with +w read WALLOPS once, the sender too. 481 without the rights, 461 without a text."""
    mo, alice, bob = here.moderator(), here.connect("alice"), here.connect("bob")
    for client in (mo, alice):
        client.say(f"MODE {client.user.nick} +w")
    here.forget_unread()
    told = [f":{mo.prefix} WALLOPS :fire drill"]
    assert mo.ask("WALLOPS :fire drill") == told
    assert alice.read() == told and bob.read() == []
    assert verbs(alice.ask("WALLOPS :x")) == ["481"]
    for line in ("WALLOPS", "WALLOPS :"):
        assert verbs(mo.ask(line)) == ["461"]
    mo.say("CAP REQ :labeled-response batch")
    assert mo.ask("@label=x WALLOPS :again") == [f"@label=x :{mo.prefix} WALLOPS :again"]


@pytest.mark.parametrize("line", ["MODE alice +x", "MODE alice +ix", "MODE alice -X+i"])
def test_an_unknown_mode(here: Here, line: str) -> None:
    """The known letters of the line are set and told; then comes one 501."""
    alice = here.connect("alice")
    sent = alice.ask(line)
    assert verbs(sent) == (["MODE", "501"] if "i" in line.split()[-1] else ["501"])


def test_an_operator_may_step_down(here: Here) -> None:
    """-o removes the rights until the next OPER. +o does nothing."""
    ada, bob = here.admin(), here.connect("bob")
    assert ada.ask("MODE ada -o") == [f":{ada.prefix} MODE ada -o"]
    assert ada.ask("MODE ada", "MODE ada +o", "MODE ada -o") == [f":{SERVER} 221 ada +"]
    assert verbs(ada.ask("KILL bob :x")) == verbs(ada.ask("WALLOPS :x")) == ["481"]
    assert params_of(bob.ask("WHO ada"), "352")[6] == "H"
    assert "313" not in verbs(bob.ask("WHOIS ada")) and params_of(bob.ask("LUSERS"), "252")[1] == "0"
    assert {"MODE", "381"} <= set(verbs(ada.ask(f"OPER ada :{PASSWORD}")))
    assert ada.ask("MODE ada") == [f":{SERVER} 221 ada +o"]
    ada.say("KILL bob :x")
    assert bob.closed


def test_a_second_device_is_an_operator_though_the_first_has_stepped_down(here: Here) -> None:
    """Rights are those of a session, and the user is counted and listed among the operators again."""
    ada, bob = here.admin(), here.connect("bob")
    ada.say("MODE ada -o")
    here.admin()
    assert params_of(bob.ask("LUSERS"), "252")[1] == "1"
    assert any(" ada " in line or ":ada" in line for line in bob.ask("STATS p"))


def test_another_role_makes_an_operator_again(here: Here) -> None:
    """A user who removed +o has it again after the account is given another role."""
    mo = here.moderator()
    mo.say("MODE mo -o")
    mo.read()
    here.set_role("mo", Role.ADMIN)
    assert f":{SERVER} MODE mo +o" in mo.read()
    here.set_role("mo", Role.USER)
    assert f":{SERVER} MODE mo -o" in mo.read()


def test_user_modes_are_shown_and_set(here: Here) -> None:
    """221 shows the user's own modes. 502 for another user's, 501 for an unknown letter."""
    alice = here.connect("alice")
    here.connect("bob")
    assert alice.ask("MODE alice") == [f":{SERVER} 221 alice +"]
    assert alice.ask("MODE Alice +iw") == [f":{alice.prefix} MODE alice +iw"]
    assert alice.ask("MODE alice +i") == []
    assert alice.ask("MODE alice") == [f":{SERVER} 221 alice +iw"]
    assert here.world.online.invisible == 1
    assert alice.ask("MODE alice -i+X") == [f":{alice.prefix} MODE alice -i", f":{SERVER} 501 alice :Unknown MODE flag"]
    assert alice.ask("MODE bob") == [f":{SERVER} 502 alice :Can't change mode for other users"]
    assert alice.ask("MODE nobody") == [f":{SERVER} 401 alice nobody :No such nick/channel"]


def test_a_user_cannot_become_an_operator_by_mode(here: Here) -> None:
    """A user's MODE +o is ignored."""
    alice = here.connect("alice")
    assert alice.ask("MODE alice +o") == []
    assert alice.user.modes == "+"
    assert here.world.online.operators == {}


def test_user_modes_are_the_same_for_all_sessions(here: Here) -> None:
    """The user's other sessions read a change of user modes."""
    phone, laptop = here.member(), here.member()
    phone.say("MODE una +i")
    assert laptop.read() == [f":{phone.prefix} MODE una +i"]
