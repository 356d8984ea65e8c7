"""RELAYMSG: messages that a bridge says under the nicks of people on another network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.filters import add_filter
from harness.session_client import Client
from harness.world import SERVER, Here, params_of, verbs

from chatroom.irc.message import parse
from chatroom.storage.sql.history_archive import read_all

SOURCE = f":joe/discord!matter@{SERVER}"


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    """A world with a history."""
    with Here(tmp_path / "chat.db", history=True) as world:
        yield world


@pytest.fixture
def bridge(here: Here) -> Client:
    """The bridge, which operates #r, where alice is too."""
    bridge = here.connect("matter", caps="draft/relaymsg")
    bridge.say("JOIN #r")
    here.connect("alice").say("JOIN #r")
    here.forget_unread()
    return bridge


def test_all_members_read_the_relayed_nick(here: Here, bridge: Client) -> None:
    """The tag names the bridge, for clients with draft/relaymsg or message-tags. The bridge itself reads it too."""
    tagged, old = here.connect("tagged", caps="message-tags"), here.connect("old")
    for client in (tagged, old):
        client.say("JOIN #r")
    here.forget_unread()
    assert bridge.ask("RELAYMSG #R joe/discord :hi there") == [f"@draft/relaymsg=matter {SOURCE} PRIVMSG #r :hi there"]
    assert old.read() == [f"{SOURCE} PRIVMSG #r :hi there"]
    line = parse(tagged.read()[0])
    assert set(line.tags or {}) == {"msgid", "draft/relaymsg"}
    assert (line.tags or {})["draft/relaymsg"] == "matter"


def test_the_label_and_the_client_tags(here: Here) -> None:
    """The bridge's own copy has the label. Client-only tags are passed on."""
    bridge = here.connect("matter", caps="draft/relaymsg message-tags labeled-response batch")
    bridge.say("JOIN #r")
    (line,) = bridge.ask("@label=x;+draft/reply=abc RELAYMSG #r joe/discord :hi")
    tags = parse(line).tags or {}
    assert (tags["label"], tags["+draft/reply"], tags["draft/relaymsg"]) == ("x", "abc", "matter")


@pytest.mark.parametrize(
    "nick",
    [
        "joe",
        "/",
        "joe/",
        "/discord",
        "jo!e/discord",
        "jo@e/d",
        "jo.e/d",
        "#joe/d",
        "+joe/d",
        "joe,ann/d",
        "x" * 64 + "/d",
    ],
)
def test_the_nick_cannot_be_that_of_a_user_or_break_a_line(here: Here, bridge: Client, nick: str) -> None:
    """It has a slash and otherwise the characters of nicks, and a bounded length."""
    (line,) = bridge.ask(f"RELAYMSG #r {nick} :hi")
    assert parse(line).params[:2] == ["RELAYMSG", "INVALID_NICK"]


@pytest.mark.parametrize("nick", ["joe/discord", "3dfx/matrix", "Zoë/d", "a/b/c", "-x-/d"])
def test_nicks_of_other_networks(here: Here, bridge: Client, nick: str) -> None:
    """They may begin with a digit or a hyphen, and have more than one slash."""
    assert parse(bridge.ask(f"RELAYMSG #r {nick} :hi")[0]).source == f"{nick}!matter@{SERVER}"


def test_who_may_relay(here: Here, bridge: Client) -> None:
    """Operators of the channel with the capability; not members, voiced ones or those outside."""
    eve = here.connect("eve", caps="draft/relaymsg")
    eve.read()
    refusal = f":{SERVER} FAIL RELAYMSG PRIVS_NEEDED #r joe/discord :Only operators of the channel can relay messages"
    assert eve.ask("RELAYMSG #r joe/discord :hi") == [f"{refusal} to it"]
    eve.say("JOIN #r")
    bridge.say("MODE #r +v eve")
    here.forget_unread()
    assert "PRIVS_NEEDED" in eve.ask("RELAYMSG #r joe/discord :hi")[0]
    assert eve.ask("RELAYMSG #none joe/discord :hi") == [f":{SERVER} 403 eve #none :No such channel"]
    assert eve.ask("RELAYMSG bridge joe/discord :hi") == [f":{SERVER} 403 eve bridge :No such channel"]
    bridge.say("MODE #r +o eve")
    here.forget_unread()
    assert verbs(eve.ask("RELAYMSG #r joe/discord :hi")) == ["PRIVMSG"]
    eve.say("CAP REQ -draft/relaymsg")
    assert verbs(eve.ask("RELAYMSG #r joe/discord :hi")) == ["421"]


def test_what_the_channel_refuses(here: Here, bridge: Client) -> None:
    """A ban or mute of the relayed nick, CTCP with mode C, and a blank text. Mode m lets operators speak."""
    bridge.say("MODE #r +Cmb ~m:joe/*!*@*")
    bridge.read()
    assert "BANNED" in bridge.ask("RELAYMSG #r joe/discord :hi")[0]
    assert "CANNOT_SEND" in bridge.ask("RELAYMSG #r ann/discord :\x01VERSION\x01")[0]
    assert "BLANK_MSG" in bridge.ask("RELAYMSG #r ann/discord : ")[0]
    assert verbs(bridge.ask("RELAYMSG #r ann/discord :hi")) == ["PRIVMSG"]
    bridge.say("MODE #r +e joe/*!*@*")
    bridge.read()
    assert verbs(bridge.ask("RELAYMSG #r joe/discord :hi")) == ["PRIVMSG"]


