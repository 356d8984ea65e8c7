from __future__ import annotations

import pytest
from harness.session_client import Client
from harness.world import SERVER, Here, params_of, verbs

from chatroom.commands.presence import metadata_push
from chatroom.irc.limits import METADATA_KEYS, METADATA_SUBSCRIPTIONS, METADATA_VALUE_BYTES
from chatroom.irc.message import parse

CAPS = "batch draft/metadata-2"


def unbatched(lines: list[str], kind: str, target: str = "") -> list[str]:
    """The lines of a batch without their tags. ``lines`` must be one batch and nothing else."""
    first, last = parse(lines[0]), parse(lines[-1])
    reference = first.params[0][1:]
    assert (first.verb, first.params) == ("BATCH", [f"+{reference}", kind, *([target] if target else [])])
    assert (last.verb, last.params) == ("BATCH", [f"-{reference}"])
    assert all(line.startswith(f"@batch={reference} ") for line in lines[1:-1])
    return [line.partition(" ")[2] for line in lines[1:-1]]


def fail(lines: list[str]) -> list[str]:
    """The parameters of the one FAIL line, without its text."""
    return params_of(lines, "FAIL")[:-1]


def test_a_value_is_set_shown_and_removed(here: Here) -> None:
    """SET is answered with the value, GET and LIST with a batch. SET without a value removes it: 766."""
    alice = here.connect("alice", caps=CAPS)
    value = f":{SERVER} 761 alice alice url * :http://example.org"
    assert alice.ask("METADATA * SET url :http://example.org") == [value]
    assert unbatched(alice.ask("METADATA alice GET url"), "metadata", "alice") == [value]
    assert unbatched(alice.ask("METADATA * LIST"), "metadata", "alice") == [value]
    gone = f":{SERVER} 766 alice alice url :key not set"
    assert alice.ask("METADATA * SET url") == [gone]
    assert unbatched(alice.ask("METADATA * GET url"), "metadata", "alice") == [gone]
    assert unbatched(alice.ask("METADATA * LIST"), "metadata", "alice") == []


def test_get_answers_every_key_in_order(here: Here) -> None:
    """GET answers in the order of its keys: values, keys that are not set, and invalid keys."""
    here.connect("bob").say("METADATA * SET b :value of b")
    sent = unbatched(here.connect("alice", caps=CAPS).ask("METADATA BOB GET a B b"), "metadata", "bob")
    assert [parse(line).params[:-1] for line in sent] == [
        ["alice", "bob", "a"],
        ["METADATA", "KEY_INVALID", "B"],
        ["alice", "bob", "b", "*"],
    ]


def test_without_batch_the_answers_are_bare(here: Here) -> None:
    """A session without the capability batch gets its answers without a batch."""
    assert verbs(here.connect("alice").ask("METADATA * GET a", "METADATA * LIST", "METADATA * SUBS")) == ["766"]


def test_an_empty_value_is_a_value(here: Here) -> None:
    """An empty value is set; it is not the same as no value."""
    alice = here.connect("alice")
    assert alice.ask("METADATA * SET status :") == [f":{SERVER} 761 alice alice status * :"]
    assert params_of(alice.ask("METADATA * GET status"), "761")[-1] == ""


@pytest.mark.parametrize(
    "line, expected",
    [
        ("METADATA", ["SUBCOMMAND_INVALID", "*"]),
        ("METADATA *", ["SUBCOMMAND_INVALID", "*"]),
        ("METADATA * destr0y", ["SUBCOMMAND_INVALID", "destr0y"]),
        ("METADATA * GET", ["NEED_MORE_PARAMS", "GET"]),
        ("METADATA * SET", ["NEED_MORE_PARAMS", "SET"]),
        ("METADATA nobody LIST", ["INVALID_TARGET", "nobody"]),
        ("METADATA #nowhere SET url :x", ["INVALID_TARGET", "#nowhere"]),
        ("METADATA $a:user SET url :x", ["INVALID_TARGET", "$a:user"]),
        ("METADATA * SET $url$ :x", ["KEY_INVALID", "$url$"]),
        ("METADATA * SET Url :x", ["KEY_INVALID", "Url"]),
        ("METADATA * SET :a:b", ["KEY_INVALID", "a:b"]),
        (f"METADATA * SET {'k' * 49} :x", ["KEY_INVALID", "k" * 49]),
        ("METADATA bob SET url :x", ["KEY_NO_PERMISSION", "bob", "url"]),
        ("METADATA bob CLEAR", ["KEY_NO_PERMISSION", "bob", "*"]),
        ("METADATA #lobby SET url :x", ["KEY_NO_PERMISSION", "#lobby", "url"]),
        ("METADATA * SET url", ["KEY_NOT_SET", "alice", "url"]),
        (f"METADATA * SET url :{'x' * (METADATA_VALUE_BYTES + 1)}", ["VALUE_INVALID"]),
    ],
)
def test_what_is_refused_has_its_code(here: Here, line: str, expected: list[str]) -> None:
    """Each refusal is one standard reply outside any batch, and changes nothing."""
    here.connect("bob")
    alice = here.connect("alice", caps=CAPS)
    assert fail(alice.ask(line)) == ["METADATA", *expected]
    assert alice.user.account_data.metadata == {}


