"""INVITELINK: moderators make, list and remove invites."""

from __future__ import annotations

import re
from collections.abc import Callable

from harness.world import Here, params_of, verbs


def test_a_moderator_makes_an_invite_that_works(make_here: Callable[..., Here]) -> None:
    """The answer has its token and its link, this once. The log and the audit have its number and its author."""
    here = make_here(accounts={"registration": "invite"}, server={"public_address": "ircs://chat.example.org"})
    mona = here.moderator("mona", caps="standard-replies")
    mona.say("JOIN #tea")
    note = params_of(mona.ask("INVITELINK CREATE"), "NOTE")
    assert note[:3] == ["INVITELINK", "CREATED", "1"]
    token = note[3]
    assert note[4] == (f"invite 1, for 1 account, until 2030-05-08 12:00 UTC: ircs://chat.example.org/?invite={token}")
    assert "900" in verbs(here.connect("alice").ask(f"NS REGISTER hunter22 {token}"))
    assert [str(line) for line in here.world.log_lines if "invite 1 made by mona" in str(line)]
    assert not [line for line in map(str, here.world.log_lines) if token in line]
    rows = [(row.actor, row.action, row.target) for row in here.stores.audit.list_entries()]
    assert ("mona", "invite.create", "invite 1") in rows


def test_parameters_come_in_any_order(here: Here) -> None:
    """A number is how often, a duration how long, and a channel is one, written as it is spelled there."""
    mona = here.moderator("mona", caps="standard-replies")
    mona.say("JOIN #Tea")
    text = params_of(mona.ask("INVITELINK CREATE #tea 12h 5"), "NOTE")[-1]
    assert text.startswith("invite 1 and #Tea, for 5 accounts, until 2030-05-02 00:00 UTC: ")
    assert re.search(r"/Tea\?invite=1-[\w-]{32}$", text)


def test_a_client_without_standard_replies_reads_notices(here: Here) -> None:
    """They hold the link too."""
    answer = here.moderator("mona").ask("INVITELINK CREATE 2")
    assert verbs(answer) == ["NOTICE"] and "?invite=1-" in answer[0]


def test_a_server_with_a_page_gives_its_link_too(make_here: Callable[..., Here]) -> None:
    """A browser opens it."""
    here = make_here(server={"page_address": "https://chat.example.org"})
    created, page = here.moderator("mona", caps="standard-replies").ask("INVITELINK CREATE #tea")[:2]
    token = params_of([created], "NOTE")[3]
    shown = f"the same for a browser: https://chat.example.org/#/join?channel=%23tea&invite={token}"
    assert params_of([page], "NOTE") == ["INVITELINK", "PAGE", "1", shown]


def test_what_cannot_work_is_warned_of(make_here: Callable[..., Here]) -> None:
    """A channel that is not there, and a server that registers nobody."""
    here = make_here(accounts={"registration": "closed"})
    answer = here.moderator("mona", caps="standard-replies").ask("INVITELINK CREATE #nowhere")
    assert verbs(answer) == ["NOTE", "WARN", "WARN"]
    assert [line.split()[3] for line in answer[1:]] == ["NO_SUCH_CHANNEL", "REGISTRATION_CLOSED"]


def test_bad_parameters_are_refused(here: Here) -> None:
    """With what is wrong, and nothing is made."""
    mona = here.moderator("mona")
    for line, text in (
        ("CREATE nonsense", "nonsense is no number of uses"),
        ("CREATE 0", "1 to 1000 times"),
        ("CREATE 2y", "at most"),
        ("CREATE #a,b", "no channel name"),
        ("DEL", "needs the number"),
        ("DEL x", "needs the number"),
        ("DEL 7", "no invite 7"),
        ("SHOW", "use CREATE, LIST or DEL"),
    ):
        assert text in mona.ask(f"INVITELINK {line}")[0], line
    assert here.stores.invites.list_all() == []


def test_open_ones_are_listed_and_removed(here: Here) -> None:
    """The list has no token. A removed one opens nothing."""
    mona, ada = here.moderator("mona", caps="standard-replies"), here.admin(caps="standard-replies")
    first = params_of(mona.ask("INVITELINK CREATE 3"), "NOTE")[3]
    mona.say("INVITELINK CREATE 1h")
    here.connect("alice").say(f"NS REGISTER hunter22 {first}")
    here.wait(3600)
    answer = ada.ask("INVITELINK LIST")
    assert [line.split(" :")[1] for line in answer] == [
        "invite 1, used 1 of 3 times, until 2030-05-08 12:00 UTC, by mona",
        "1 open invite",
    ]
    assert params_of(ada.ask("INVITELINK DEL 1"), "NOTE")[1:3] == ["REMOVED", "1"]
    assert "no such invite" in here.connect("bob").ask(f"NS REGISTER hunter22 {first}")[0]


def test_it_is_not_for_users(here: Here) -> None:
    """They read 481."""
    assert verbs(here.member("una").ask("INVITELINK CREATE")) == ["481"]
