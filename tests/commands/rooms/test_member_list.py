from __future__ import annotations

from collections.abc import Callable

from harness.world import SERVER, Here, params_of, verbs


def test_names_shows_standings_as_negotiated(here: Here) -> None:
    """NAMES shows one sign for a member, or all with multi-prefix; the whole prefix with userhost-in-names."""
    alice = here.connect("alice")
    bob = here.connect("bob", caps="multi-prefix userhost-in-names")
    alice.say("JOIN #a", "MODE #a +v alice")
    bob.say("JOIN #a")
    assert params_of(alice.ask("NAMES #A"), "353") == ["alice", "=", "#a", "@alice bob"]
    assert params_of(bob.ask("NAMES #a"), "353")[-1] == f"@+{alice.prefix} {bob.prefix}"
    assert alice.ask("NAMES #none") == [f":{SERVER} 366 alice #none :End of NAMES list"]
    assert alice.ask("NAMES") == [f":{SERVER} 366 alice * :End of NAMES list"]


def test_invisible_members_are_shown_to_members_only(here: Here) -> None:
    """From outside a channel, NAMES and WHO leave out its +i members."""
    alice, bob = here.connect("alice"), here.connect("bob")
    alice.say("JOIN #a", "MODE alice +i")
    assert verbs(bob.ask("NAMES #a", "WHO #a", "WHO al*")) == ["366", "315", "352", "315"]
    alice.say("PART #lobby")
    assert verbs(bob.ask("WHO al*")) == ["315"]
    bob.say("JOIN #a")
    assert verbs(bob.ask("NAMES #a")) == ["353", "366"]


def test_names_of_many_take_several_lines(make_here: Callable[..., Here]) -> None:
    """All members are listed, each once, in as many lines as needed."""
    here = make_here()
    nicks = [f"somebody-with-a-long-nick-{number}" for number in range(40)]
    for nick in nicks:
        here.connect(nick)
    alice = here.connect("alice")
    sent = alice.ask("NAMES #lobby")
    assert verbs(sent)[-1] == "366"
    assert len(sent) > 2
    assert [nick for line in sent[:-1] for nick in line.split(" :")[1].split()] == [*nicks, "alice"]


def test_a_question_with_many_targets_is_refused_whole(here: Here) -> None:
    """NAMES and LIST answer as many targets as TARGMAX says. A channel that is named twice is answered once."""
    alice = here.connect("alice")
    assert verbs(alice.ask("NAMES " + ",".join(["#lobby"] * 70))) == ["353", "366"]
    many = ",".join(f"#c{number}" for number in range(11))
    assert verbs(alice.ask(f"NAMES {many}")) == ["407"]
    assert verbs(alice.ask(f"LIST {many}")) == ["407"]
    assert verbs(alice.ask(f"LIST {many[:-5]} >0,<9")) == ["407"]


def test_a_mode_line_shows_a_list_once(here: Here) -> None:
    """A list mode that is repeated in one line is one question."""
    alice = here.connect("alice")
    alice.say("JOIN #a", "MODE #a +b x!*@*")
    assert verbs(alice.ask("MODE #a bbbbbbbbbb")) == ["367", "368"]


def test_list_shows_channels_their_size_and_topic(here: Here) -> None:
    """321, a 322 for each channel, 323. With names, only the named channels."""
    alice = here.connect("alice")
    alice.say("JOIN #a", "TOPIC #a :cats")
    assert alice.ask("LIST") == [
        f":{SERVER} 321 alice Channel :Users  Name",
        f":{SERVER} 322 alice #lobby 1 :",
        f":{SERVER} 322 alice #a 1 :cats",
        f":{SERVER} 323 alice :End of LIST",
    ]
    assert verbs(alice.ask("LIST #A,#none")) == ["321", "322", "323"]
