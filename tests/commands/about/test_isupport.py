from __future__ import annotations

import pytest
from harness.session_client import Client
from harness.world import SERVER, Here, verbs

from chatroom.irc.message import parse

BATCHED = "batch draft/extended-isupport"


def assert_one_batch(lines: list[str]) -> None:
    """The lines are one batch of RPL_ISUPPORT and nothing else."""
    messages = [parse(line) for line in lines]
    reference = messages[0].params[0]
    assert reference[0] == "+"
    assert messages[0].params[1:] == ["draft/isupport"]
    assert messages[-1].verb == "BATCH"
    assert messages[-1].params == [f"-{reference[1:]}"]
    assert len(messages) > 2
    for message in messages[1:-1]:
        assert message.verb == "005"
        assert message.tags is not None
        assert message.tags["batch"] == reference[1:]


def tokens_of(lines: list[str]) -> list[str]:
    """The tokens of all 005 lines."""
    return [token for line in lines if parse(line).verb == "005" for token in parse(line).params[1:-1]]


def early(here: Here, caps: str) -> Client:
    """A client with capabilities that is not registered yet."""
    client = here.open()
    client.say("CAP LS 302", f"CAP REQ :{caps}")
    client.read()
    return client


def test_isupport_before_registration_needs_the_capability(here: Here) -> None:
    """Without draft/extended-isupport the answer is 451; with it, it is the tokens, addressed to ``*``."""
    assert here.open().ask("ISUPPORT") == [f":{SERVER} 451 * :You have not registered"]
    sent = early(here, "draft/extended-isupport").ask("ISUPPORT")
    assert set(verbs(sent)) == {"005"}
    assert all(parse(line).params[0] == "*" for line in sent)
    assert "UTF8ONLY" in tokens_of(sent)


def test_isupport_after_registration_needs_no_capability(here: Here) -> None:
    """The answer has the tokens of the welcome."""
    client = here.open()
    welcome = client.ask("NICK alice", "USER a 0 * :A")
    sent = client.ask("ISUPPORT")
    assert tokens_of(sent) == tokens_of(welcome)
    assert set(verbs(sent)) == {"005"}


@pytest.mark.parametrize("caps", [BATCHED, "draft/extended-isupport batch"])
def test_with_both_capabilities_it_is_one_batch(here: Here, caps: str) -> None:
    """ISUPPORT, the welcome and VERSION put all 005 lines into one batch. The order of the capabilities is free."""
    client = early(here, caps)
    assert_one_batch(client.ask("ISUPPORT"))
    welcome = client.ask("NICK alice", "USER a 0 * :A", "CAP END")
    at = [index for index, verb in enumerate(verbs(welcome)) if verb == "BATCH"]
    assert_one_batch(welcome[at[0] : at[1] + 1])
    assert verbs(welcome).count("005") == at[1] - at[0] - 1
    assert_one_batch(client.ask("VERSION")[1:])


def test_with_one_of_them_there_is_no_batch(here: Here) -> None:
    """The client needs batch and draft/extended-isupport for a batch."""
    for caps in ("batch", "draft/extended-isupport"):
        assert "BATCH" not in verbs(here.connect(f"a{caps[:3]}", caps=caps).ask("ISUPPORT"))


def test_a_label_is_on_the_opening_line_of_the_batch(here: Here) -> None:
    """If the batch is the whole answer, no other line has the label."""
    client = here.connect("alice", caps=f"labeled-response {BATCHED}")
    sent = client.ask("@label=x ISUPPORT")
    assert sent[0].startswith("@label=x ")
    assert not any("label=" in line for line in sent[1:])
    assert_one_batch(sent)


def test_within_a_labelled_answer_the_batch_is_nested(here: Here) -> None:
    """VERSION has a 351 line too: the batch is inside the labelled batch, and its edges refer to that."""
    client = here.connect("alice", caps=f"labeled-response {BATCHED}")
    messages = [parse(line) for line in client.ask("@label=x VERSION")]
    outer = messages[0].params[0][1:]
    assert messages[0].tags == {"label": "x"}
    assert messages[0].params[1] == "labeled-response"
    inner = messages[2].params[0][1:]
    assert messages[2].params[1] == "draft/isupport"
    assert [message.tags for message in messages[1:3]] == [{"batch": outer}] * 2
    assert {str(message.tags) for message in messages[3:-2]} == {str({"batch": inner})}
    assert messages[-2].tags == {"batch": outer}
    assert messages[-2].params == [f"-{inner}"]
    assert messages[-1].params == [f"-{outer}"]
    assert messages[-1].tags is None
