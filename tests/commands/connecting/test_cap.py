from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.session_client import Client
from harness.world import SERVER, Here, change_settings, make_settings, verbs

from chatroom.chat.offered_capabilities import offered
from chatroom.chat.reload import use_settings
from chatroom.irc import caps
from chatroom.irc.message import parse


def listed(lines: list[str]) -> list[str]:
    """The names in all CAP lines."""
    return [name for line in lines for name in parse(line).params[-1].split()]


def reload(here: Here, **sections: dict[str, object]) -> None:
    """Change settings as a reload does."""
    with here.tick():
        use_settings(here.world, change_settings(here.world.settings, **sections))


def test_ls_302_lists_everything_with_values_in_whole_lines(here: Here) -> None:
    """A client of version 302 reads each capability once, with its value. All lines but the last have ``*``."""
    sent = here.open().ask("CAP LS 302")
    names = listed(sent)
    assert [name.partition("=")[0] for name in names] == list(offered(here.world.settings))
    assert any(name.startswith("sasl=PLAIN") for name in names)
    for line in sent[:-1]:
        assert parse(line).params[:3] == ["*", "LS", "*"]
    assert parse(sent[-1]).params[:2] == ["*", "LS"]
    assert len(parse(sent[-1]).params) == 3


@pytest.mark.parametrize("said", ["CAP LS", "CAP LS 301", "CAP LS x", "CAP LS ²"])
def test_ls_for_older_clients_is_one_line_without_values(here: Here, said: str) -> None:
    """A client without version 302 reads one line without values, ratified capabilities first."""
    sent = here.open().ask(said)
    assert len(sent) == 1
    assert parse(sent[0]).params[:2] == ["*", "LS"]
    names = listed(sent)
    assert "sasl" in names
    assert names == list(offered(here.world.settings))[: len(names)]
    assert not any("=" in name for name in names)


