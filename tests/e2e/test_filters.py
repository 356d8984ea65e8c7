"""Spam filters on a running daemon, from the shell and from the chat."""

from __future__ import annotations

from harness.daemon import PASSWORD, running, until


def test_filters_are_followed_and_their_hits_stored() -> None:
    """The shell adds one, the chat feels it, the list has its hits, and the ban has its cause."""
    with (
        running({"mo": "moderator"}) as daemon,
        daemon.connect("alice") as alice,
        daemon.connect("bob") as bob,
        daemon.connect("mo", password=PASSWORD) as mo,
    ):
        place = daemon.place
        place.ctl("filter", "add", "viagra", "--action", "ban", "--for", "1h", "--reason", "no pills")
        daemon.expect_log("filter 1 (ban *viagra*)")
        assert any("filter 1: ban for 1h" in line for line in mo.ask("FILTER LIST"))
        mo.ask("PRIVMSG #lobby :viagra is a word", "FILTER ADD refuse bitcoin")
        assert bob.expect("PRIVMSG").endswith("viagra is a word")
        assert any(" 404 " in line for line in bob.ask("PRIVMSG #lobby :BitCoin"))
        alice.send("PRIVMSG #lobby :buy VIAGRA now")
        assert any("filter 1: no pills" in line for line in alice.expect_closed())
        (ban,) = place.ctl_json("ban", "list")
        assert (ban["target"], ban["by"], ban["reason"]) == ("alice", "filter 1", "filter 1: no pills")
        assert ban["until_at"] is not None
        assert place.run("filter", "test", "viagra").returncode == 3
        place.ctl("filter", "remove", "bitcoin", "--yes")
        daemon.expect_log("filter 2 (*bitcoin*) removed")
        assert not any(" 404 " in line for line in bob.ask("PRIVMSG #lobby :BitCoin"))
        until(lambda: place.ctl_json("filter", "list")[0]["hits"] == 1, "the hit is stored")
