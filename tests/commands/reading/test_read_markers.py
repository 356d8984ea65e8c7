from __future__ import annotations

import pytest
from harness.world import PASSWORD, SERVER, START, Here, params_of, verbs

from chatroom.commands.reading.read_markers import MOST_MARKERS

EARLY = "timestamp=2019-01-04T14:33:26.123Z"
LATE = "timestamp=2022-01-04T14:33:26.000Z"
CAP = "draft/read-marker"


def test_a_marker_is_set_asked_for_and_only_moves_forward(here: Here) -> None:
    """Setting answers with the new marker, an older moment and the question with the one that stands."""
    alice = here.member("alice", caps=CAP)
    assert alice.ask("MARKREAD bob") == [f":{SERVER} MARKREAD bob *"]
    for said, told in ((EARLY, EARLY), (LATE, LATE), (EARLY, LATE), (LATE, LATE)):
        assert alice.ask(f"MARKREAD bob {said}") == [f":{SERVER} MARKREAD bob {told}"]
    assert alice.ask("MARKREAD BOB") == [f":{SERVER} MARKREAD BOB {LATE}"]
    assert alice.ask("MARKREAD #lobby") == [f":{SERVER} MARKREAD #lobby *"]


def test_a_moment_to_come_is_now(here: Here) -> None:
    """Nobody has read what was not said yet."""
    alice = here.connect("alice")
    sent = alice.ask("MARKREAD #lobby timestamp=2999-01-01T00:00:00.000Z")
    assert sent == [f":{SERVER} MARKREAD #lobby timestamp={START:%Y-%m-%dT%H:%M:%S}.000Z"]


@pytest.mark.parametrize("said", ["MARKREAD", "MARKREAD :"])
def test_without_a_target_it_is_need_more_params(here: Here, said: str) -> None:
    """The standard reply, not 461."""
    assert here.connect("alice").ask(said) == [f":{SERVER} FAIL MARKREAD NEED_MORE_PARAMS :Missing parameters"]


@pytest.mark.parametrize(
    "said, context",
    [
        ("MARKREAD a,b", ["a,b"]),
        ("MARKREAD #", ["#"]),
        ("MARKREAD bob *", ["bob", "*"]),
        ("MARKREAD bob 2019-01-04T14:33:26.123Z", ["bob", "2019-01-04T14:33:26.123Z"]),
        ("MARKREAD bob timestamp=2019-01-04T14:33:26Z", ["bob", "timestamp=2019-01-04T14:33:26Z"]),
        ("MARKREAD bob timestamp=2019-13-04T14:33:26.000Z", ["bob", "timestamp=2019-13-04T14:33:26.000Z"]),
    ],
)
def test_what_is_no_target_or_moment_is_invalid_params(here: Here, said: str, context: list[str]) -> None:
    """INVALID_PARAMS names what was wrong, and nothing is noted."""
    alice = here.connect("alice")
    assert params_of(alice.ask(said), "FAIL")[:-1] == ["MARKREAD", "INVALID_PARAMS", *context]
    assert alice.user.account_data.markers == {}


def test_who_joins_is_told_between_join_and_names(here: Here) -> None:
    """With the capability a JOIN is followed by the marker, before the end of the names; without, it is not."""
    alice = here.member("alice", caps=CAP)
    assert [verb for verb in verbs(alice.ask("JOIN #a")) if verb in ("JOIN", "MARKREAD", "366")] == [
        "JOIN",
        "MARKREAD",
        "366",
    ]
    alice.say(f"MARKREAD #a {EARLY}", "PART #a")
    assert f":{SERVER} MARKREAD #a {EARLY}" in alice.ask("JOIN #A")
    assert "MARKREAD" not in verbs(here.connect("bob").ask("JOIN #a"))


def test_markers_are_the_accounts_and_told_to_all_its_devices(here: Here) -> None:
    """Each device with the capability reads the change, the one under another nick too; nobody else does."""
    phone = here.member("una", caps=CAP)
    laptop = here.member("una", caps=CAP)
    old = here.member("una")
    other_nick = here.connect("una2", login="una", caps=CAP)
    bob = here.connect("bob", caps=CAP)
    here.forget_unread()
    told = [f":{SERVER} MARKREAD #lobby {EARLY}"]
    assert phone.ask(f"MARKREAD #lobby {EARLY}") == told
    assert laptop.read() == other_nick.read() == told
    assert old.read() == bob.read() == []
    assert laptop.ask(f"MARKREAD #lobby {EARLY}") == told
    assert phone.read() == []


