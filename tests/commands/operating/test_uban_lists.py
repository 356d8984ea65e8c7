"""UBAN DEL, INFO and LIST: what a ban covers, and taking it back."""

from __future__ import annotations

from harness.world import SHELL, START, Here, params_of, verbs

from chatroom.chat.enforcement import apply_rules
from chatroom.chat.stored.records import NewBan, Role


def texts(lines: list[str]) -> list[str]:
    """Return the last parameters of these notices and notes."""
    return [line.split(" :", 1)[1] for line in lines]


def test_a_lifted_ban_lets_in(here: Here) -> None:
    """UBAN DEL takes a name, an address or a number. The row stays. A target without a ban is NOT_FOUND."""
    ada = here.admin()
    ada.say("UBAN ADD eve", "UBAN ADD 192.0.2.7", "UBAN ADD bob")
    assert texts(ada.ask("UBAN DEL EVE")) == ["eve is no longer banned"]
    assert texts(ada.ask("UBAN DEL ::ffff:192.0.2.7")) == ["192.0.2.7 is no longer banned"]
    assert texts(ada.ask("UBAN DEL #3")) == ["bob is no longer banned"]
    here.connect("eve", address="192.0.2.7")
    assert params_of(ada.ask("UBAN DEL eve"), "FAIL")[:2] == ["UBAN", "NOT_FOUND"]
    assert params_of(ada.ask("UBAN DEL 99"), "FAIL")[0] == "UBAN"
    assert [ban.lifted_by for ban in here.stores.bans.list_all()] == ["ada", "ada", "ada"]


def test_a_new_ban_replaces_the_one_before_it(here: Here) -> None:
    """A second ban of the same target replaces reason and end, in memory and on the disk."""
    ada = here.admin()
    ada.say("UBAN ADD eve 1h first", "UBAN ADD EVE 7d second")
    assert texts(ada.ask("UBAN LIST")) == [
        "2: EVE is banned: second (until 2030-05-08 12:00 UTC), by ada since 2030-05-01 12:00:00 UTC",
        "1 ban in force",
    ]
    here.restart()
    assert [rule.reason for rule in here.world.bans] == ["second"]


def test_a_ban_runs_out_by_itself(here: Here) -> None:
    """A ban that ran out neither refuses clients nor is listed."""
    ada = here.admin()
    ada.say("UBAN ADD eve 30s", "UBAN ADD 192.0.2.7 30s")
    here.wait(29)
    assert here.open("192.0.2.7").closed
    here.wait(1)
    here.connect("eve", address="192.0.2.7")
    assert texts(ada.ask("UBAN LIST")) == ["0 bans in force"]
    assert params_of(ada.ask("UBAN DEL eve"), "FAIL")[:2] == ["UBAN", "NOT_FOUND"]


def test_info_shows_the_ban_and_who_would_be_hit(here: Here) -> None:
    """INFO answers for names, addresses and networks, banned or not."""
    ada = here.admin()
    here.connect("bob", address="192.0.2.1")
    here.connect("eve", address="192.0.2.2")
    assert texts(ada.ask("UBAN INFO 192.0.2.0/24")) == ["192.0.2.0/24 is not banned", "2 of 3 users: bob, eve"]
    assert texts(ada.ask("UBAN INFO EVE")) == ["EVE is not banned", "1 of 3 users: eve"]
    assert texts(ada.ask("UBAN INFO nobody")) == ["nobody is not banned", "0 of 3 users: none"]
    assert texts(ada.ask("UBAN INFO --ip eve")) == ["192.0.2.2 is not banned", "1 of 3 users: eve"]
    assert params_of(ada.ask("UBAN INFO --ip"), "FAIL")[:2] == ["UBAN", "INVALID_PARAMS"]
    ada.say("UBAN ADD 192.0.2.2 1d spam")
    assert texts(ada.ask("UBAN INFO 192.0.2.2")) == [
        "1: 192.0.2.2 is banned: spam (until 2030-05-02 12:00 UTC), by ada since 2030-05-01 12:00:00 UTC",
        "0 of 2 users: none",
    ]


