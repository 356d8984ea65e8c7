from __future__ import annotations

import pytest
from harness.session_client import Client
from harness.world import SERVER, Here, params_of, verbs

from chatroom.commands.presence import metadata_push
from chatroom.irc.framing import LineBuffer
from chatroom.irc.limits import METADATA_KEYS, METADATA_SUBSCRIPTIONS, METADATA_VALUE_BYTES
from chatroom.irc.message import parse

CAPS = "batch draft/metadata-3"


def unbatched(lines: list[str], kind: str, target: str = "") -> list[str]:
    """The lines within the one batch that all of ``lines`` are, without their tags."""
    first, last = parse(lines[0]), parse(lines[-1])
    reference = first.params[0][1:]
    assert (first.verb, first.params) == ("BATCH", [f"+{reference}", kind, *([target] if target else [])])
    assert (last.verb, last.params) == ("BATCH", [f"-{reference}"])
    assert all(line.startswith(f"@batch={reference} ") for line in lines[1:-1])
    return [line.partition(" ")[2] for line in lines[1:-1]]


def fail(lines: list[str]) -> list[str]:
    """The parameters of the one FAIL line but its words."""
    return params_of(lines, "FAIL")[:-1]


def pushed(client: Client) -> list[str]:
    """The lines about values that a client has read, without the batches around them."""
    return [line[line.index(":") :] for line in client.read() if parse(line).verb in ("761", "766")]


def test_a_value_is_set_told_and_taken_away(here: Here) -> None:
    """SET answers with the value, GET and LIST show it in a batch, and SET without a value removes it."""
    alice = here.connect("alice", caps=CAPS)
    value = f":{SERVER} 761 alice alice url * :http://example.org"
    assert alice.ask("METADATA * SET url :http://example.org") == [value]
    assert unbatched(alice.ask("METADATA alice GET url"), "metadata", "alice") == [value]
    assert unbatched(alice.ask("METADATA * LIST"), "metadata", "alice") == [value]
    gone = f":{SERVER} 766 alice alice url :Key not set"
    assert alice.ask("METADATA * SET url") == [gone]
    assert unbatched(alice.ask("METADATA * GET url"), "metadata", "alice") == [gone]
    assert unbatched(alice.ask("METADATA * LIST"), "metadata", "alice") == []


@pytest.mark.parametrize("before", [[], ["METADATA * SET url :x"]])
@pytest.mark.parametrize("line", ["METADATA * SET url", "METADATA * SET url :"])
def test_no_value_and_an_empty_value_remove_the_key(here: Here, before: list[str], line: str) -> None:
    """The answer is 766, whether or not the key was set."""
    alice = here.connect("alice", caps=CAPS)
    alice.say(*before)
    alice.read()
    assert alice.ask(line) == [f":{SERVER} 766 alice alice url :Key not set"]
    assert alice.user.account_data.metadata == {}


def test_get_answers_every_key_in_order(here: Here) -> None:
    """Values, unset keys and invalid keys are answered in the order in which they were asked for."""
    here.connect("bob").say("METADATA * SET b :value of b")
    sent = unbatched(here.connect("alice", caps=CAPS).ask("METADATA BOB GET a B b"), "metadata", "bob")
    assert [(parse(line).verb, parse(line).params[:-1]) for line in sent] == [
        ("766", ["alice", "bob", "a"]),
        ("WARN", ["METADATA", "INVALID_KEY", "B"]),
        ("761", ["alice", "bob", "b", "*"]),
    ]


def test_without_batch_the_answers_are_bare(here: Here) -> None:
    """A client without batches gets none."""
    assert verbs(here.connect("alice").ask("METADATA * GET a", "METADATA * LIST", "METADATA * SUBS")) == ["766"]


