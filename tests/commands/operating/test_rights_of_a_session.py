"""Rights are those of one session: what OPER has proved on one device, and MODE -o, do not reach the user's others."""

from __future__ import annotations

import pytest
from harness.session_client import Client
from harness.world import PASSWORD, SERVER, Here, params_of, sasl_plain, verbs

from chatroom.chat.stored.records import Role


def two_devices(here: Here) -> tuple[Client, Client]:
    """Connect una, who has a plain account, by two devices. ``boss`` is the account of an admin."""
    here.account("boss", Role.ADMIN)
    phone, laptop = here.member(address="10.0.0.1"), here.member(address="10.0.0.2")
    assert phone.user is laptop.user
    here.forget_unread()
    return phone, laptop


def test_oper_counts_for_its_device_only(here: Here) -> None:
    """The other device has no rights and reads nothing; the user keeps the account."""
    phone, laptop = two_devices(here)
    bob = here.connect("bob")
    here.forget_unread()
    sent = phone.ask(f"OPER boss :{PASSWORD}")
    assert sent[-2:] == [f":{SERVER} MODE una +o", f":{SERVER} 381 una :You are now an operator of this server"]
    assert "900" not in verbs(sent)
    assert laptop.read() == []
    assert phone.user.account_name == "una"
    for line in ("KILL bob :x", "UBAN LIST", "WALLOPS :x", "REHASH"):
        assert verbs(laptop.ask(line)) == ["481"]
    assert here.world.find_user("bob") is not None
    assert laptop.ask("MODE una") == [f":{SERVER} 221 una +"]
    assert phone.ask("MODE una") == [f":{SERVER} 221 una +o"]
    phone.say("KILL bob :x")
    assert bob.closed
    assert [entry.action for entry in here.stores.audit.list_entries(actor="boss")] == ["kick"]


def test_others_see_an_operator_if_one_device_is_one(here: Here) -> None:
    """WHO, WHOIS, USERHOST, LUSERS and STATS p show the user as an operator, with the role of that device."""
    phone, laptop = two_devices(here)
    phone.say(f"OPER boss :{PASSWORD}")
    bob = here.connect("bob")
    assert params_of(bob.ask("WHO una"), "352")[6] == "H*"
    assert params_of(bob.ask("WHOIS una"), "313")[2] == "is an admin of this server"
    assert "una*=" in params_of(bob.ask("USERHOST una"), "302")[1]
    assert params_of(bob.ask("LUSERS"), "252")[1] == "1"
    assert params_of(bob.ask("STATS p"), "249")[-1] == "una (admin)"
    phone.say("QUIT")
    assert params_of(bob.ask("WHO una"), "352")[6] == "H"
    assert here.world.online.operators == {}
    assert not laptop.closed


def test_the_shell_lists_the_role_of_each_session(here: Here) -> None:
    """SESSIONS shows the rank that each device has proved."""
    phone, _ = two_devices(here)
    phone.say(f"OPER boss :{PASSWORD}")
    listed = [line.split()[8] for line in here.control().ask("SESSIONS")]
    assert listed == ["admin", "user"]


def test_stepping_down_counts_for_its_device_only(here: Here) -> None:
    """MODE -o of one device leaves the other its rights, and other users still see an operator."""
    one, two = here.admin(), here.admin()
    bob = here.connect("bob")
    here.forget_unread()
    assert one.ask("MODE ada -o+i") == [f":{one.prefix} MODE ada -o+i"]
    assert two.read() == [f":{one.prefix} MODE ada +i"]
    assert verbs(one.ask("KILL bob :x")) == ["481"]
    assert one.ask("MODE ada") == [f":{SERVER} 221 ada +i"]
    assert two.ask("MODE ada") == [f":{SERVER} 221 ada +io"]
    assert params_of(two.ask("WHO ada"), "352")[6] == "H*"
    three = here.admin()
    assert verbs(three.ask("UBAN LIST")) == ["NOTICE"]
    assert verbs(one.ask("UBAN LIST")) == ["481"]
    two.say("KILL bob :x")
    assert bob.closed


def test_oper_again_gives_the_rights_back_to_its_device_only(here: Here) -> None:
    """Each device steps up by itself."""
    one, two = here.admin(), here.admin()
    for client in (one, two):
        client.say("MODE ada -o")
    assert here.world.online.operators == {}
    here.forget_unread()
    assert f":{SERVER} MODE ada +o" in one.ask(f"OPER ada :{PASSWORD}")
    assert two.read() == []
    assert verbs(two.ask("UBAN LIST")) == ["481"]
    one.say("MODE ada -o")
    assert here.world.online.operators == {}


def test_stepping_down_ends_the_rights_by_oper(here: Here) -> None:
    """MODE -o on a device that has given OPER takes the rights of that account back, until the next OPER."""
    phone, _ = two_devices(here)
    phone.say(f"OPER boss :{PASSWORD}")
    phone.read()
    assert phone.ask("MODE una -o") == [f":{phone.prefix} MODE una -o"]
    assert verbs(phone.ask("UBAN LIST")) == ["481"]
    assert "MODE" in verbs(phone.ask(f"OPER boss :{PASSWORD}"))
    assert verbs(phone.ask("UBAN LIST")) == ["NOTICE"]


