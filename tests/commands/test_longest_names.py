"""No line is cut: nothing that the server sends is too long, and nothing that was given is lost without a word.

All names are as long as they can be: server, network, nicks, usernames, hosts, channels, addresses.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

import pytest
from harness.session_client import Client
from harness.world import PASSWORD, Here, change_settings, make_settings, params_of, verbs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatroom.chat.admission.cloak import Cloak
from chatroom.chat.stored.records import Role
from chatroom.commands.command_table import COMMANDS
from chatroom.config import Settings
from chatroom.irc import framing, limits
from chatroom.irc.framing import LINE_BYTES
from chatroom.irc.message import parse

SERVER = "s" * 59 + ".org"
BOSS, MATE, LATE = "b" * 32, "m" * 32, "l" * 32
"""An admin; a user of the same channels; a nick that no user has at first."""
ROOM, OTHER = "#" + "c" * 63, "#" + "d" * 63
WORDS = " ".join(f"{number:07}" for number in range(60))
"""480 bytes of words, in which a missing one shows."""
ACCOUNT_CAPS = "batch labeled-response message-tags server-time draft/metadata-3 draft/read-marker invite-notify"
CAPS = f"{ACCOUNT_CAPS} extended-join account-notify away-notify chghost setname draft/channel-rename standard-replies"
MEMORY = Path("/dev/shm")


@pytest.fixture(autouse=True)
def strict(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail if a line has to be cut. All hosts are as long as HOSTLEN allows."""

    def refuse(data: bytes, limit: int) -> bytes:
        assert len(data) <= limit, f"cut: {data!r}"
        return data

    monkeypatch.setattr(framing, "_cut", refuse)
    monkeypatch.setattr(Cloak, "host", lambda cloak, version, address: "h" * limits.HOST_BYTES)


def name_everything() -> dict[str, dict[str, object]]:
    """The sections of the settings, with the longest texts."""
    server: dict[str, object] = {
        "name": SERVER,
        "network": "N" * 63,
        "description": "d" * 250,
        "admin_info": "a" * 300,
        "motd": f"{WORDS} {WORDS}\nshort\n{'m' * 900}\n",
    }
    return {"server": server, "channels": {"autojoin": ()}}


def connect(here: Here, nick: str, role: Role = Role.USER, caps: str = "") -> Client:
    """Connect a user of an account, with the longest username, real name and address."""
    if here.world.accounts.find(nick) is None:
        here.account(nick, role)
    client = here.open("2001:1111:2222:3333:4444:5555:6666:7777")
    asked = ["CAP LS 302", f"CAP REQ :{caps}"] if caps else []
    client.say(*asked, f"PASS :{nick}:{PASSWORD}", f"NICK {nick}", f"USER {'u' * 18} 0 * :{'r' * 100}", "CAP END")
    assert client.session.user is not None
    return client


@contextmanager
def house(caps: str = "") -> Iterator[tuple[Here, Client, Client]]:
    """A world with two users in two channels; the first one is an admin."""
    with (
        tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as directory,
        Here(Path(directory) / "chat.db", make_settings(**name_everything()), history=True) as here,
    ):
        boss, mate = connect(here, BOSS, Role.ADMIN, caps), connect(here, MATE, Role.USER, caps)
        for client in (boss, mate):
            client.say(f"JOIN {ROOM}", f"JOIN {OTHER}", f"MODE {client.user.nick} +w")
        here.forget_unread()
        yield here, boss, mate


def change_all(settings: Settings) -> Settings:
    """Return settings that differ in so many keys that a reload cannot name them in one line."""
    limits_, history, accounts = settings.limits, settings.history, settings.accounts
    numbers = {
        field.name: getattr(limits_, field.name) + 1
        for field in fields(limits_)
        if isinstance(getattr(limits_, field.name), float | int) and field.name != "enabled"
    }
    flags = {name: not getattr(history, name) for name in ("messages", "topics", "joins", "kicks", "modes")}
    more = {name: not getattr(accounts, name) for name in ("registration", "email_required", "scram", "share_nick")}
    server = {"network": "other", "io_threads": 3}
    return change_settings(settings, limits=numbers, history=flags, accounts=more, server=server)


