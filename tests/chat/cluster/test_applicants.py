"""Requests for accounts that a moderator of another node decides: who has asked is told, registered or not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.cluster_nodes import Cluster
from harness.session_client import Client
from harness.world import PASSWORD, make_settings, params_of, verbs

CAPS = "CAP REQ :draft/account-registration standard-replies"


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Two nodes on which moderators approve each account."""
    settings = make_settings(accounts={"registration": "approval"}, channels={"autojoin": ()})
    made = Cluster(tmp_path / "chat.db", settings, 2)
    yield made
    made.close()


def ask(cluster: Cluster) -> Client:
    """Zoe asks at the second node for an account, before she is registered."""
    zoe = cluster.nodes[1].open("192.0.2.7")
    zoe.say("CAP LS 302", CAPS, "NICK zoe", "USER z 0 * :Zoe")
    assert params_of(zoe.ask(f"REGISTER * * :{PASSWORD}"), "REGISTER")[0] == "VERIFICATION_REQUIRED"
    return zoe


def decide(cluster: Cluster, line: str) -> None:
    """A moderator decides at the first node."""
    mona = cluster.nodes[0].moderator("mona", caps="standard-replies")
    mona.read()
    assert "DONE" in params_of(mona.ask(line), "NOTE")
    cluster.nodes[1].apply()
    with cluster.nodes[1].tick():
        pass


def test_an_approved_applicant_who_is_not_registered_is_told(cluster: Cluster) -> None:
    """And logged in, so that it comes in under its account."""
    zoe = ask(cluster)
    decide(cluster, "REQUEST APPROVE zoe")
    sent = zoe.read()
    assert verbs(sent) == ["NOTICE", "900"] and "You may register: zoe is registered" in sent[0]
    zoe.say("CAP END")
    assert zoe.user.account_name == "zoe"


def test_a_rejected_applicant_who_is_not_registered_is_told(cluster: Cluster) -> None:
    """With the reason, and it may go on as a guest."""
    zoe = ask(cluster)
    decide(cluster, "REQUEST REJECT zoe we know no Zoe")
    (told,) = zoe.read()
    assert told.endswith("You may not register zoe: we know no Zoe")
    assert zoe.session.held is None
    zoe.say("CAP END")
    assert zoe.user.account is None


@pytest.mark.parametrize("line, count", [("REQUEST APPROVE zoe", 2), ("REQUEST REJECT zoe", 1)])
def test_an_applicant_who_is_registered_is_told_once(cluster: Cluster, line: str, count: int) -> None:
    """The moderator's node tells it, as it tells any user."""
    zoe = cluster.nodes[1].connect("zoe", address="192.0.2.7")
    zoe.ask(f"REGISTER * * :{PASSWORD}")
    decide(cluster, line)
    assert len(zoe.read()) == count


def test_only_the_one_who_has_asked_is_told(cluster: Cluster) -> None:
    """Not who waits for the answer to another request."""
    zoe, other = ask(cluster), cluster.nodes[1].open("192.0.2.8")
    other.say("CAP LS 302", CAPS, "NICK yan", "USER y 0 * :Yan", f"REGISTER * * :{PASSWORD}")
    other.read()
    decide(cluster, "REQUEST APPROVE zoe")
    assert other.read() == [] and other.session.held is not None
    assert zoe.read()
