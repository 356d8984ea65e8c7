"""A secret channel cannot be probed from outside: one rule says who may know of it, and every verb follows it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from harness.session_client import Client
from harness.world import Here, params_of, verbs

from chatroom.commands.command_table import COMMANDS, When

CAPS = "message-tags batch draft/chathistory draft/message-redaction draft/metadata-3 draft/read-marker draft/relaymsg"
PROBES = [
    "MODE {}",
    "MODE {} b",
    "MODE {} +m",
    "MODE #own +f {}",
    "TOPIC {}",
    "TOPIC {} :new",
    "INVITE bob {}",
    "KNOCK {}",
    "PART {}",
    "KICK {} mo",
    "RENAME {} #other",
    "PRIVMSG {} :hello",
    "PRIVMSG @{} :hello",
    "NOTICE {} :hello",
    "TAGMSG {}",
    "NAMES {}",
    "WHO {}",
    "WHO mo",
    "WHOIS mo",
    "LIST",
    "LIST {}",
    "CBAN {}",
    "CBAN {} eve 1h",
    "RELAYMSG {} a/b :hello",
    "CHATHISTORY LATEST {} * 10",
    "SEARCH in={};text=plans",
    "REDACT {} 1",
    "MARKREAD {}",
    "METADATA {} LIST",
    "METADATA {} SET url :x",
    "ZNC *playback PLAY {}",
]
ABOUT_NO_CHANNEL = """
    ACCEPT ADMIN AUDIT AUTHENTICATE AWAY BATCH CAP CERT ERROR FILTER HELP HELPOP INFO INVITELINK ISON ISUPPORT KILL
    LINKS LOCKDOWN LOGINDELAY LUSERS MAP MONITOR MOTD NICK NICKSERV NS OPER PASS PING PONG QUIT REGISTER REHASH REQUEST
    RESETPASS SETNAME STATS TIME UBAN USER USERHOST VERIFY VERSION WALLOPS WEBIRC WHOWAS
"""
TELLS_BY_DESIGN = {"JOIN"}
"""A user who tries to enter reads what is missing, such as the key."""


def test_every_verb_that_can_name_a_channel_is_probed() -> None:
    """A new verb needs a probe here, or a place among those that are about no channel."""
    spoken = {verb for verb, command in COMMANDS.items() if command.when is not When.CONTROL}
    assert {probe.split()[0] for probe in PROBES} == spoken - set(ABOUT_NO_CHANNEL.split()) - TELLS_BY_DESIGN


@pytest.fixture
def secret(keeping: Here) -> Here:
    """A world with a secret channel, which its founder is in."""
    add_hidden(keeping)
    return keeping


def add_hidden(here: Here) -> Client:
    """Have a user make a secret channel with a topic and a ban; return its founder."""
    mo = here.connect("mo")
    mo.say("JOIN #hidden", "MODE #hidden +skb key x!*@*", "TOPIC #hidden :plans", "PRIVMSG #hidden :our plans")
    return mo


@pytest.mark.parametrize("probe", PROBES)
def test_a_secret_channel_answers_as_none(secret: Here, probe: str) -> None:
    """The answers for a secret channel and for none differ in nothing but the name."""
    eve = secret.connect("eve", caps=CAPS)
    secret.connect("bob")
    eve.say("JOIN #own")

    def answers(name: str) -> list[str]:
        return [re.sub(r"^@\S+ ", "", line).replace(name, "NAME") for line in eve.ask(probe.format(name))]

    hidden, none = answers("#hidden"), answers("#nothing")
    assert verbs(hidden) == verbs(none)
    assert hidden == none
    assert not any("#hidden" in line for line in hidden)


def invited(here: Here, mo: Client) -> Client:
    """A guest with an invitation."""
    eve = here.connect("eve", caps=CAPS)
    mo.say("INVITE eve #hidden")
    return eve


def with_a_standing(here: Here, mo: Client) -> Client:
    """An account that is voiced as soon as it joins."""
    eve = here.member("eve", caps=CAPS)
    channel = here.channel("#hidden")
    assert eve.user.account is not None
    channel.access[eve.user.account.id] = "v"
    return eve


def moderating(here: Here, mo: Client) -> Client:
    """A moderator of the server, outside the channel."""
    return here.moderator("eve", caps=CAPS)


@pytest.mark.unmeasured
@pytest.mark.parametrize("knowing", [invited, with_a_standing, moderating])
@pytest.mark.parametrize("probe", PROBES)
def test_who_may_know_of_it_reads_what_any_channel_would_answer(tmp_path: Path, probe: str, knowing: object) -> None:
    """Mode s changes no answer but its own letter and sign for those who may know of the channel."""
    told = []
    for modes in ("-t", "-st"):
        with Here(tmp_path / f"{modes}.db", history=True) as here:
            mo = add_hidden(here)
            here.connect("bob")
            eve = knowing(here, mo)  # type: ignore[operator]  # one of the three above
            mo.say(f"MODE #hidden {modes}")
            eve.say("JOIN #own")
            answers = eve.ask(probe.format("#hidden"))
            told.append([re.sub(r"(?<= )@(?= #hidden)|(?<=\+n)s|(?<=\+kn)s", "", line) for line in answers])
            told[-1] = [line.replace(" = #hidden", "  #hidden") for line in told[-1]]
    assert told[0] == told[1]


def test_an_invitation_shows_the_channel(secret: Here) -> None:
    """An invited user may look before joining: at the channel, its members and the lists."""
    eve = invited(secret, secret.clients[1])
    assert verbs(eve.ask("TOPIC #hidden")) == ["332", "333"]
    assert params_of(eve.ask("NAMES #hidden"), "353")[1:] == ["@", "#hidden", "@mo"]
    assert params_of(eve.ask("LIST #hidden"), "322")[1] == "#hidden"
    assert "@#hidden" in params_of(eve.ask("WHOIS mo"), "319")[-1]


def test_invisible_members_stay_so_outside(secret: Here) -> None:
    """An invited user sees no invisible member; a moderator sees all, in NAMES as in WHO."""
    secret.clients[1].say("MODE mo +i")
    eve, mona = invited(secret, secret.clients[1]), secret.moderator("mona")
    assert verbs(eve.ask("NAMES #hidden")) == ["366"]
    assert verbs(eve.ask("WHO #hidden")) == ["315"]
    assert params_of(mona.ask("NAMES #hidden"), "353")[-1] == "@mo"
    assert verbs(mona.ask("WHO #hidden")) == ["352", "315"]


def test_moderators_see_it(secret: Here) -> None:
    """Whoever may enter every channel may also see it."""
    assert verbs(secret.moderator("mona").ask("TOPIC #hidden")) == ["332", "333"]
