"""NickServ: the service for accounts, as the verbs NICKSERV and NS and as a nick to write to."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from harness.session_client import Client
from harness.verifiers import find_verifier
from harness.world import PASSWORD, SHELL, Here, params_of, verbs

from chatroom.chat.admission import passwords
from chatroom.chat.admission.credentials import make_credentials
from chatroom.chat.stored.records import Role
from chatroom.storage.sql.history_archive import read_all

SERVICE = "NickServ!services@chatroom.local"
SECRET = "hunter22"


def said(lines: list[str]) -> list[str]:
    """The texts of the service's notices among some lines."""
    return [
        line.partition(f":{SERVICE} NOTICE ")[2].partition(" :")[2] for line in lines if f":{SERVICE} NOTICE " in line
    ]


def ways(*words: str) -> Iterator[str]:
    """The lines that say the same to the service in each way."""
    yield f"PRIVMSG NickServ :{' '.join(words)}"
    yield f"PRIVMSG nickserv :{' '.join(words)}"
    yield " ".join(["NICKSERV", *words])
    yield " ".join(["ns", *words])
    yield f"NS :{' '.join(words)}"


def holds(here: Here, name: str, password: str) -> bool:
    """True if the password is the account's."""
    return passwords.verify(password, find_verifier(here.stores, name), 4)


def test_register_by_each_way(here: Here) -> None:
    """The user is logged in to a new account with the name of the nick, and the service says so."""
    for number, line in enumerate(ways("REGISTER", SECRET)):
        client = here.connect(f"alice{number}")
        sent = client.ask(line)
        assert said(sent) == [f"alice{number} is registered and you are logged in"]
        assert "900" in verbs(sent)
        assert "REGISTER" not in verbs(sent) and "FAIL" not in verbs(sent)
        assert client.user.account_name == f"alice{number}"
        assert holds(here, f"alice{number}", SECRET)


def test_register_is_judged_like_the_verb(make_here: Callable[..., Here]) -> None:
    """What REGISTER refuses by FAIL, the service refuses by a notice."""
    here = make_here(accounts={"email_required": True})
    client = here.connect("alice")
    for words, text in (
        ("REGISTER abc a@example.org", "at least 4 characters"),
        (f"REGISTER {SECRET}", "needs your mail address"),
        (f"REGISTER {SECRET} nonsense", "not a mail address"),
    ):
        sent = client.ask(f"PRIVMSG NickServ :{words}")
        assert text in said(sent)[0] and len(sent) == 1
    client.say(f"NS REGISTER {SECRET} a@example.org")
    assert here.stores.accounts.find_email(here.stores.accounts.get("alice").id) == "a@example.org"
    assert "already logged in" in said(client.ask(f"NS REGISTER {SECRET} a@example.org"))[0]


def test_the_verb_takes_a_password_with_spaces(here: Here) -> None:
    """A message is cut into words: then the service says how to send such a password."""
    client = here.connect("alice")
    client.say("NS REGISTER :open sesame")
    assert holds(here, "alice", "open sesame")
    guest = here.connect("bob")
    refused = said(guest.ask("PRIVMSG NickServ :IDENTIFY alice open sesame"))
    assert any("behind a colon" in line for line in refused)
    assert guest.user.account is None
    guest.say("NS IDENTIFY alice :open sesame")
    assert guest.user.account_name == "alice"


def test_identify_by_each_way(here: Here) -> None:
    """A guest is logged in, reads 900 and the service's notice; neighbours read ACCOUNT."""
    here.account("una", password=SECRET)
    neighbour = here.connect("bob", caps="account-notify")
    for number, line in enumerate(ways("IDENTIFY", "una", SECRET)):
        client = here.connect(f"guest{number}")
        neighbour.read()
        sent = client.ask(line)
        assert verbs(sent) == ["900", "NOTICE"]
        assert said(sent) == ["You are now logged in as una"]
        assert client.user.account_name == "una"
        assert f":{client.prefix} ACCOUNT una" in neighbour.read()


def test_identify_without_a_name_means_the_nick(here: Here) -> None:
    """It is what clients send by themselves."""
    una = here.member("una")
    assert said(una.ask(f"NS IDENTIFY :{PASSWORD}")) == ["You are now logged in as una"]