@pytest.mark.parametrize(
    "line, expected",
    [
        ("METADATA", ["INVALID_PARAMS", "*"]),
        ("METADATA *", ["INVALID_PARAMS", "*"]),
        ("METADATA * destr0y", ["INVALID_PARAMS", "destr0y"]),
        ("METADATA * GET", ["INVALID_PARAMS", "GET"]),
        ("METADATA * SET", ["INVALID_PARAMS", "SET"]),
        ("METADATA * SUB", ["INVALID_PARAMS", "SUB"]),
        ("METADATA nobody LIST", ["INVALID_TARGET", "nobody"]),
        ("METADATA nobody GET url", ["INVALID_TARGET", "nobody"]),
        ("METADATA *ALL LIST", ["INVALID_TARGET", "*ALL"]),
        ("METADATA #nowhere SET url :x", ["INVALID_TARGET", "#nowhere"]),
        ("METADATA $a:user SET url :x", ["INVALID_TARGET", "$a:user"]),
        ("METADATA bob SUB url", ["INVALID_TARGET", "bob"]),
        ("METADATA #lobby UNSUB url", ["INVALID_TARGET", "#lobby"]),
        ("METADATA bob SUBS", ["INVALID_TARGET", "bob"]),
        ("METADATA * SET $url$ :x", ["INVALID_KEY", "$url$"]),
        ("METADATA * SET Url :x", ["INVALID_KEY", "Url"]),
        ("METADATA * SET :a:b", ["INVALID_KEY", "a:b"]),
        (f"METADATA * SET {'k' * 49} :x", ["INVALID_KEY", "k" * 49]),
        ("METADATA bob SET url :x", ["KEY_NO_PERMISSION", "bob", "url"]),
        ("METADATA bob CLEAR", ["KEY_NO_PERMISSION", "bob", "*"]),
        ("METADATA #lobby SET url :x", ["KEY_NO_PERMISSION", "#lobby", "url"]),
        (f"METADATA * SET url :{'x' * (METADATA_VALUE_BYTES + 1)}", ["INVALID_VALUE", "url"]),
    ],
)
def test_what_is_refused_has_its_code(here: Here, line: str, expected: list[str]) -> None:
    """One standard reply, outside any batch, and nothing is changed."""
    here.connect("bob")
    alice = here.connect("alice", caps=CAPS)
    assert fail(alice.ask(line)) == ["METADATA", *expected]
    assert alice.user.account_data.metadata == {}


def test_bytes_that_are_not_utf8_are_refused_by_name(here: Here) -> None:
    """The code is that of every command, with the verb in front."""
    alice = here.connect("alice", caps=CAPS)
    [malformed] = LineBuffer().feed(b"METADATA * SET url :\xff\r\n")
    assert fail(alice.ask(malformed)) == ["METADATA", "INVALID_UTF8"]


def test_a_secret_channel_is_no_target_for_others(here: Here) -> None:
    """A user outside learns nothing of it."""
    bob = here.connect("bob")
    bob.say("JOIN #secret", "MODE #secret +s", "METADATA #secret SET url :x")
    alice = here.connect("alice", caps=CAPS)
    assert fail(alice.ask("METADATA #secret LIST")) == ["METADATA", "INVALID_TARGET", "#secret"]
    assert verbs(bob.ask("METADATA #secret LIST")) == ["761"]


@pytest.mark.parametrize("ask, key", [("GET url", "url"), ("LIST", "*"), ("SYNC", "*")])
def test_a_channels_metadata_is_for_its_members(here: Here, ask: str, key: str) -> None:
    """A user outside is refused in any channel; a member and a moderator read."""
    bob = here.connect("bob", caps=CAPS)
    bob.say("JOIN #a", "MODE #a +i", "METADATA #a SET url :x", "METADATA * SUB url")
    bob.read()
    alice = here.connect("alice", caps=CAPS)
    assert fail(alice.ask(f"METADATA #a {ask}")) == ["METADATA", "KEY_NO_PERMISSION", "#a", key]
    value = f":{SERVER} 761 bob #a url * :x"
    assert unbatched(bob.ask(f"METADATA #a {ask}"), "metadata", "#a") == [value]
    assert verbs(here.moderator().ask("METADATA #a LIST")) == ["761"]


def test_keys_are_bounded(here: Here) -> None:
    """One key too many is LIMIT_REACHED; a key that is set may still be changed."""
    alice = here.connect("alice")
    for number in range(METADATA_KEYS):
        alice.say(f"METADATA * SET key{number} :x")
    expected = ["METADATA", "LIMIT_REACHED", "SET", "alice", str(METADATA_KEYS)]
    assert fail(alice.ask("METADATA * SET another :x")) == expected
    assert verbs(alice.ask("METADATA * SET key0 :y")) == ["761"]