@pytest.mark.parametrize("mask", ["joe/*", "joe/discord", "~m:joe/*", "*!*@joe/discord"])
def test_a_mask_of_one_part_bans_the_relayed_nick(bridge: Client, mask: str) -> None:
    """It is taken for a host, for its slash. An exception of any form lets the nick speak."""
    bridge.say(f"MODE #r +b {mask}")
    bridge.read()
    assert "BANNED" in bridge.ask("RELAYMSG #r joe/discord :hi")[0]
    assert verbs(bridge.ask("RELAYMSG #r joey/discord :hi")) == ["PRIVMSG"]
    for exception in ("joe/*!*@*", "joe/discord"):
        bridge.ask(f"MODE #r +e {exception}")
        assert verbs(bridge.ask("RELAYMSG #r joe/discord :hi")) == ["PRIVMSG"]
        bridge.ask(f"MODE #r -e {exception}")


def test_the_history_keeps_the_relayed_nick(here: Here) -> None:
    """With the tag and without the bridge's account, for CHATHISTORY and in the stored entry."""
    bridge = here.member("matter", caps="draft/relaymsg")
    bridge.say("JOIN #r", "MODE matter +B")
    reader = here.connect("reader", caps="batch message-tags account-tag draft/chathistory")
    reader.say("JOIN #r")
    here.forget_unread()
    bridge.say("RELAYMSG #r joe/discord :hi there")
    said = parse(reader.read()[0])
    again = parse(reader.ask("CHATHISTORY LATEST #r * 10")[-2])
    assert (again.source, again.params) == (said.source, said.params)
    assert {key: value for key, value in (again.tags or {}).items() if key != "batch"} == said.tags
    assert "account" not in (said.tags or {}) and "bot" not in (said.tags or {})
    entry = next(archived.entry for archived in read_all(here.stores.database) if archived.entry.text == "hi there")
    assert (entry.source, entry.account_id, entry.account) == (SOURCE[1:], None, "")


def test_an_operator_may_redact_it(here: Here) -> None:
    """The channel's operators, among them the bridge."""
    bridge = here.member("matter", caps="draft/relaymsg draft/message-redaction message-tags echo-message")
    bridge.say("JOIN #r")
    msgid = (parse(bridge.ask("RELAYMSG #r joe/discord :hi there")[0]).tags or {})["msgid"]
    assert verbs(bridge.ask(f"REDACT #r {msgid}")) == ["REDACT"]


def test_nothing_is_lost_of_a_text_that_is_too_long_with_the_source(here: Here, bridge: Client) -> None:
    """It is a multiline message then: other clients read two lines."""
    alice = next(client for client in here.clients.values() if client.user.nick == "alice")
    text = "x" * 470
    bridge.say(f"RELAYMSG #r joe/discord :{text}")
    lines = alice.read()
    assert len(lines) == 2
    assert "".join(parse(line).params[1] for line in lines) == text


def test_the_capability_names_the_separator(here: Here) -> None:
    """``draft/relaymsg=/`` in CAP LS."""
    assert "draft/relaymsg=/" in " ".join(here.open().ask("CAP LS 302")).split()


@pytest.mark.parametrize("line", ["RELAYMSG #b spam/else :hi", "@+draft/react=spam RELAYMSG #b mallory/else :hi"])
def test_a_bridge_relays_no_spam_beside_the_text(here: Here, line: str) -> None:
    """Neither in the nick that readers see, of which a mask need only fit the name, nor in a reaction."""
    add_filter(here, "spa?")
    bridge = here.connect("bridge", caps="draft/relaymsg message-tags")
    bridge.say("JOIN #b")
    assert params_of(bridge.ask(line), "FAIL")[1] == "CANNOT_SEND"


def test_a_muted_user_neither_invites_nor_relays(here: Here) -> None:
    """The names of a channel and of a relayed person can say anything, too, in a channel of the user's own."""
    add_filter(here, "spam", "mute", "no spam", 60)
    alice, bob = here.connect("alice", caps="draft/relaymsg", address="192.0.2.1"), here.connect("bob")
    alice.say("JOIN #buy-this", "PRIVMSG bob :spam")
    bob.say("JOIN #buy-this", "PART #buy-this")
    here.forget_unread()
    told = "You are muted for 1m: no spam"
    assert params_of(alice.ask("INVITE bob #buy-this"), "FAIL") == ["INVITE", "CANNOT_SEND", "#buy-this", told]
    bob.say("JOIN #buy-this")
    bob.read()
    refused = params_of(alice.ask("RELAYMSG #buy-this buy/this :hello"), "FAIL")
    assert refused == ["RELAYMSG", "CANNOT_SEND", "#buy-this", "buy/this", told]
    assert bob.read() == []