@pytest.mark.parametrize("how", ["role", "disable", "delete", "ban"])
def test_rights_by_oper_end_with_those_of_the_account(here: Here, how: str) -> None:
    """The device loses them if the account loses its role, is disabled, deleted or banned. The user stays."""
    phone, laptop = two_devices(here)
    phone.say(f"OPER boss :{PASSWORD}")
    here.forget_unread()
    if how == "role":
        here.set_role("boss", Role.USER)
    elif how == "ban":
        here.ban("boss")
    else:
        getattr(here, how)("boss")
    assert phone.read() == [
        f":{SERVER} MODE una -o",
        f":{SERVER} NOTICE una :You no longer have the rights of boss",
    ]
    assert laptop.read() == []
    assert verbs(phone.ask("UBAN LIST")) == ["481"]
    assert phone.user.account_name == "una"


def test_a_new_role_of_the_account_is_that_of_the_device(here: Here) -> None:
    """A device that gave OPER follows the account from admin to moderator."""
    phone, _ = two_devices(here)
    phone.say(f"OPER boss :{PASSWORD}")
    here.set_role("boss", Role.MODERATOR)
    assert verbs(phone.ask("REHASH")) == ["481"]
    assert verbs(phone.ask("UBAN LIST")) == ["NOTICE"]


def test_the_rank_of_a_user_is_the_highest_of_its_devices(here: Here) -> None:
    """A moderator cannot kick or ban a user with a device that has an admin's rights, but bans the other's address."""
    phone, laptop = two_devices(here)
    phone.say(f"OPER boss :{PASSWORD}", "MODE una -o", f"OPER boss :{PASSWORD}")
    mo = here.moderator(address="10.0.0.9")
    assert verbs(mo.ask("KILL una :x")) == verbs(mo.ask("UBAN ADD una")) == ["481"]
    assert verbs(mo.ask("UBAN ADD 10.0.0.1")) == ["481"]
    mo.say("UBAN ADD FORCE 10.0.0.2")
    assert (phone.closed, laptop.closed) == (False, True)


def test_what_modes_refuse_is_judged_by_the_device(here: Here) -> None:
    """In a moderated or a secret channel only the device with the rights may speak and look."""
    phone, laptop = two_devices(here)
    founder = here.member("fay")
    founder.say("JOIN #a", "MODE #a +ms")
    phone.say(f"OPER boss :{PASSWORD}")
    here.forget_unread()
    assert verbs(laptop.ask("PRIVMSG #a :x")) == ["403"]
    assert phone.ask("PRIVMSG #a :x") == []
    assert verbs(founder.read()) == ["PRIVMSG"]
    assert "353" not in verbs(laptop.ask("NAMES #a"))
    assert "353" in verbs(phone.ask("NAMES #a"))
    assert verbs(laptop.ask("MODE #a -m")) == ["403"]


def test_a_guest_with_one_device_is_logged_in_by_oper(here: Here) -> None:
    """There is no other device that the login could reach, and one that comes later has proved the account itself."""
    here.account("boss", Role.ADMIN)
    guest = here.connect("guest")
    assert "900" in verbs(guest.ask(f"OPER boss :{PASSWORD}"))
    other = here.connect("guest", login="boss")
    assert other.user is guest.user
    assert verbs(other.ask("UBAN LIST")) == ["NOTICE"]


def test_a_login_that_was_overtaken_by_another_device_is_refused(here: Here) -> None:
    """AUTHENTICATE is judged again when the account's data is read: a device may have come meanwhile."""
    here.account("boss", Role.ADMIN)
    phone = here.member(caps="sasl")
    here.holding = True
    phone.say("AUTHENTICATE PLAIN", sasl_plain("boss"))
    laptop = here.open()
    laptop.say(f"PASS :una:{PASSWORD}", "NICK una", "USER u 0 * :U")
    here.release(1)  # the phone's password is checked, then the laptop's, and then boss' data is read
    assert laptop.session.user is None
    here.release()
    assert "907" in verbs(phone.read())
    assert laptop.user is phone.user
    assert laptop.user.account_name == "una"


def test_guests_that_share_a_user_are_logged_in_by_none_of_them(here: Here) -> None:
    """After the account of two devices was deleted, neither OPER nor REGISTER of one logs the other in."""
    phone, laptop = two_devices(here)
    here.delete("una")
    here.forget_unread()
    nick = phone.user.nick
    assert "900" not in verbs(phone.ask(f"OPER boss :{PASSWORD}"))
    assert verbs(laptop.ask("UBAN LIST")) == ["481"]
    assert f"FAIL REGISTER DISALLOWED {nick}" in laptop.ask(f"REGISTER {nick} * :{PASSWORD}")[0]
    assert phone.user.account is None