def test_clear_tells_every_key_that_went(here: Here) -> None:
    """One batch of 766, empty if there was nothing."""
    alice = here.connect("alice", caps=CAPS)
    alice.say("METADATA * SET a :1", "METADATA * SET b :2")
    sent = unbatched(alice.ask("METADATA * CLEAR"), "metadata", "alice")
    assert [parse(line).params[1:3] for line in sent] == [["alice", "a"], ["alice", "b"]]
    assert unbatched(alice.ask("METADATA * CLEAR"), "metadata", "alice") == []


def test_subscriptions_are_taken_in_order_listed_and_given_up(here: Here) -> None:
    """Each key has its numeric; SUBS lists each once, in a batch of its own type."""
    alice = here.connect("alice", caps=CAPS)
    sent = alice.ask("METADATA * SUB url $x avatar url")
    assert [(parse(line).verb, parse(line).params[1]) for line in sent] == [
        ("770", "url"),
        ("WARN", "INVALID_KEY"),
        ("770", "avatar"),
        ("770", "url"),
        ("774", "*ALL"),
    ]
    assert params_of(sent, "774")[:-1] == ["alice", "*ALL", "0"]
    assert verbs(alice.ask("METADATA alice SUB url")) == ["770"]
    assert unbatched(alice.ask("METADATA * SUBS"), "metadata-subs") == [
        f":{SERVER} 772 alice url",
        f":{SERVER} 772 alice avatar",
    ]
    assert alice.ask("METADATA * UNSUB url url other") == [
        f":{SERVER} 771 alice {key}" for key in ("url", "url", "other")
    ]
    assert params_of(alice.ask("METADATA * UNSUB $x"), "WARN")[:-1] == ["METADATA", "INVALID_KEY", "$x"]
    assert unbatched(alice.ask("METADATA * SUBS"), "metadata-subs") == [f":{SERVER} 772 alice avatar"]
    alice.say("CAP REQ :-draft/metadata-3")
    assert unbatched(alice.ask("METADATA * SUBS"), "metadata-subs") == []


def test_too_many_subscriptions_end_at_the_first_that_does_not_fit(here: Here) -> None:
    """The refusal names that key and the limit; later keys are not looked at."""
    alice = here.connect("alice", caps=CAPS)
    most = METADATA_SUBSCRIPTIONS - 1
    for start in range(0, most, 7):
        alice.say("METADATA * SUB " + " ".join(f"k{n}" for n in range(start, min(start + 7, most))))
    sent = alice.ask("METADATA * SUB last over k1")
    assert verbs(sent) == ["770", "FAIL", "774"]
    assert fail(sent) == ["METADATA", "LIMIT_REACHED", "SUB", "over", str(METADATA_SUBSCRIPTIONS)]


def test_a_change_is_pushed_to_subscribers_that_see_the_target(here: Here) -> None:
    """Each reads a numeric with its own nick; the session that made the change and strangers read none."""
    here.account("una")
    phone, laptop = (here.connect("una", login="una", caps=CAPS) for _ in range(2))
    bob, silent, stranger = (here.connect(nick, caps=CAPS) for nick in ("bob", "silent", "stranger"))
    unaware = here.connect("unaware", caps="draft/metadata-3")
    for client in (phone, laptop, bob, stranger, unaware):
        client.say("METADATA * SUB status")
    stranger.say("PART #lobby")
    here.forget_unread()
    phone.say("METADATA * SET status :here", "METADATA * SET status :here", "METADATA * SET status")
    for client, nick in ((bob, "bob"), (laptop, "una")):
        assert pushed(client) == [
            f":{SERVER} 761 {nick} una status * :here",
            f":{SERVER} 766 {nick} una status :Key not set",
        ]
    assert [line.partition(" :")[0] for line in pushed(phone)] == [
        f":{SERVER} 761 una una status *",
        f":{SERVER} 761 una una status *",
        f":{SERVER} 766 una una status",
    ]
    assert pushed(silent) == pushed(stranger) == pushed(unaware) == []


