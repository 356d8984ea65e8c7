from __future__ import annotations

import pytest
from harness.world import PASSWORD, SERVER, START, Here, params_of, verbs

from chatroom.commands.reading.read_markers import MOST_MARKERS

EARLY = "timestamp=2019-01-04T14:33:26.123Z"
LATE = "timestamp=2022-01-04T14:33:26.000Z"
CAP = "draft/read-marker"


def test_a_marker_is_set_asked_for_and_only_moves_forward(here: Here) -> None:
    """Setting is answered with the new marker. An earlier time is answered with the marker as it is."""
    alice = here.member("alice", caps=CAP)
    assert alice.ask("MARKREAD bob") == [f":{SERVER} MARKREAD bob *"]
    for said, told in ((EARLY, EARLY), (LATE, LATE), (EARLY, LATE), (LATE, LATE)):
        assert alice.ask(f"MARKREAD bob {said}") == [f":{SERVER} MARKREAD bob {told}"]
    assert alice.ask("MARKREAD BOB") == [f":{SERVER} MARKREAD BOB {LATE}"]
    assert alice.ask("MARKREAD #lobby") == [f":{SERVER} MARKREAD #lobby *"]


def test_a_time_in_the_future_is_set_to_now(here: Here) -> None:
    """No user has read messages that do not exist yet."""
    alice = here.connect("alice")
    sent = alice.ask("MARKREAD #lobby timestamp=2999-01-01T00:00:00.000Z")
    assert sent == [f":{SERVER} MARKREAD #lobby timestamp={START:%Y-%m-%dT%H:%M:%S}.000Z"]


@pytest.mark.parametrize("said", ["MARKREAD", "MARKREAD :"])
def test_without_a_target_it_is_need_more_params(here: Here, said: str) -> None:
    """It is a standard reply, not numeric 461."""
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
def test_an_invalid_target_or_time_is_invalid_params(here: Here, said: str, context: list[str]) -> None:
    """The FAIL names the invalid word, and no marker changes."""
    alice = here.connect("alice")
    assert params_of(alice.ask(said), "FAIL")[:-1] == ["MARKREAD", "INVALID_PARAMS", *context]
    assert alice.user.account_data.markers == {}


def test_a_join_shows_the_marker_before_the_names(here: Here) -> None:
    """A session without the capability is not shown it."""
    alice = here.member("alice", caps=CAP)
    assert [verb for verb in verbs(alice.ask("JOIN #a")) if verb in ("JOIN", "MARKREAD", "366")] == [
        "JOIN",
        "MARKREAD",
        "366",
    ]
    alice.say(f"MARKREAD #a {EARLY}", "PART #a")
    assert f":{SERVER} MARKREAD #a {EARLY}" in alice.ask("JOIN #A")
    assert "MARKREAD" not in verbs(here.connect("bob").ask("JOIN #a"))


def test_a_change_is_told_to_all_sessions_of_the_account(here: Here) -> None:
    """Sessions under another nick too, if they have the capability. Other users read nothing."""
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


def test_a_join_shows_the_marker_to_the_users_other_sessions(here: Here) -> None:
    """They read what the joining one reads: the JOIN, the marker and the members."""
    phone, laptop = here.member("una", caps=CAP), here.member("una", caps=CAP)
    laptop.read()
    phone.say("JOIN #a")
    assert [verb for verb in verbs(laptop.read()) if verb != "MODE"] == ["JOIN", "MARKREAD", "353", "366"]


def test_markers_survive_leaving_and_a_restart(here: Here) -> None:
    """They are in the database. They are back when the account logs in by PASS, SASL or later."""
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


def test_a_second_session_is_shown_the_markers_of_its_channels(here: Here) -> None:
    """Registration puts it into the channels, each with its marker as after a JOIN."""
    here.member("una", caps=CAP).say(f"MARKREAD #lobby {EARLY}")
    laptop = here.open()
    sent = laptop.ask(f"CAP REQ {CAP}", f"PASS :una:{PASSWORD}", "NICK una", "USER u 0 * :U", "CAP END")
    assert verbs(sent)[-4:] == ["JOIN", "MARKREAD", "353", "366"]
    assert params_of(sent, "MARKREAD") == ["#lobby", EARLY]


def test_a_guests_markers_end_with_the_guest_or_go_to_its_account(here: Here) -> None:
    """A later guest of the name has none of them. Registering the name keeps them."""
    alice = here.connect("alice", caps=CAP)
    alice.say(f"MARKREAD bob {EARLY}", "QUIT")
    alice = here.connect("alice", caps=CAP)
    assert alice.ask("MARKREAD bob") == [f":{SERVER} MARKREAD bob *"]
    alice.say(f"MARKREAD bob {LATE}", f"REGISTER * * :{PASSWORD}")
    assert alice.ask("MARKREAD bob") == [f":{SERVER} MARKREAD bob {LATE}"]
    here.restart()
    assert here.connect("alice", login="alice").ask("MARKREAD bob") == [f":{SERVER} MARKREAD bob {LATE}"]


def test_a_marker_too_many_replaces_the_oldest(here: Here) -> None:
    """An account has a bounded number of markers, in memory and in the database."""
    una = here.member("una")
    account = here.stores.accounts.get("una")
    una.user.account_data.markers.update({f"n{number}": 10 + number for number in range(MOST_MARKERS)})
    here.stores.account_data.set_marker(account.id, "n0", 10)
    una.say(f"MARKREAD bob {EARLY}")
    markers = una.user.account_data.markers
    assert len(markers) == MOST_MARKERS
    assert "n0" not in markers
    assert list(here.stores.account_data.load(account.id).markers) == ["bob"]


def test_a_logged_out_user_has_none_of_the_accounts_markers(here: Here) -> None:
    """The user of a disabled account stays as a guest."""
    una = here.member("una", caps=CAP)
    una.say(f"MARKREAD bob {EARLY}")
    here.disable("una")
    assert una.user.account is None
    una.read()
    assert una.ask("MARKREAD bob") == [f":{SERVER} MARKREAD bob *"]