def test_a_moderator_does_not_lift_a_ban_on_a_better(here: Here) -> None:
    """Only admins can lift the ban on an admin's name."""
    here.account("abe", Role.ADMIN)
    mo = here.moderator()
    here.ban("abe", "by the shell")
    assert verbs(mo.ask("UBAN DEL abe")) == ["481"]
    assert texts(here.admin(address="10.0.0.3").ask("UBAN DEL abe")) == ["abe is no longer banned"]


def test_a_list_of_very_many_bans_shows_the_newest(here: Here) -> None:
    """UBAN LIST is short enough for the send queue of the client, and names the command that lists all bans."""
    ada = here.admin()
    made = here.stores.bans.add_many([NewBan("name", f"n{number}", "import", None) for number in range(1, 401)], SHELL)
    with here.tick():
        apply_rules(here.world, [(ban.id, here.stores.bans.find_rule(ban.id, START)) for ban in made])
    listed = texts(ada.ask("UBAN LIST"))
    assert len(listed) == 201
    assert listed[0].startswith("400: n400 is banned: import")
    assert listed[-1] == "the newest 200 of 400 bans; chatroomctl ban list shows all of them"


def test_a_user_without_a_connection_has_no_address(here: Here) -> None:
    """An account that is always on and away from every device. ADD and INFO say so."""
    ada, una = here.admin(), here.member("una")
    una.say("NS SET ALWAYS-ON on", "QUIT")
    assert here.user("una").sessions == []
    for line in ("UBAN ADD --ip una 1h", "UBAN INFO --ip una"):
        assert texts(ada.ask(line)) == ["una is not connected, so there is no address to ban"]
    assert list(here.world.bans) == []


def test_a_network_of_which_a_part_is_banned(here: Here) -> None:
    """INFO of a network says whether a ban covers all of it, and else names the bans inside it."""
    ada = here.admin()
    ada.say("UBAN ADD 198.51.100.0/24", "UBAN ADD 198.51.102.7 1h", "UBAN ADD eve")
    partly = "{} is not banned as a whole; bans inside it ({}): {}"
    assert texts(ada.ask("UBAN INFO 198.51.100.0/23"))[0] == partly.format("198.51.100.0/23", 1, "1: 198.51.100.0/24")
    assert texts(ada.ask("UBAN INFO 198.51.0.0/16"))[0] == partly.format(
        "198.51.0.0/16", 2, "2: 198.51.102.7, 1: 198.51.100.0/24"
    )
    assert texts(ada.ask("UBAN INFO 198.51.102.0/23"))[0] == partly.format("198.51.102.0/23", 1, "2: 198.51.102.7")
    assert texts(ada.ask("UBAN INFO 198.51.100.128/25"))[0].startswith("1: 198.51.100.0/24 is banned")
    [refusal] = texts(ada.ask("UBAN DEL 198.51.0.0/16"))
    assert refusal == partly.format("198.51.0.0/16", 2, "2: 198.51.102.7, 1: 198.51.100.0/24")
    here.wait(3600)
    assert texts(ada.ask("UBAN INFO 198.51.102.0/23"))[0] == "198.51.102.0/23 is not banned"


def test_a_ban_that_a_wider_one_covers(here: Here) -> None:
    """DEL of an address that a wider ban covers names that ban, also if the address had one of its own."""
    ada = here.admin()
    ada.say("UBAN ADD 198.51.100.0/24")
    refusal = params_of(ada.ask("UBAN DEL 198.51.100.7"), "FAIL")
    assert refusal[:2] == ["UBAN", "NOT_FOUND"]
    assert "198.51.100.7 is covered by ban 1 on 198.51.100.0/24: UBAN DEL 1 lifts that one" in refusal[-1]
    ada.say("UBAN ADD 198.51.100.7")
    assert texts(ada.ask("UBAN DEL 198.51.100.7")) == [
        "ban 2 is lifted, but ban 1 on 198.51.100.0/24 still covers 198.51.100.7"
    ]