def test_a_watcher_is_told_without_sharing_a_channel(here: Here) -> None:
    """A watcher by MONITOR reads changes, and at 730 what is set already, however the user came."""
    alice, bob = here.connect("alice"), here.connect("bob", caps=CAPS)
    bob.say("PART #lobby", "METADATA * SUB status", "MONITOR + alice,mallory")
    bob.read()
    alice.say("METADATA * SET status :here")
    value = f":{SERVER} 761 bob alice status * :here"
    assert pushed(bob) == [value]
    sent = bob.ask("MONITOR S")
    assert verbs(sent)[:2] == ["730", "731"]
    assert unbatched(sent[2:], "metadata", "alice") == [value]
    alice.say("NICK mallory")
    sent = bob.read()
    assert verbs(sent) == ["731", "730", "761"]
    assert params_of(sent, "761") == ["bob", "mallory", "status", "*", "here"]


def test_a_channels_operator_sets_its_metadata(here: Here) -> None:
    """Subscribed members are told; a moderator may set it in any channel."""
    founder, bob = here.connect("founder", caps=CAPS), here.connect("bob", caps=CAPS)
    founder.say("JOIN #a")
    bob.say("JOIN #a", "METADATA * SUB url")
    bob.read()
    assert founder.ask("METADATA #A SET url :x") == [f":{SERVER} 761 founder #a url * :x"]
    assert pushed(bob) == [f":{SERVER} 761 bob #a url * :x"]
    assert verbs(here.moderator().ask("METADATA #a SET url :y")) == ["761"]


def test_all_is_synced_each_target_once(here: Here) -> None:
    """SYNC of ``*ALL`` covers oneself, one's channels, their members, and monitored users, in one batch."""
    bob, carol = here.connect("bob"), here.connect("carol")
    bob.say("METADATA * SET status :here", "JOIN #a")
    carol.say("PART #lobby", "METADATA * SET status :far")
    here.admin().say("METADATA #lobby SET url :x")
    alice = here.connect("alice", caps=CAPS)
    alice.say("JOIN #a", "METADATA * SUB status url other", "METADATA * SET url :mine", "MONITOR + carol,nobody")
    alice.read()
    lines = unbatched(alice.ask("METADATA *ALL SYNC"), "metadata", "*ALL")
    assert sorted(lines) == sorted(
        f":{SERVER} 761 alice {value}"
        for value in ("alice url * :mine", "#lobby url * :x", "bob status * :here", "carol status * :far")
    )


def test_a_join_is_followed_by_what_the_session_subscribed_to(here: Here) -> None:
    """One batch for the newcomer, after the names; subscribed members read the newcomer's values."""
    bob = here.connect("bob", caps=CAPS)
    bob.say("JOIN #a", "METADATA #a SET url :x", "METADATA * SET status :here", "METADATA * SUB status")
    alice = here.connect("alice", caps=CAPS)
    alice.say("METADATA * SET status :new", "METADATA * SET other :z", "METADATA * SUB url status", "PART #lobby")
    here.forget_unread()
    sent = alice.ask("JOIN #a")
    at = verbs(sent).index("366")
    assert unbatched(sent[at + 1 :], "metadata", "#a") == [
        f":{SERVER} 761 alice #a url * :x",
        f":{SERVER} 761 alice bob status * :here",
        f":{SERVER} 761 alice alice status * :new",
    ]
    assert pushed(bob) == [f":{SERVER} 761 bob alice status * :new"]