def said(lines: list[str], verb: str) -> str:
    """The last parameters of the lines with a verb, joined."""
    return "".join(message.params[-1] for message in map(parse, lines) if message.verb == verb)


@pytest.mark.parametrize("caps", ["", CAPS])
def test_a_text_of_the_promised_length_is_read_whole(caps: str) -> None:
    """ISUPPORT says how long texts may be. Each of that length fits behind the longest names, now and later."""
    with house(caps) as (here, boss, mate):
        topic, away, kick, leave = "t" * 330, "a" * 200, "k" * 255, "p" * 350
        boss.say(f"TOPIC {ROOM} :{topic}", f"AWAY :{away}")
        assert said(mate.read(), "TOPIC") == topic
        assert params_of(mate.ask(f"TOPIC {ROOM}"), "332")[-1] == topic
        assert params_of(mate.ask(f"LIST {ROOM}"), "322")[-1] == topic
        assert params_of(mate.ask(f"WHOIS {BOSS}"), "301")[-1] == away
        fields = params_of(boss.ask(f"WHO {MATE} %tcuihsnfdlaor,999"), "354")
        assert (len(fields), fields[-1]) == (14, "r" * 100)
        assert params_of(boss.ask(f"WHO {MATE}"), "352")[-1] == "0 " + "r" * 100
        boss.say(f"KICK {ROOM} {MATE} :{kick}")
        assert said(mate.read(), "KICK") == kick
        mate.say(f"JOIN {ROOM}", f"PART {ROOM} :{leave}")
        assert said([line for line in boss.read() if MATE in line], "PART") == leave
        mate.say(f"QUIT :{leave}")
        assert said(boss.read(), "QUIT") == f"Quit: {leave}"
        late = connect(here, LATE)
        late.read()
        boss.say(f"KILL {LATE} :{kick}")
        assert said(late.read(), "ERROR").endswith(f"{kick})")


def test_modes_of_several_masks_need_several_lines() -> None:
    """The members read every mask that the channel has."""
    with house() as (here, boss, mate):
        masks = [f"{letter * 100}!*@{letter * 90}" for letter in "abcde"]
        boss.say(f"MODE {ROOM} +bb {masks[0]} {masks[1]}", f"MODE {ROOM} -bb+b {' '.join(masks[:3])}")
        told = [word for line in mate.read() for word in parse(line).params[2:]]
        assert told == [*masks[:2], *masks[:3]]
        longest = f"{'w' * 98}!*@{'w' * 99}"
        boss.say(f"MODE {ROOM} +b {longest}")
        assert parse(mate.read()[0]).params[2] == longest == here.channel(ROOM).entries("b")[-1].mask
        assert params_of(mate.ask(f"MODE {ROOM} b")[1:2], "367")[2] == longest


@pytest.mark.parametrize("target", [ROOM, f"@{ROOM}", MATE])
@pytest.mark.parametrize("verb", ["PRIVMSG", "NOTICE"])
@pytest.mark.parametrize("caps", ["", "draft/multiline batch", "echo-message labeled-response batch"])
def test_a_message_that_readers_cannot_read_in_one_line_is_split(verb: str, target: str, caps: str) -> None:
    """The sender's line had room for it. In a multiline batch its parts belong together."""
    with house(caps) as (_, boss, mate):
        boss.say(f"MODE {ROOM} +o {MATE}")
        mate.read()
        text = WORDS[: LINE_BYTES - len(f"{verb} {target} :")]
        own = boss.ask(f"@label=x {verb} {target} :{text}" if caps else f"{verb} {target} :{text}")
        lines = mate.read()
        assert len([line for line in lines if f" {verb} " in line]) == 2
        assert said(lines, verb) == text
        assert verbs(lines).count("BATCH") == (2 if "multiline" in caps else 0)
        if "echo" in caps:
            assert (said(own, verb), verbs(own).count("BATCH")) == (text, 2)


def test_a_ctcp_that_readers_cannot_read_in_one_line_is_refused() -> None:
    """A part of it would be no CTCP, or another one. 417."""
    with house() as (_, boss, mate):
        for text in (f"\x01ACTION {'x' * 420}\x01", f"{'x' * 400}\x01VERSION\x01{'x' * 20}"):
            assert verbs(boss.ask(f"PRIVMSG {ROOM} :{text}")) == ["417"]
        assert mate.read() == []