def test_identify_gives_an_admin_the_rights(here: Here) -> None:
    """As a login by SASL does."""
    here.account("ada", Role.ADMIN, SECRET)
    client = here.connect("guest")
    assert "MODE" in verbs(client.ask(f"PRIVMSG NickServ :IDENTIFY ada {SECRET}"))
    assert client.user.is_operator


def test_a_wrong_password_is_refused_and_slowed(make_here: Callable[..., Here]) -> None:
    """Known and unknown names get one answer. Tries count as those by SASL do."""
    here = make_here(limits={"enabled": True, "login_tries": 100})
    here.account("una", password=SECRET)
    client = here.connect("eve")
    answers = {tuple(said(client.ask(f"PRIVMSG NickServ :IDENTIFY {name} wrong"))) for name in ("una", "nobody")}
    assert answers == {("Password incorrect: wrong name or password",)}
    for _ in range(4):
        client.say("PRIVMSG NickServ :IDENTIFY una wrong")
    assert here.delays_ms[-1] >= 2000
    assert client.user.account is None


def test_a_disabled_or_banned_account_is_refused(here: Here) -> None:
    """The answer is the reason, and not a wrong password."""
    here.account("una", password=SECRET, disabled=True)
    here.account("vera", password=SECRET)
    client = here.connect("eve")
    here.ban("vera", "noise")
    assert said(client.ask(f"NS IDENTIFY una {SECRET}")) == ["This account is disabled"]
    assert said(client.ask(f"NS IDENTIFY vera {SECRET}"))[0].startswith("You are banned")


def test_identify_does_not_speak_for_another_device(here: Here) -> None:
    """The other session would be logged in to an account that it proved nothing of."""
    here.account("ada", Role.ADMIN, SECRET)
    here.member("una")
    second = here.connect("una", login="una")
    assert "other devices" in said(second.ask(f"NS IDENTIFY ada {SECRET}"))[0]
    assert second.user.account_name == "una"


def test_set_password(here: Here) -> None:
    """The new password holds and the old one does not. A guest is refused, and a weak password too."""
    una = here.member("una")
    assert "not logged in" in said(here.connect("eve").ask(f"NS SET PASSWORD {SECRET}"))[0]
    assert "at least" in said(una.ask("NS SET PASSWORD abc"))[0]
    for line, password in (
        (f"PRIVMSG NickServ :set password {SECRET}", SECRET),
        ("NS SET PASSWORD :two words", "two words"),
    ):
        assert said(una.ask(line)) == ["Your password is changed"]
        assert holds(here, "una", password) and not holds(here, "una", PASSWORD)
    assert [entry.action for entry in here.stores.audit.list_entries(actor="una")] == ["user.passwd"] * 2


def test_an_opers_password_is_not_weak(here: Here) -> None:
    """An admin or a moderator is refused a weak password with the reason; a user may have it."""
    for client, reads in ((here.moderator(), "most common"), (here.admin(), "most common"), (here.member(), "changed")):
        assert reads in said(client.ask("NS SET PASSWORD password123"))[0]


def test_set_password_is_not_for_an_account_that_was_disabled_meanwhile(here: Here) -> None:
    """The hash takes a while. Then the session is looked at again."""
    una = here.member("una")
    here.holding = True
    una.say(f"NS SET PASSWORD {SECRET}")
    here.disable("una")
    here.holding = False
    here.release()
    assert "no longer logged in" in said(una.read())[-1]
    assert not holds(here, "una", SECRET)


def test_set_password_does_not_take_back_an_account_whose_password_was_just_changed(here: Here) -> None:
    """The shell has given it to its owner, and the world does not know yet that the thief's password is the old one."""
    thief = here.member("una")
    owner = make_credentials("the owner's", here.world.settings.accounts)
    here.stores.accounts.set_credentials(here.stores.accounts.get("una").id, owner, SHELL)
    assert "was changed just now" in said(thief.ask(f"NS SET PASSWORD {SECRET}"))[-1]
    assert holds(here, "una", "the owner's") and not holds(here, "una", SECRET)


