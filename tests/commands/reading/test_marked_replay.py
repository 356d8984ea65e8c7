from __future__ import annotations

from harness.world import Here, verbs

MARKED = "message-tags server-time batch"


def test_a_replay_is_a_chathistory_batch_for_clients_that_know_batches(keeping: Here) -> None:
    """Software that obeys what it reads leaves such a batch alone. A client without server-time reads bare lines."""
    keeping.member("alice").say("JOIN #team", "PRIVMSG #team :!deploy old")
    sent = keeping.connect("bot", caps=MARKED).ask("JOIN #team")
    [opened] = [line for line in sent if " BATCH +" in line]
    assert opened.endswith(" chathistory #team")
    [line] = [line for line in sent if "!deploy old" in line]
    assert "batch=" in line.partition(" ")[0]
    assert "BATCH" not in verbs(keeping.connect("plain", caps="batch").ask("JOIN #team"))


def test_a_bot_is_replayed_nothing(keeping: Here) -> None:
    """A bridge would carry the lines over again after each reconnect."""
    keeping.member("alice").say("JOIN #team", "PRIVMSG #team :said before")
    bridge = keeping.connect("bridge", caps=MARKED)
    bridge.say("MODE bridge +B")
    assert not any("said before" in line for line in bridge.ask("JOIN #team"))