def test_a_secret_channel_is_no_target_from_outside(here: Here) -> None:
    """A user outside a secret channel gets the same answer as for no channel."""
    bob = here.connect("bob")
    bob.say("JOIN #secret", "MODE #secret +s", "METADATA #secret SET url :x")
    alice = here.connect("alice", caps=CAPS)
    assert fail(alice.ask("METADATA #secret LIST")) == ["METADATA", "INVALID_TARGET", "#secret"]
    assert verbs(bob.ask("METADATA #secret LIST")) == ["761"]


def test_keys_are_bounded(here: Here) -> None:
    """A key above the limit is LIMIT_REACHED. A key that is set may still be changed."""
    alice = here.connect("alice")
    for number in range(METADATA_KEYS):
        alice.say(f"METADATA * SET key{number} :x")
    assert fail(alice.ask("METADATA * SET another :x")) == ["METADATA", "LIMIT_REACHED", "alice"]
    assert verbs(alice.ask("METADATA * SET key0 :y")) == ["761"]


def test_clear_answers_every_key(here: Here) -> None:
    """CLEAR is answered with a batch of 766, empty if there were no keys."""
    alice = here.connect("alice", caps=CAPS)
    alice.say("METADATA * SET a :1", "METADATA * SET b :2")
    sent = unbatched(alice.ask("METADATA * CLEAR"), "metadata", "alice")
    assert [parse(line).params[1:3] for line in sent] == [["alice", "a"], ["alice", "b"]]
    assert unbatched(alice.ask("METADATA * CLEAR"), "metadata", "alice") == []


def test_subscriptions_are_added_listed_and_removed(here: Here) -> None:
    """Each key is answered by a numeric. SUBS lists each key once, in a batch of its own type."""
    alice = here.connect("alice", caps=CAPS)
    sent = alice.ask("METADATA * SUB url $x avatar url")
    assert [(parse(line).verb, parse(line).params[-1]) for line in sent if " 770 " in line] == [
        ("770", "url"),
        ("770", "avatar"),
        ("770", "url"),
    ]
    assert fail(sent) == ["METADATA", "KEY_INVALID", "$x"]
    assert unbatched(alice.ask("METADATA * SUBS"), "metadata-subs") == [
        f":{SERVER} 772 alice url",
        f":{SERVER} 772 alice avatar",
    ]
    assert alice.ask("METADATA * UNSUB url url other") == [
        f":{SERVER} 771 alice {key}" for key in ("url", "url", "other")
    ]
    assert fail(alice.ask("METADATA * UNSUB $x")) == ["METADATA", "KEY_INVALID", "$x"]
    assert unbatched(alice.ask("METADATA * SUBS"), "metadata-subs") == [f":{SERVER} 772 alice avatar"]
    alice.say("CAP REQ :-draft/metadata-2")
    assert unbatched(alice.ask("METADATA * SUBS"), "metadata-subs") == []


def test_too_many_subscriptions_end_at_the_first_that_does_not_fit(here: Here) -> None:
    """The refusal names the first key that does not fit; later keys are ignored."""
    alice = here.connect("alice", caps=CAPS)
    for start in range(0, METADATA_SUBSCRIPTIONS - 1, 7):
        alice.say(
            "METADATA * SUB " + " ".join(f"k{n}" for n in range(start, min(start + 7, METADATA_SUBSCRIPTIONS - 1)))
        )
    sent = alice.ask("METADATA * SUB last over k1")
    assert verbs(sent) == ["770", "FAIL"]
    assert fail(sent) == ["METADATA", "TOO_MANY_SUBS", "over"]


def told(client: Client) -> list[str]:
    """The METADATA messages among the unread lines of a client, without tags."""
    return [line[line.index(":") :] for line in client.read() if " METADATA " in line]