def test_in_a_large_channel_the_client_is_to_ask_later(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """JOIN answers 774 there, and SYNC shows what the JOIN would have shown."""
    monkeypatch.setattr(metadata_push, "SYNC_VALUES", 1)
    bob = here.connect("bob")
    bob.say("JOIN #a", "METADATA * SET status :here")
    alice = here.connect("alice", caps=CAPS)
    alice.say("METADATA * SUB status")
    alice.read()
    assert params_of(alice.ask("JOIN #a"), "774")[:-1] == ["alice", "#a", "2"]
    value = f":{SERVER} 761 alice bob status * :here"
    assert unbatched(alice.ask("METADATA #a SYNC"), "metadata", "#a") == [value]
    assert unbatched(alice.ask("METADATA bob SYNC"), "metadata", "bob") == [value]


def test_whois_shows_metadata_to_clients_that_know_it(here: Here) -> None:
    """760 for each key; a client without the capability reads none."""
    here.connect("bob").say("METADATA * SET status :here", "METADATA * SET url :x")
    sent = here.connect("alice", caps=CAPS).ask("WHOIS bob")
    assert [parse(line).params for line in sent if parse(line).verb == "760"] == [
        ["alice", "bob", "status", "*", "here"],
        ["alice", "bob", "url", "*", "x"],
    ]
    assert "760" not in verbs(here.connect("carol").ask("WHOIS bob"))


def test_the_capability_tells_the_limits(here: Here) -> None:
    """CAP LS 302 carries every limit."""
    expected = "draft/metadata-3=before-connect,max-subs=50,max-keys=20,max-key-bytes=48,max-value-bytes=256"
    assert any(expected in line for line in here.open().ask("CAP LS 302"))


def early(here: Here, nick: str, *lines: str) -> Client:
    """A client with metadata that has said some lines before it became somebody."""
    client = here.open()
    client.say("CAP LS 302", f"CAP REQ :{CAPS} sasl", f"NICK {nick}", "USER u 0 * :U")
    client.read()
    client.say(*lines)
    return client


def test_before_registration_one_may_speak_of_oneself(here: Here) -> None:
    """SET and SUB hold from the start, and the welcome tells one's metadata before the end of the MOTD."""
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
    assert unbatched(sent[start : start + 3], "metadata", "alice") == [f":{SERVER} 761 alice alice status * :new"]
    assert start < verbs(sent).index("422")
    assert pushed(bob) == [f":{SERVER} 761 bob alice status * :new"]
    assert list(client.session.subscriptions) == ["url"]


def test_the_welcome_has_an_empty_batch_where_there_is_nothing(here: Here) -> None:
    """Only for those who negotiated metadata."""
    sent = early(here, "alice").ask("CAP END")
    start = verbs(sent).index("BATCH")
    assert unbatched(sent[start : start + 2], "metadata", "alice") == []


def test_a_persons_metadata_is_kept_with_the_account(here: Here) -> None:
    """After a restart it is told in the welcome, and is at hand before registration once one has logged in."""
    from harness.world import sasl_plain

    una = here.member("una", caps=CAPS)
    una.say("METADATA * SET status :here", "METADATA * SET url :x", "METADATA * SET url")
    here.restart()
    client = early(here, "una", "AUTHENTICATE PLAIN", sasl_plain("una"))
    client.read()
    assert unbatched(client.ask("METADATA * LIST"), "metadata", "una") == [f":{SERVER} 761 * una status * :here"]
    client.say("METADATA * SET color :red")
    assert any(line.endswith(" 761 una una status * :here") for line in client.ask("CAP END"))
    kept = here.stores.account_data.load(here.stores.accounts.get("una").id)
    assert kept.metadata == {"color": "red", "status": "here"}


def test_a_guests_metadata_goes_with_the_guest_or_into_the_account(here: Here) -> None:
    """The next guest of the name has none; registering the name keeps it."""
    alice = here.connect("alice")
    alice.say("METADATA * SET status :here", "QUIT")
    alice = here.connect("alice")
    assert verbs(alice.ask("METADATA * LIST")) == []
    alice.say("METADATA * SET status :back", "REGISTER * * :open sesame")
    here.restart()
    assert params_of(here.connect("alice", login="alice").ask("METADATA * LIST"), "761")[-1] == "back"


def test_a_channels_metadata_is_kept_with_a_stored_channel(here: Here) -> None:
    """A founded channel has it after a restart; a guest's channel takes it along when it ends."""
    una, guest = here.member("una"), here.connect("guest")
    una.say("JOIN #kept", "METADATA #kept SET url :x")
    guest.say("JOIN #gone", "METADATA #gone SET url :x", "PART #gone", "JOIN #gone")
    assert verbs(guest.ask("METADATA #gone LIST")) == []
    here.restart()
    bob = here.connect("bob")
    bob.say("JOIN #kept")
    bob.read()
    assert params_of(bob.ask("METADATA #kept LIST"), "761")[1:] == ["#kept", "url", "*", "x"]


def test_what_cannot_be_stored_holds_and_is_said(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failing disk costs a warning, not the value."""
    from chatroom.errors import StorageError

    una = here.member("una", caps="standard-replies")

    def fail_to_write(*_: object) -> None:
        raise StorageError("disk full")

    monkeypatch.setattr(type(here.stores.account_data), "set_metadata", fail_to_write)
    sent = una.ask("METADATA * SET status :here")
    assert verbs(sent) == ["WARN", "761"]
    assert una.user.account_data.metadata == {"status": "here"}
