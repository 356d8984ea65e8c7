from __future__ import annotations

import sys

import pytest
from harness.filters import add_filter
from harness.world import SHELL, Here, params_of, verbs

from chatroom.errors import DiskFull
from chatroom.irc.message import parse


def texts(lines: list[str], verb: str = "NOTICE") -> list[str]:
    """The texts of the answers: those of moderators without standard replies are notices."""
    return [parse(line).params[-1] for line in lines if parse(line).verb == verb]


def test_moderators_add_filters(here: Here) -> None:
    """The filter is stored, in force, and in the log and the audit."""
    mo, alice = here.moderator(address="192.0.2.7"), here.connect("alice")
    assert texts(mo.ask("FILTER ADD mute 1h buy?followers no advertising")) == [
        "filter 1: mute for 1h, glob buy?followers, by mo, 0 hits: no advertising"
    ]
    assert texts(mo.ask("FILTER ADD refuse viagra")) == ["filter 2: refuse, glob *viagra*, by mo, 0 hits"]
    assert texts(mo.ask(r"FILTER ADD REGEX ban (buy|sell)\s+followers")) == [
        r"filter 3: ban for 1d, regex (buy|sell)\s+followers, by mo, 0 hits"
    ]
    assert verbs(alice.ask("PRIVMSG #lobby :Viagra!")) == ["404"]
    assert len(here.stores.filters.list_all()) == 3
    assert [(entry.actor, entry.origin, entry.action) for entry in here.stores.audit.list_entries()[1:]] == [
        ("mo", "192.0.2.7", "filter.add")
    ] * 3
    assert "filter 2 (refuse *viagra*) by mo" in here.world.log_lines
    here.restart()
    assert verbs(here.connect("alice").ask("PRIVMSG #lobby :Viagra!")) == ["404"]


def test_users_may_not_filter(here: Here) -> None:
    """As with UBAN."""
    assert verbs(here.member().ask("FILTER LIST", "FILTER ADD refuse x")) == ["481", "481"]


@pytest.mark.parametrize(
    "line, code",
    [
        ("FILTER", "461"),
        ("FILTER BURN x", "INVALID_PARAMS"),
        ("FILTER ADD", "INVALID_PARAMS"),
        ("FILTER ADD refuse", "INVALID_PARAMS"),
        ("FILTER ADD FORCE", "INVALID_PARAMS"),
        ("FILTER ADD burn viagra", "INVALID_PARAMS"),
        ("FILTER ADD refuse 1h viagra", "INVALID_PARAMS"),
        ("FILTER ADD REGEX refuse (viagra", "INVALID_PARAMS"),
        ("FILTER ADD refuse *", "NEEDS_FORCE"),
        ("FILTER ADD REGEX ban .", "NEEDS_FORCE"),
        ("FILTER DEL 7", "NOT_FOUND"),
        ("FILTER DEL viagra", "NOT_FOUND"),
        ("FILTER UNMUTE alice", "NOT_FOUND"),
    ],
)
def test_what_makes_no_sense_is_refused(here: Here, line: str, code: str) -> None:
    """Nothing changes."""
    (answer,) = here.moderator().ask(line)
    assert code in (parse(answer).verb, parse(answer).params[1])
    assert here.stores.filters.list_all() == []


def test_force_confirms_a_filter_for_everything(here: Here) -> None:
    """The refusal says how."""
    mo = here.moderator()
    assert texts(mo.ask("FILTER ADD mute *"), "FAIL")[0].endswith("use FILTER ADD FORCE to add it anyway")
    mo.say("FILTER ADD FORCE mute *")
    alice = here.open()
    assert verbs(alice.ask("NICK alice", "USER a 0 * :a")) == ["465", "ERROR"]


def test_filters_are_listed_with_their_hits(here: Here) -> None:
    """Those of this run and those that are stored, also after the list was read again."""
    mo, alice = here.moderator(), here.connect("alice")
    mo.say("FILTER ADD refuse viagra no pills")
    alice.say("PRIVMSG #lobby :viagra", "PRIVMSG #lobby :VIAGRA")
    assert texts(mo.ask("FILTER LIST")) == ["filter 1: refuse, glob *viagra*, by mo, 2 hits: no pills", "1 filter"]
    mo.say("FILTER ADD refuse bitcoin")
    alice.say("PRIVMSG #lobby :viagra")
    assert "3 hits" in texts(mo.ask("FILTER LIST"))[0]
    assert texts(mo.ask("FILTER LIST"))[-1] == "2 filters"


def test_a_long_list_is_cut(here: Here) -> None:
    """The end says where the rest is."""
    for number in range(201):
        add_filter(here, f"spam{number}")
    answer = texts(here.moderator().ask("FILTER LIST"))
    assert len(answer) == 201
    assert answer[-1] == "200 filters; chatroomctl filter list shows all 201"