def test_a_change_is_told_to_subscribed_sessions(here: Here) -> None:
    """Subscribed sessions that share a channel read a change. Its author, other sessions and other users do not."""
    here.account("una")
    phone, laptop = (here.connect("una", login="una", caps=CAPS) for _ in range(2))
    bob, silent, stranger = (here.connect(nick, caps=CAPS) for nick in ("bob", "silent", "stranger"))
    for client in (phone, laptop, bob, stranger):
        client.say("METADATA * SUB status")
    stranger.say("PART #lobby")
    here.forget_unread()
    prefix = phone.prefix
    phone.say("METADATA * SET status :here", "METADATA * SET status :here", "METADATA * SET status")
    lines = [f":{prefix} METADATA una status * :here", f":{prefix} METADATA una status *"]
    assert told(bob) == told(laptop) == lines
    assert told(phone) == told(silent) == told(stranger) == []


def test_a_monitoring_session_is_told_without_sharing_a_channel(here: Here) -> None:
    """A session that monitors the nick reads a change without sharing a channel."""
    alice, bob = here.connect("alice"), here.connect("bob", caps=CAPS)
    bob.say("PART #lobby", "MONITOR + alice", "METADATA * SUB status")
    bob.read()
    alice.say("METADATA * SET status :here")
    assert told(bob) == [f":{alice.prefix} METADATA alice status * :here"]


def test_a_channels_operator_sets_its_metadata(here: Here) -> None:
    """An operator sets a channel's metadata, and subscribed members read it. A moderator may set it from outside."""
    founder, bob = here.connect("founder", caps=CAPS), here.connect("bob", caps=CAPS)
    founder.say("JOIN #a")
    bob.say("JOIN #a", "METADATA * SUB url")
    bob.read()
    assert founder.ask("METADATA #A SET url :x") == [f":{SERVER} 761 founder #a url * :x"]
    assert told(bob) == [f":{founder.prefix} METADATA #a url * :x"]
    assert verbs(here.moderator().ask("METADATA #a SET url :y")) == ["761"]


def test_a_subscription_is_answered_with_present_values(here: Here) -> None:
    """A new subscription is answered with the present values of the user's channels and their members."""
    here.connect("bob").say("METADATA * SET status :here")
    here.admin().say("METADATA #lobby SET url :x")
    alice = here.connect("alice", caps=CAPS)
    alice.say("METADATA * SUB status url other")
    assert sorted(told(alice)) == [f":{SERVER} METADATA #lobby url * :x", f":{SERVER} METADATA bob status * :here"]


def test_a_join_sends_metadata_both_ways(here: Here) -> None:
    """The new member reads one batch after the names. Subscribed members read the new member's metadata."""
    bob = here.connect("bob", caps=CAPS)
    bob.say("JOIN #a", "METADATA #a SET url :x", "METADATA * SET status :here", "METADATA * SUB status")
    alice = here.connect("alice", caps=CAPS)
    alice.say("METADATA * SET status :new", "METADATA * SET other :z", "METADATA * SUB url status", "PART #lobby")
    here.forget_unread()
    sent = alice.ask("JOIN #a")
    at = verbs(sent).index("366")
    assert unbatched(sent[at + 1 :], "metadata", "#a") == [
        f":{SERVER} METADATA #a url * :x",
        f":{SERVER} METADATA bob status * :here",
        f":{SERVER} METADATA alice status * :new",
    ]
    assert told(bob) == [f":{SERVER} METADATA alice status * :new"]


