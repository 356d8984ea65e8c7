from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from harness.world import SERVER, Here, change_settings, make_settings, params_of, verbs

from chatroom.chat.reload import use_settings
from chatroom.errors import ConfigError
from chatroom.irc.message import parse


def test_status_tells_how_the_daemon_is_doing(here: Here) -> None:
    """Each value is a NOTE, including those that only the daemon knows."""
    here.account("una")
    here.connect("bob")
    here.open()
    here.wait(90)
    here.runtime.known_facts = {"database": "/somewhere else/chat.db"}
    facts = {parse(line).params[1]: parse(line).params[-1] for line in here.control().ask("STATUS")}
    wanted = {"uptime_s": "90", "users": "1", "sessions": "2", "unregistered": "1", "accounts": "1", "bans": "0"}
    wanted |= {"logins": "0", "failed_logins": "0", "refused_by_bans": "0"}
    assert wanted.items() <= facts.items()
    assert facts["database"] == "/somewhere else/chat.db"


def test_sessions_lists_everybody_with_their_address(here: Here) -> None:
    """Sessions before and after registration are listed, each in the same number of words."""
    here.admin(address="::1").say("JOIN #a")
    here.open("192.0.2.1").say("NICK early")
    here.wait(3)
    lines = [parse(line).params for line in here.control().ask("SESSIONS")]
    assert [params[:2] for params in lines] == [["SESSIONS", "1"], ["SESSIONS", "2"]]
    assert lines[0][2:] == ["ada", "ada", "0::1", "ada", "admin", "1903867200", "3", "#lobby,#a"]
    assert lines[1][2:] == ["early", "*", "192.0.2.1", "*", "*", "1903867200", "3", "*"]


def test_an_announcement_reaches_everybody_once(here: Here) -> None:
    """Every session gets one notice from the server, and the audit has the shell user."""
    alice, phone, laptop = here.connect("alice"), here.member(), here.member()
    here.forget_unread()
    control = here.control()
    control.say("ACTOR root")
    assert params_of(control.ask("ANNOUNCE :tea is ready"), "NOTE")[:2] == ["ANNOUNCE", "DONE"]
    for client in (alice, phone, laptop):
        assert client.read() == [f":{SERVER} NOTICE * :tea is ready"]
    entry = here.stores.audit.list_entries()[-1]
    assert (entry.actor, entry.origin, entry.action, entry.detail) == ("root", "cli", "announce", "tea is ready")
    assert params_of(control.ask("ANNOUNCE :tea is ready"), "NOTE")[-1] == "Sent to 2 users"
    alice.vanish()
    assert params_of(control.ask("ANNOUNCE :tea is gone"), "NOTE")[-1] == "Sent to 1 user"