def test_info(here: Here) -> None:
    """Everybody reads when an account was registered; its owner and moderators read more. Registering is a login."""
    client = here.connect("alice")
    client.say(f"NS REGISTER {SECRET} a@example.org")
    own = said(client.ask("PRIVMSG NickServ :INFO"))
    assert any(line.startswith("Last login at: 20") for line in own)
    assert any("a@example.org" in line for line in own)
    others = said(here.connect("eve").ask("NS INFO ALICE"))
    assert "alice is registered, as a user" in others
    assert not any("example.org" in line for line in others)
    assert any("a@example.org" in line for line in said(here.moderator().ask("NS INFO alice")))
    assert said(client.ask("NS INFO nobody")) == ["nobody is not registered"]


def test_saregister(here: Here) -> None:
    """An admin makes an account for another user; a guest who has the nick loses it."""
    guest, ada = here.connect("bob"), here.admin()
    assert said(here.moderator().ask(f"NS SAREGISTER bob {SECRET}")) == ["SAREGISTER is for admins"]
    assert said(ada.ask(f"PRIVMSG NickServ :SAREGISTER bob {SECRET}")) == ["bob is registered"]
    assert holds(here, "bob", SECRET)
    assert guest.user.nick != "bob"
    assert ada.user.account_name == "ada"
    assert [entry.actor for entry in here.stores.audit.list_entries(target="bob")] == ["ada"]
    for words, text in (
        (f"bob {SECRET}", "already registered"),
        (f"b@b {SECRET}", "cannot be the name"),
        (f"ChanServ {SECRET}", "reserved"),
        (f"carl {SECRET} nonsense", "not a mail address"),
        ("carl abc", "at least 4"),
    ):
        assert text in said(ada.ask(f"NS SAREGISTER {words}"))[0]


def test_help_lists_what_the_reader_may_use(here: Here) -> None:
    """Without a command it is the help, too. An unknown command is not repeated: it may be a password."""
    guest = here.connect("eve")
    for line in ("NS", "NS HELP", "PRIVMSG NickServ :help", "PRIVMSG NickServ : "):
        listed = " ".join(said(guest.ask(line)))
        assert "SET PASSWORD" in listed and "SAREGISTER" not in listed
    assert said(guest.ask("NS HELP IDENTIFY")) == ["IDENTIFY [<account>] <password>: logs you in"]
    assert "SAREGISTER" in " ".join(said(here.admin().ask("NS HELP")))
    unknown = said(guest.ask(f"PRIVMSG NickServ :{SECRET}"))
    assert "no such command" in unknown[0] and SECRET not in unknown[0]


@pytest.mark.parametrize("line", ["NOTICE NickServ :HELP", "TAGMSG NickServ", "PRIVMSG NickServ :\x01VERSION\x01"])
def test_only_a_message_is_a_command(here: Here, line: str) -> None:
    """Two programs must not answer each other, and a client that says it is typing must not read an error."""
    assert here.connect("eve", caps="message-tags").ask(line) == []


@pytest.mark.parametrize("targets", ["NickServ,bob", "bob,nickserv", "#lobby,NICKSERV,bob", "NickServ,NickServ"])
@pytest.mark.parametrize("verb", ["PRIVMSG", "NOTICE", "@label=1 PRIVMSG", "BATCH"])
def test_nickserv_is_written_to_alone(make_here: Callable[..., Here], targets: str, verb: str) -> None:
    """Beside another target the whole line is refused: it may hold a password, which the other one must not read."""
    here = make_here(keeping=True)
    caps = "batch draft/multiline message-tags labeled-response echo-message"
    bob, una = here.member("bob"), here.member("una", caps=caps)
    bob.read()
    lines = [f"{verb} {targets} :IDENTIFY {SECRET}"]
    if verb == "BATCH":
        lines = [f"BATCH +1 draft/multiline {targets}", f"@batch=1 PRIVMSG {targets} :IDENTIFY {SECRET}", "BATCH -1"]
    answer = una.ask(*lines)
    # A NOTICE is refused silently, as everywhere.
    assert verbs(answer) == ([] if verb == "NOTICE" else ["407"])
    known = repr([answer, bob.read(), here.world.log_lines, list(read_all(here.stores.database))])
    assert SECRET not in known and "IDENTIFY" not in known


def test_a_multiline_message_is_no_command(here: Here) -> None:
    """Its lines are not several commands."""
    eve = here.connect("eve", caps="batch draft/multiline message-tags")
    open_, close = "BATCH +1 draft/multiline NickServ", "BATCH -1"
    lines = [f"@batch=1 PRIVMSG NickServ :{text}" for text in ("HELP", "HELP")]
    assert "One line" in said(eve.ask(open_, *lines, close))[0]