def test_in_a_large_channel_the_client_asks_later(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a large channel JOIN is answered with 774; SYNC then sends the batch."""
    monkeypatch.setattr(metadata_push, "SYNC_MEMBERS", 1)
    bob = here.connect("bob")
    bob.say("JOIN #a", "METADATA * SET status :here")
    alice = here.connect("alice", caps=CAPS)
    alice.say("METADATA * SUB status")
    assert params_of(alice.ask("JOIN #a"), "774") == ["alice", "#a", "2"]
    assert unbatched(alice.ask("METADATA #a SYNC"), "metadata", "#a") == [f":{SERVER} METADATA bob status * :here"]
    assert unbatched(alice.ask("METADATA bob SYNC"), "metadata", "bob") == [f":{SERVER} METADATA bob status * :here"]


def early(here: Here, nick: str, *lines: str) -> Client:
    """A client with the capability metadata that has sent some lines before it is registered."""
    client = here.open()
    client.say("CAP LS 302", f"CAP REQ :{CAPS} sasl", f"NICK {nick}", "USER u 0 * :U")
    client.read()
    client.say(*lines)
    return client


def test_metadata_of_ones_own_before_registration(here: Here) -> None:
    """SET and SUB work before registration. The welcome sends the user's metadata before the end of the MOTD."""
    assert here.open().ask("METADATA * LIST") == [f":{SERVER} 451 * :You have not registered"]
    bob = here.connect("bob", caps=CAPS)
    bob.say("METADATA * SUB status")
    client = early(here, "alice")
    assert client.ask("METADATA * SET status :new") == [f":{SERVER} 761 * alice status * :new"]
    assert client.ask("METADATA * SUB url") == [f":{SERVER} 770 * url"]
    assert fail(client.ask("METADATA bob LIST")) == ["METADATA", "INVALID_TARGET", "bob"]
    here.forget_unread()
    sent = client.ask("CAP END")
    start = verbs(sent).index("BATCH")
    assert unbatched(sent[start : start + 3], "metadata", "alice") == [f":{SERVER} METADATA alice status * :new"]
    assert start < verbs(sent).index("422")
    assert told(bob) == [f":{SERVER} METADATA alice status * :new"]
    assert list(client.session.subscriptions) == ["url"]


def test_the_welcome_has_an_empty_batch_without_metadata(here: Here) -> None:
    """Without any metadata the welcome has an empty batch."""
    sent = early(here, "alice").ask("CAP END")
    start = verbs(sent).index("BATCH")
    assert unbatched(sent[start : start + 2], "metadata", "alice") == []


def test_metadata_is_kept_with_the_account(here: Here) -> None:
    """After a restart an account has its metadata in the welcome, and before that as soon as it is logged in."""
    from harness.world import sasl_plain

    una = here.member("una", caps=CAPS)
    una.say("METADATA * SET status :here", "METADATA * SET url :x", "METADATA * SET url")
    here.restart()
    client = early(here, "una", "AUTHENTICATE PLAIN", sasl_plain("una"))
    client.read()
    assert unbatched(client.ask("METADATA * LIST"), "metadata", "una") == [f":{SERVER} 761 * una status * :here"]
    client.say("METADATA * SET color :red")
    assert f":{SERVER} METADATA una status * :here" in told_of(client.ask("CAP END"))
    kept = here.stores.account_data.load(here.stores.accounts.get("una").id)
    assert kept.metadata == {"color": "red", "status": "here"}


def told_of(lines: list[str]) -> list[str]:
    """The METADATA messages among some lines, without tags."""
    return [line[line.index(":") :] for line in lines if " METADATA " in line]


def test_a_guests_metadata_ends_with_the_guest_or_joins_the_account(here: Here) -> None:
    """A guest's metadata is not given to the next guest of that nick. Registering the nick keeps it."""
    alice = here.connect("alice")
    alice.say("METADATA * SET status :here", "QUIT")
    alice = here.connect("alice")
    assert verbs(alice.ask("METADATA * LIST")) == []
    alice.say("METADATA * SET status :back", "REGISTER * * :open sesame")
    here.restart()
    assert params_of(here.connect("alice", login="alice").ask("METADATA * LIST"), "761")[-1] == "back"


def test_a_channels_metadata_is_kept_with_a_stored_channel(here: Here) -> None:
    """A stored channel has its metadata after a restart. A guest's channel loses it when it ends."""
    una, guest = here.member("una"), here.connect("guest")
    una.say("JOIN #kept", "METADATA #kept SET url :x")
    guest.say("JOIN #gone", "METADATA #gone SET url :x", "PART #gone", "JOIN #gone")
    assert verbs(guest.ask("METADATA #gone LIST")) == []
    here.restart()
    assert params_of(here.connect("bob").ask("METADATA #kept LIST"), "761")[1:] == ["#kept", "url", "*", "x"]


def test_a_value_that_cannot_be_stored_is_set_with_a_warning(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a value cannot be stored, it is set all the same and the user reads a warning."""
    from chatroom.errors import StorageError

    una = here.member("una", caps="standard-replies")

    def fail_to_write(*_: object) -> None:
        raise StorageError("disk full")

    monkeypatch.setattr(type(here.stores.account_data), "set_metadata", fail_to_write)
    sent = una.ask("METADATA * SET status :here")
    assert verbs(sent) == ["WARN", "761"]
    assert una.user.account_data.metadata == {"status": "here"}