def test_a_split_message_is_one_message_of_the_history() -> None:
    """It has one msgid, and CHATHISTORY shows all of it."""
    with house("draft/chathistory batch message-tags") as (_, boss, mate):
        text = WORDS[:430]
        boss.say(f"PRIVMSG {ROOM} :{text}")
        assert "msgid=" in mate.read()[0]
        assert said(mate.ask(f"CHATHISTORY LATEST {ROOM} * 5"), "PRIVMSG") == text


@pytest.mark.parametrize("text", [WORDS[:355], f"\x01ACTION {WORDS[:346]}\x01", "w" * 355])
@pytest.mark.parametrize("caps", ["", "draft/multiline batch"])
def test_the_time_that_a_replay_adds_costs_no_word(text: str, caps: str) -> None:
    """A message that just fits is read in two lines when its time stands in front of it."""
    with house(caps) as (here, boss, mate):
        mate.say("QUIT")
        boss.say(f"PRIVMSG {ROOM} :{text}")
        here.wait(200_000)
        mate = connect(here, MATE, caps=caps)
        lines = [message for message in map(parse, mate.ask(f"JOIN {ROOM}")) if message.verb == "PRIVMSG"]
        assert len(lines) == 2
        joined = "".join(line.params[-1].removeprefix("\x01ACTION ").removesuffix("\x01") for line in lines)
        assert joined == "[2030-05-01 12:00] " + text.removeprefix("\x01ACTION ").removesuffix("\x01")


def test_long_texts_of_the_server_need_several_lines() -> None:
    """MOTD, ADMIN, ISUPPORT, announcements, WALLOPS and the answer to a reload."""
    with house() as (here, boss, mate):
        assert said(boss.ask("MOTD"), "372") == f"- {WORDS} {WORDS}- short- {'m' * 900}"
        assert said(boss.ask("ADMIN"), "259") == "a" * 300
        assert params_of(boss.ask("LINKS"), "364")[-1] == "0 " + "d" * 250
        tokens = [word for line in boss.ask("VERSION") if " 005 " in line for word in parse(line).params[1:-1]]
        assert len(tokens) == len(set(tokens)) > 30 and "NETWORK=" + "N" * 63 in tokens
        control = here.control()
        control.say(f"ANNOUNCE :{WORDS}")
        assert said(mate.read(), "NOTICE") == WORDS
        boss.say(f"WALLOPS :{WORDS}")
        assert said(mate.read(), "WALLOPS") == WORDS
        here.runtime.settings = change_all(here.world.settings)
        answer = said(control.ask("REHASH"), "NOTE")
        assert len(answer) > 450 and answer.endswith("needs a restart: server.io_threads, server.network")
        many = ", ".join(f"limits.number_{number}" for number in range(60))
        here.runtime.known_facts = {"database": f"/{'p' * 900}", "listening": many}
        facts: dict[str, str] = {}
        for message in map(parse, control.ask("STATUS")):
            facts[message.params[1]] = facts.get(message.params[1], "") + message.params[2]
        assert (facts["database"], facts["listening"]) == (f"/{'p' * 900}", many)


def test_long_lists_need_several_lines() -> None:
    """Channels in WHOIS and of a session, nicks in NAMES and MONITOR."""
    with house() as (here, boss, mate):
        channels = [f"#{number:02}{'x' * 61}" for number in range(30)]
        mate.say(*(f"JOIN {name}" for name in channels))
        shown = " ".join(
            message.params[-1] for message in map(parse, boss.ask(f"WHOIS {MATE}")) if message.verb == "319"
        )
        assert [name.lstrip("@") for name in shown.split()] == [ROOM, OTHER, *channels]
        rows = [parse(line).params for line in here.control().ask("SESSIONS")]
        mine = [name for row in rows if row[2] == MATE for name in row[-1].split(",")]
        assert mine == [ROOM, OTHER, *channels]
        nicks = [f"{letter}{number:02}{'y' * 29}" for letter in "abcdefghij" for number in range(12)]
        answers = [
            line for start in range(0, 120, 10) for line in mate.ask("MONITOR + " + ",".join(nicks[start : start + 10]))
        ]
        full = [
            nick for message in map(parse, answers) if message.verb == "734" for nick in message.params[2].split(",")
        ]
        assert full == nicks[100:]