@pytest.mark.interpreted("replaces methods of the world, which compiled code calls directly")
def test_sessions_have_their_node_in_a_cluster(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes before the channels, and all lines have one word more."""
    alice, bob = here.connect("alice"), here.connect("bob")
    monkeypatch.setattr(here.world, "node_of", lambda session: "a" if session is alice.session else "b")
    bob.say("JOIN #a")
    lines = [parse(line).params for line in here.control().ask("SESSIONS")]
    assert [(params[2], *params[-2:]) for params in lines] == [("alice", "a", "#lobby"), ("bob", "b", "#lobby,#a")]
    assert {len(params) for params in lines} == {11}


@pytest.mark.interpreted("replaces methods of the world, which compiled code calls directly")
def test_an_announcement_for_one_node(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the devices that are connected there read it. Without such a node nothing is said."""
    alice, phone, laptop = here.connect("alice"), here.member(), here.member()
    monkeypatch.setattr(here.world, "node_of", lambda session: "b" if session is phone.session else "a")
    here.forget_unread()
    control = here.control()
    assert params_of(control.ask("ANNOUNCE b :move over"), "NOTE")[-1] == "Sent to 1 user"
    assert [client.read() for client in (alice, laptop)] == [[], []]
    assert phone.read() == [f":{SERVER} NOTICE * :move over"]
    assert here.stores.audit.list_entries()[-1].target == "b"
    assert params_of(control.ask("ANNOUNCE x :move over"), "FAIL")[:3] == ["ANNOUNCE", "NO_SUCH_NODE", "x"]
    assert phone.read() == []


@pytest.mark.interpreted("replaces methods of the world, which compiled code calls directly")
def test_a_kick_from_one_node(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the devices that are connected there are disconnected; with the last one the user goes."""
    alice, phone, laptop = here.connect("alice"), here.member(), here.member()
    nick = phone.user.nick
    monkeypatch.setattr(here.world, "node_of", lambda session: "b" if session is phone.session else "a")
    here.forget_unread()
    control = here.control()
    assert params_of(control.ask(f"KILLAT c {nick} :no"), "FAIL")[:3] == ["KILLAT", "NOT_THERE", "c"]
    assert [device.closed for device in (phone, laptop)] == [False, False]
    assert params_of(control.ask(f"KILLAT b {nick} :move over"), "NOTE")[-1] == f"{nick} was kicked from node b"
    assert [device.closed for device in (phone, laptop)] == [True, False]
    assert any("move over" in line for line in phone.read())
    assert [client.read() for client in (alice, laptop)] == [[], []]
    entry = here.stores.audit.list_entries()[-1]
    assert (entry.target, entry.detail) == (nick, "node b: move over")
    assert params_of(control.ask(f"KILLAT a {nick}"), "NOTE")[-1] == f"{nick} was kicked from node a"
    assert laptop.closed
    assert any("QUIT" in line for line in alice.read())
    assert any(" 401 " in line for line in control.ask(f"KILLAT a {nick}"))


def test_an_empty_announcement_is_refused(here: Here) -> None:
    """Nobody reads an empty notice, and the audit has no row of it."""
    alice, control = here.connect("alice"), here.control()
    for text in ("", "   "):
        assert params_of(control.ask(f"ANNOUNCE :{text}"), "FAIL")[:2] == ["ANNOUNCE", "EMPTY_TEXT"]
    assert alice.read() == []
    assert here.stores.audit.list_entries() == []


def test_a_reload_takes_the_new_settings_and_says_what_changed(here: Here) -> None:
    """A setting that a reload can change applies at once. The others keep their values and are listed for a restart."""
    new = change_settings(make_settings(), server={"motd": "hello", "name": "other.example"})
    here.runtime.settings = new
    control, alice = here.control(), here.connect("alice")
    sent = control.ask("REHASH")
    assert verbs(sent) == ["382", "NOTE", "NOTE", "NOTE"]
    changed, waiting, done = (parse(line).params for line in sent[1:])
    assert changed[1:] == ["CHANGED", "server.motd", '["", "hello"]']
    assert waiting[1:] == ["WAITING", "server.name", f'["{SERVER}", "other.example"]']
    text = done[-1]
    assert "server.motd" in text.split("needs a restart")[0]
    assert "server.name" in text.split("needs a restart")[1]
    assert here.world.settings.server.name == SERVER
    assert f":{SERVER} 372 alice :- hello" in alice.ask("MOTD")


def test_status_names_what_waits_for_a_restart(here: Here) -> None:
    """It does until a reload finds the value of the running daemon in the file again."""
    control, before = here.control(), make_settings()
    here.runtime.settings = change_settings(before, server={"name": "other.example"})
    control.ask("REHASH")
    assert ["STATUS", "waits_for_restart", "server.name"] in [parse(line).params for line in control.ask("STATUS")]
    here.runtime.settings = before
    control.ask("REHASH")
    assert "waits_for_restart" not in str(control.ask("STATUS"))


def test_a_reload_tells_no_password(here: Here) -> None:
    """A changed password is named, and neither its old nor its new value is told or logged."""
    here.runtime.settings = change_settings(make_settings(), server={"password": "hunter2"})
    sent = here.control().ask("REHASH")
    assert 'CHANGED server.password :["", "********"]' in str(sent)
    assert "hunter2" not in str(sent) + str(here.world.log_lines)


def test_the_shell_reads_all_errors_of_a_configuration(here: Here) -> None:
    """Each error is a warning with its number; the chat reads the first one. Nothing changes."""
    before = here.world.settings
    here.runtime.settings = ConfigError("chatroom.toml: one", "chatroom.toml: two")
    sent = [parse(line) for line in here.control().ask("REHASH")]
    assert [one.params[2:] for one in sent if one.verb == "WARN"] == [
        ["1", "chatroom.toml: one"],
        ["2", "chatroom.toml: two"],
    ]
    answer = here.admin().ask("REHASH")
    assert "WARN" not in verbs(answer)
    assert params_of(answer, "FAIL")[-1].startswith("chatroom.toml: one (and 1 more")
    assert here.world.settings is before
    assert any("stays as it was: chatroom.toml: one" in line for line in here.world.log_lines)


def test_a_wrong_configuration_changes_nothing(here: Here) -> None:
    """The error in the file is the answer to REHASH, and the settings stay."""
    before = here.world.settings
    here.runtime.settings = ConfigError("chatroom.toml: no such key: server.colour")
    ada = here.admin()
    assert params_of(ada.ask("REHASH"), "FAIL")[-1] == "chatroom.toml: no such key: server.colour"
    assert here.world.settings is before


def test_reloading_other_channels_makes_and_releases_them(make_here: Callable[..., Here]) -> None:
    """A newly configured channel exists at once. One that is no longer configured keeps its users and its topic."""
    here = make_here()
    ada = here.admin()
    ada.say("TOPIC #lobby :kept")
    settings = here.world.settings
    with here.tick():
        use_settings(here.world, replace(settings, channels=replace(settings.channels, autojoin=("#new",))))
    assert here.channel("#new").configured
    assert not here.channel("#lobby").configured
    bob = here.connect("bob")
    assert [channel.name for channel in bob.user.channels] == ["#new"]
    assert here.channel("#lobby").topic == "kept"


def test_a_control_session_is_nobody_present(here: Here) -> None:
    """A control session has no nick and is not a user, so no user sees it end."""
    bob = here.connect("bob")
    bob.read()
    control = here.control()
    assert verbs(control.ask("NICK ghost", "JOIN #lobby", "PRIVMSG bob :boo")) == ["421", "421", "421"]
    assert list(here.world.users) == ["bob"]
    control.say("QUIT")
    assert control.closed
    assert bob.read() == []
    assert len(here.world.online.unregistered) == 0