@pytest.mark.parametrize("named", ["1", "#1", "*viagra*", "viagra"])
def test_a_filter_is_removed_by_number_or_pattern(here: Here, named: str) -> None:
    """From then on the text may be said."""
    mo, alice = here.moderator(), here.connect("alice")
    mo.say("FILTER ADD refuse viagra")
    assert texts(mo.ask(f"FILTER DEL {named}")) == ["filter 1 (*viagra*) is removed"]
    assert alice.ask("PRIVMSG #lobby :viagra") == []
    assert here.stores.filters.list_all() == []
    assert not here.world.spam.is_on
    assert here.stores.audit.list_entries()[-1].action == "filter.remove"


def test_a_filter_that_is_gone_from_the_database_is_not_found(here: Here) -> None:
    """The shell was quicker."""
    mo = here.moderator()
    mo.say("FILTER ADD refuse viagra")
    here.stores.filters.remove(1, SHELL)
    assert params_of(mo.ask("FILTER DEL 1"), "FAIL")[1] == "NOT_FOUND"


def test_a_text_is_tested(here: Here) -> None:
    """Nothing happens to the moderator, and no hit is counted."""
    mo = here.moderator()
    mo.say("FILTER ADD kick viagra")
    assert texts(mo.ask("FILTER TEST buy Viagra now")) == ["filter 1: kick, glob *viagra*, by mo, 0 hits"]
    assert texts(mo.ask("FILTER TEST :hello you")) == ["no filter matches"]
    assert here.world.spam.unsaved == {}


def test_mutes_are_listed_and_lifted(here: Here) -> None:
    """By the nick that the user had or has."""
    mo = here.moderator()
    mo.say("FILTER ADD mute 10m viagra no pills")
    alice, una = here.connect("alice", address="192.0.2.1"), here.member(address="192.0.2.2")
    for client in (alice, una):
        client.say("PRIVMSG #lobby :viagra")
    here.wait(60)
    assert texts(mo.ask("FILTER MUTES")) == [
        "alice is muted for 9m by filter 1: no pills",
        "una is muted for 9m by filter 1: no pills",
        "2 mutes",
    ]
    alice.say("NICK eve")
    mo.read()
    assert texts(mo.ask("FILTER UNMUTE EVE")) == ["EVE may talk again"]
    assert alice.ask("PRIVMSG #lobby :hello") == []
    assert verbs(una.ask("PRIVMSG #lobby :hello")) == ["404"]
    una.vanish()
    mo.read()
    assert texts(mo.ask("FILTER UNMUTE una")) == ["una may talk again"]
    assert here.member().ask("PRIVMSG #lobby :hello") == []
    assert [entry.action for entry in here.stores.audit.list_entries()[-2:]] == ["filter.unmute"] * 2
    assert texts(mo.ask("FILTER MUTES"))[-1] == "0 mutes"


def test_a_filter_that_cannot_be_stored_is_not_in_force(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """The moderator is told to try again."""
    mo, alice = here.moderator(), here.connect("alice")

    def refuse(*_: object) -> None:
        raise DiskFull("the disk is full")

    monkeypatch.setattr(type(here.stores.filters), "add", refuse)
    assert params_of(mo.ask("FILTER ADD refuse viagra"), "FAIL")[1] == "TEMPORARILY_UNAVAILABLE"
    assert alice.ask("PRIVMSG #lobby :viagra") == []


def test_without_re2_a_stored_filter_is_not_in_force(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list and the log say so; the other filters act."""
    mo = here.moderator()
    mo.say("FILTER ADD REGEX refuse via.ra")
    monkeypatch.setitem(sys.modules, "re2", None)
    add_filter(here, "bitcoin")
    assert any("filter 1 is not in force: regular expressions need" in line for line in here.world.log_lines)
    assert "NOT IN FORCE: regular expressions need" in " ".join(texts(mo.ask("FILTER LIST")))
    assert verbs(here.connect("alice").ask("PRIVMSG #lobby :viagra", "PRIVMSG #lobby :bitcoin")) == ["404"]


def test_the_shell_lists_and_lifts_mutes(here: Here) -> None:
    """Over the control socket, with the figures as words of their own. The audit has the shell's user."""
    here.moderator().say("FILTER ADD mute 10m viagra no pills")
    alice, shell = here.connect("alice", address="192.0.2.1"), here.control()
    alice.say("PRIVMSG #lobby :viagra")
    here.wait(60)
    entry, end = map(parse, shell.ask("FILTER MUTES"))
    assert entry.params == ["FILTER", "ENTRY", "alice", "540", "1", "alice is muted for 9m by filter 1: no pills"]
    assert end.params == ["FILTER", "END", "*", "1 mute"]
    assert params_of(shell.ask("FILTER UNMUTE alice"), "NOTE")[1:] == ["UNMUTED", "alice", "alice may talk again"]
    assert alice.ask("PRIVMSG #lobby :hello") == []
    assert here.stores.audit.list_entries()[-1].actor == "root"