def test_reasons_that_are_too_long_are_cut_with_a_warning() -> None:
    """They do not keep the command from being carried out."""
    with house() as (_, boss, mate):
        for line in (f"KICK {ROOM} {MATE}", f"RENAME {ROOM} {'#' + 'e' * 63}", f"PART {OTHER}", f"UBAN ADD {LATE}"):
            sent = boss.ask(f"{line} :" + "x" * (LINE_BYTES - len(line) - 2))
            assert any("has at most" in text for text in sent), line
        quitting = mate.ask("QUIT :" + "x" * 490)
        assert "has at most 350 bytes" in quitting[0]
        assert verbs(quitting)[-1] == "ERROR"


def test_the_reason_of_a_ban_is_read_whole() -> None:
    """By the banned user, by those who read the QUIT, and in every refusal and list."""
    with house() as (here, boss, mate):
        reason, late = WORDS[:300], connect(here, LATE)
        late.say(f"JOIN {ROOM}")
        here.forget_unread()
        boss.say(f"UBAN ADD {LATE} 7d {reason}")
        assert reason in said(late.read(), "ERROR") and reason in said(mate.read(), "QUIT")
        refused = here.open()
        assert reason in said(mate.ask(f"NICK {LATE}"), "432")
        assert reason in said(refused.ask(f"NICK {LATE}", "USER x 0 * :x"), "465")
        assert reason in said(boss.ask("UBAN LIST"), "NOTICE") and reason in said(
            boss.ask(f"UBAN INFO {LATE}"), "NOTICE"
        )


def test_texts_that_are_too_long_are_refused_with_the_limit() -> None:
    """If the text is all that the command is for."""
    with house() as (_, boss, mate):
        boss.say(f"MODE {OTHER} +i")
        mate.say(f"PART {OTHER}")
        for client, line in ((boss, f"TOPIC {ROOM}"), (boss, "AWAY"), (mate, f"KNOCK {OTHER}"), (boss, "SETNAME")):
            sent = client.ask(f"{line} :" + "x" * 350)
            assert verbs(sent) == ["FAIL"] and "bytes" in sent[0], line


longest = st.sampled_from([BOSS, MATE, LATE, ROOM, OTHER, f"{ROOM},{OTHER}", f"{BOSS},{MATE}", "*", "+b", "+k", "ADD"])
filling = st.sampled_from(["x" * 500, "é" * 250, WORDS, "z" * 100, "\x01" + "v" * 400, "a,b" * 120, "+" * 200])
small = st.sampled_from(
    ["LIST", "SET", "SUB", "LATEST", "TARGETS", "INFO", "REQ", "S", "key", "7d", "100", "batch", "in"]
)


@st.composite
def filled(draw: st.DrawFn) -> str:
    """A verb with parameters, as long as a line can be."""
    words = draw(st.lists(longest | small | filling, max_size=5))
    verb = draw(st.sampled_from(sorted(set(COMMANDS) - {"QUIT", "ERROR", "UBAN"})) | st.just("v" * 200))
    line = " ".join([verb, *words[:-1], *(f":{word}" for word in words[-1:])])
    return line.encode()[:LINE_BYTES].decode(errors="ignore")


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["", CAPS, "echo-message draft/multiline batch"]), st.lists(filled(), min_size=5, max_size=40))
def test_whatever_is_said_no_line_is_cut(caps: str, script: list[str]) -> None:
    """Every verb, with words of any length, by an admin, by a user, before registration, on the control socket."""
    with house(caps) as (here, boss, mate):
        clients = [boss, mate, here.open(), here.control()]
        for line in script:
            for client in clients:
                if not client.session.closing:
                    client.say(line)


def test_the_last_resort_still_cuts(monkeypatch: pytest.MonkeyPatch) -> None:
    """What no rule foresaw is cut, because a longer line would break clients."""
    monkeypatch.undo()
    assert len(framing.encode("x" * 600)) == LINE_BYTES + 2