def test_a_list_longer_than_a_line_is_cut_for_older_clients(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """An older client reads as many names as fit in one line. A client of version 302 reads all, in several lines."""
    many = {**caps.NAMES, **{f"vendor.example/{number:03d}": 1 << 62 for number in range(60)}}
    monkeypatch.setattr(caps, "NAMES", many)
    old, new = here.open(), here.open()
    assert len(old.ask("CAP LS")) == 1
    sent = new.ask("CAP LS 302")
    assert len(sent) > 2
    assert len(listed(sent)) == len(many)


def test_the_session_keeps_its_highest_version(here: Here) -> None:
    """After LS 302, a plain LS is answered without values, but the session still has version 302 and cap-notify."""
    client = here.open()
    client.ask("CAP LS 307")
    assert client.session.cap_version == 307
    assert not any("=" in name for name in listed(client.ask("CAP LS")))
    assert client.session.cap_version == 307
    assert listed(client.ask("CAP LIST")) == ["cap-notify"]


def test_list_names_what_is_enabled(here: Here) -> None:
    """LIST has an empty parameter before any REQ, and the enabled capabilities after."""
    client = here.open()
    assert client.ask("CAP LIST") == [f":{SERVER} CAP * LIST :"]
    client.say("CAP REQ :multi-prefix away-notify")
    assert listed(client.ask("CAP LIST")) == ["away-notify", "multi-prefix"]
    alice = here.connect("alice", caps="sasl")
    assert alice.ask("CAP LIST") == [f":{SERVER} CAP alice LIST :cap-notify sasl"]


def test_req_is_taken_or_rejected_as_a_whole(here: Here) -> None:
    """With one unknown name, or a value, the answer is NAK and nothing changes. ACK repeats the request."""
    client = here.open()
    for said in ("multi-prefix foo", "foo multi-prefix", "sasl=PLAIN", "MULTI-PREFIX", "-foo", "-"):
        assert client.ask(f"CAP REQ :{said}") == [f":{SERVER} CAP * NAK :{said}"]
        assert client.session.caps == 0
    assert client.ask("CAP REQ :multi-prefix sasl") == [f":{SERVER} CAP * ACK :multi-prefix sasl"]
    assert client.session.caps == caps.MULTI_PREFIX | caps.SASL


def test_req_adds_and_removes_and_repeats_without_harm(here: Here) -> None:
    """A client may ask for what it has, and give up what it has not. The last word on a name counts."""
    client = here.open()
    client.say("CAP REQ :multi-prefix")
    assert client.ask("CAP REQ :multi-prefix -sasl ") == [f":{SERVER} CAP * ACK :multi-prefix -sasl"]
    assert client.ask("CAP REQ :-multi-prefix away-notify -away-notify") == [
        f":{SERVER} CAP * ACK :-multi-prefix away-notify -away-notify"
    ]
    assert client.session.caps == 0
    assert client.ask("CAP REQ :", "CAP REQ") == [f":{SERVER} CAP * ACK :"] * 2


def test_a_long_request_is_answered_in_several_lines(here: Here) -> None:
    """The answer has all names of the request."""
    client = here.open()
    asked = ("multi-prefix " * 38).strip()
    sent = client.ask(f"CAP REQ :{asked}")
    assert len(sent) == 2
    assert listed(sent) == asked.split()


def test_cap_notify_comes_with_302_and_stays(here: Here) -> None:
    """Version 302 implies cap-notify. A client of that version cannot give it up; an older client can."""
    modern, old = here.open(), here.open()
    modern.say("CAP LS 302")
    assert verbs(modern.ask("CAP REQ cap-notify"))[0] == "CAP"
    assert modern.ask("CAP REQ :-cap-notify") == [f":{SERVER} CAP * NAK :-cap-notify"]
    assert modern.session.caps & caps.CAP_NOTIFY
    old.say("CAP REQ cap-notify")
    assert old.ask("CAP REQ -cap-notify") == [f":{SERVER} CAP * ACK :-cap-notify"]
    assert not old.session.caps


@pytest.mark.parametrize("word", ["FOO", "foo", "ACK", "NEW", "CLEAR"])
def test_an_unknown_subcommand_is_410_with_its_name(here: Here, word: str) -> None:
    """410 has the nick, or ``*`` before registration, and the subcommand as it was sent."""
    assert here.open().ask(f"CAP {word} :a b") == [f":{SERVER} 410 * {word} :Invalid CAP command"]
    assert here.connect("alice").ask(f"CAP {word}") == [f":{SERVER} 410 alice {word} :Invalid CAP command"]


def test_cap_without_a_subcommand_is_461(here: Here) -> None:
    """CAP needs a subcommand."""
    assert here.open().ask("CAP") == [f":{SERVER} 461 * CAP :Not enough parameters"]


@pytest.mark.parametrize("opening", ["CAP LS", "CAP LS 302", "CAP REQ :multi-prefix", "CAP REQ :nonsense"])
@pytest.mark.parametrize("before", [True, False])
def test_ls_and_req_hold_registration_until_end(here: Here, opening: str, before: bool) -> None:
    """The welcome comes after CAP END, even if NICK and USER came before the negotiation."""
    client = here.open()
    if before:
        client.say("NICK alice", opening, "USER a 0 * :A")
    else:
        client.say(opening, "NICK alice", "USER a 0 * :A")
    client.say("CAP LIST", "PING x")
    assert "001" not in verbs(client.read())
    assert "001" in verbs(client.ask("CAP END"))


def test_list_does_not_hold_registration_and_end_is_ignored_afterwards(here: Here) -> None:
    """Only LS and REQ hold registration. After it, CAP END does nothing and REQ works."""
    client = here.open()
    client.say("CAP LIST")
    assert "001" in verbs(client.ask("NICK alice", "USER a 0 * :A"))
    assert client.ask("CAP END") == []
    assert client.ask("CAP REQ :multi-prefix") == [f":{SERVER} CAP alice ACK :multi-prefix"]


def test_a_reload_that_removes_a_capability_sends_cap_del(here: Here) -> None:
    """Clients with cap-notify read CAP DEL. All clients lose the capability, and REQ for it is NAK."""
    name = "draft/account-registration"
    told = here.connect("told", caps=name)
    plain = here.connect("plain")
    plain.say(f"CAP REQ {name}")
    here.forget_unread()
    reload(here, accounts={"registration": "closed"})
    assert told.read() == [f":{SERVER} CAP told DEL :{name}"]
    assert plain.read() == []
    for client in (told, plain):
        assert not client.session.caps & caps.ACCOUNT_REGISTRATION
    assert parse(told.ask(f"CAP REQ {name}")[0]).params[1] == "NAK"


def test_a_reload_that_adds_a_capability_sends_cap_new(make_here: Callable[..., Here]) -> None:
    """CAP NEW has values for clients of version 302, and none for older clients with cap-notify."""
    here = make_here(accounts={"registration": "closed"})
    modern = here.connect("modern", caps="multi-prefix")
    waiting = here.open()
    waiting.say("CAP REQ cap-notify")
    here.forget_unread()
    reload(here, accounts={"registration": "open"})
    value = offered(here.world.settings)["draft/account-registration"]
    name = "draft/account-registration" + (f"={value}" if value else "")
    assert modern.read() == [f":{SERVER} CAP modern NEW :{name}"]
    assert waiting.read() == [f":{SERVER} CAP * NEW :draft/account-registration"]


def test_a_reload_without_other_capabilities_sends_nothing(here: Here) -> None:
    """Clients with cap-notify read nothing if only other settings changed."""
    client: Client = here.connect("alice", caps="cap-notify")
    reload(here, server={"motd": "hello"})
    assert client.read() == []
    assert offered(make_settings()) == offered(here.world.settings)


def test_a_reload_does_not_offer_a_history_that_begins_at_the_next_start(make_here: Callable[..., Here]) -> None:
    """``history.enabled`` takes effect at a restart: until then, the capability and ISUPPORT stay as they were."""
    for at_start in (False, True):
        here = make_here(history={"enabled": at_start}, keeping=at_start)
        alice = here.connect("alice", caps="cap-notify")
        other = {"enabled": not at_start, "synchronous": "full", "max_query": 7}
        changed = change_settings(here.world.settings, history=other)
        before = alice.ask("CAP LS 302")
        for first in ("changed: history.max_query", "changed: nothing"):
            words = str(use_settings(here.world, changed))
            assert words.endswith(f"{first}; needs a restart: history.enabled, history.synchronous")
        assert alice.ask("CAP LS 302") == before
        assert any("CHATHISTORY=7" in line for line in alice.ask("VERSION")) == at_start