def test_a_join_tells_the_other_devices_their_marker_as_well(here: Here) -> None:
    """They read what the joining one reads: the JOIN, the marker and the members."""
    phone, laptop = here.member("una", caps=CAP), here.member("una", caps=CAP)
    laptop.read()
    phone.say("JOIN #a")
    assert [verb for verb in verbs(laptop.read()) if verb != "MODE"] == ["JOIN", "MARKREAD", "353", "366"]


def test_markers_survive_leaving_and_a_restart(here: Here) -> None:
    """They are in the database, and at hand when the account comes back, by PASS, SASL or a later login."""
    una = here.member("una", caps=CAP)
    una.say(f"MARKREAD bob {EARLY}", "QUIT")
    assert here.world.online.account_data == {}
    assert here.member("una", caps=CAP).ask("MARKREAD bob") == [f":{SERVER} MARKREAD bob {EARLY}"]
    here.restart()
    una = here.member("una", caps=CAP)
    assert una.ask("MARKREAD bob") == [f":{SERVER} MARKREAD bob {EARLY}"]
    una.say("QUIT")
    from harness.world import sasl_plain

    guest = here.connect("guest", caps=f"sasl {CAP}")
    guest.say("AUTHENTICATE PLAIN", sasl_plain("una"))
    assert guest.ask("MARKREAD bob")[-1] == f":{SERVER} MARKREAD bob {EARLY}"


def test_a_second_device_is_shown_the_markers_of_its_channels(here: Here) -> None:
    """What it is put into is followed by the marker, as its own JOIN would be."""
    here.member("una", caps=CAP).say(f"MARKREAD #lobby {EARLY}")
    laptop = here.open()
    sent = laptop.ask(f"CAP REQ {CAP}", f"PASS :una:{PASSWORD}", "NICK una", "USER u 0 * :U", "CAP END")
    assert verbs(sent)[-4:] == ["JOIN", "MARKREAD", "353", "366"]
    assert params_of(sent, "MARKREAD") == ["#lobby", EARLY]


def test_a_guest_keeps_its_own_as_long_as_it_lasts_and_into_its_account(here: Here) -> None:
    """Another guest of the name has none of them; registering the name keeps them."""
    alice = here.connect("alice", caps=CAP)
    alice.say(f"MARKREAD bob {EARLY}", "QUIT")
    alice = here.connect("alice", caps=CAP)
    assert alice.ask("MARKREAD bob") == [f":{SERVER} MARKREAD bob *"]
    alice.say(f"MARKREAD bob {LATE}", f"REGISTER * * :{PASSWORD}")
    assert alice.ask("MARKREAD bob") == [f":{SERVER} MARKREAD bob {LATE}"]
    here.restart()
    assert here.connect("alice", login="alice").ask("MARKREAD bob") == [f":{SERVER} MARKREAD bob {LATE}"]


def test_of_too_many_the_oldest_goes(here: Here) -> None:
    """An account has a bounded number of markers, in memory and on the disk."""
    una = here.member("una")
    account = here.stores.accounts.get("una")
    una.user.account_data.markers.update({f"n{number}": 10 + number for number in range(MOST_MARKERS)})
    here.stores.account_data.set_marker(account.id, "n0", 10)
    una.say(f"MARKREAD bob {EARLY}")
    markers = una.user.account_data.markers
    assert len(markers) == MOST_MARKERS
    assert "n0" not in markers
    assert list(here.stores.account_data.load(account.id).markers) == ["bob"]


def test_who_logs_out_leaves_the_accounts_markers_behind(here: Here) -> None:
    """A disabled account's wearer goes on as a guest, with none of them."""
    una = here.member("una", caps=CAP)
    una.say(f"MARKREAD bob {EARLY}")
    here.disable("una")
    assert una.user.account is None
    una.read()
    assert una.ask("MARKREAD bob") == [f":{SERVER} MARKREAD bob *"]