def client_with(here: Here, caps: str) -> Client:
    """A logged-in client that reads echoes."""
    return here.member("una", caps=caps)


def test_no_password_reaches_anything_that_is_stored_or_shown(make_here: Callable[..., Here]) -> None:
    """Other devices and users, the echo, the log, the audit and the history have none of it."""
    here = make_here(keeping=True)
    here.account("NickServ")  # made from the shell: messages must not be left for it
    una = here.member("una", caps="echo-message batch labeled-response message-tags")
    device, ada, bob = here.connect("una", login="una"), here.admin(caps="echo-message"), here.connect("bob")
    for client in (una, device, ada, bob):
        client.read()
    una.say(f"@label=1 PRIVMSG NickServ :SET PASSWORD {SECRET}", f"PRIVMSG NickServ :IDENTIFY una {SECRET}")
    una.say(f"PRIVMSG NickServ :{SECRET}", f"PRIVMSG NickServ :IDENTIFY {SECRET} una")
    ada.say(f"PRIVMSG NickServ :SAREGISTER carl {SECRET}")
    bob.say(f"PRIVMSG NickServ :REGISTER {SECRET}x")
    echoed = una.read()
    assert f":{una.prefix} PRIVMSG NickServ :IDENTIFY" in [line.partition(" ")[2] for line in echoed] + echoed
    known = " ".join([*device.read(), *ada.read(), *bob.read(), *here.world.log_lines])
    known += repr(here.stores.audit.list_entries()) + repr(list(read_all(here.stores.database)))
    assert SECRET not in known
    assert SECRET not in " ".join(line for line in echoed if "IDENTIFY" in line or "SET" in line)
    assert holds(here, "una", SECRET)


def test_a_labelled_command_is_answered_as_a_whole(here: Here) -> None:
    """The notices that come after a worker's job carry the label, too."""
    here.account("una", password=SECRET)
    client = here.connect("eve", caps="batch labeled-response")
    sent = client.ask(f"@label=7 NS IDENTIFY una {SECRET}")
    assert sent[0].startswith("@label=7 ") and verbs(sent) == ["BATCH", "900", "NOTICE", "BATCH"]


@pytest.mark.parametrize("name", ["NickServ", "NICKSERV", "Niсkserv"])
def test_nobody_has_the_nick_whatever_is_reserved(make_here: Callable[..., Here], name: str) -> None:
    """A user of that nick, or of one that looks like it, would be sent passwords. An account cannot have it either."""
    here = make_here(accounts={"reserved_names": ()})
    here.account("NickServ")
    for client in (here.connect("eve"), here.connect("other", login="NickServ")):
        assert verbs(client.ask(f"NICK {name}")) == ["433", "FAIL"]
    client = here.open()
    assert "001" not in verbs(client.ask(f"PASS :NickServ:{PASSWORD}", f"NICK {name}", "USER u 0 * :U"))
    assert here.world.find_user(name) is None


def test_clients_that_ask_find_the_service(here: Here) -> None:
    """Some clients write to NickServ only if it is there."""
    eve = here.connect("eve")
    assert params_of(eve.ask("WHOIS nickserv"), "311")[1:4] == ["NickServ", "services", "chatroom.local"]
    assert verbs(eve.ask("WHOIS nickserv"))[-1] == "318"
    assert params_of(eve.ask("ISON nickserv nobody"), "303")[-1].strip() == "NickServ"
    assert "NickServ=+services@" in params_of(eve.ask("USERHOST NickServ"), "302")[-1]
    assert params_of(eve.ask("MONITOR + NickServ"), "730")[-1] == SERVICE
    assert params_of(eve.ask("WHO NickServ"), "352")[5] == "NickServ"
    assert "354" in verbs(here.admin().ask("WHO NickServ %tcuihsnfdlaor"))
    assert "NickServ" not in " ".join(eve.ask("WHO *", "NAMES #lobby", "LUSERS"))
    for line in ("INVITE NickServ #lobby", "KICK #lobby NickServ", "MODE NickServ +i"):
        assert "401" in verbs(here.admin().ask(line))


def test_the_service_is_for_users(here: Here) -> None:
    """Before registration the verb is refused like others."""
    assert verbs(here.open().ask(f"NS IDENTIFY una {SECRET}")) == ["451"]
