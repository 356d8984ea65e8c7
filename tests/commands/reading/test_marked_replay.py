from __future__ import annotations

from harness.world import PASSWORD, Here, verbs

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


def test_the_account_of_a_bot_is_replayed_nothing_when_it_comes_back(keeping: Here) -> None:
    """It can say that it is a bot only after the welcome, when it is in its channels again. So the account keeps it."""
    alice = keeping.member("alice")
    alice.say("JOIN #team")
    bridge = keeping.member("bridge", caps=MARKED)
    bridge.say("MODE bridge +B", "JOIN #team")
    for restarts in (False, True):
        bridge.vanish()
        alice.say("PRIVMSG #team :missed", "PRIVMSG bridge :missed")
        if restarts:
            keeping.restart()
            alice = keeping.member("alice")
        bridge = keeping.open()
        login = f"PASS :bridge:{PASSWORD}"
        sent = bridge.ask("CAP LS 302", f"CAP REQ :{MARKED}", login, "NICK bridge", "USER b 0 * :B", "CAP END")
        assert any("MODE bridge +B" in line for line in sent)
        assert any("JOIN #team" in line for line in sent)
        assert not any("missed" in line for line in sent)
    bridge.say("MODE bridge -B")
    bridge.vanish()
    alice.say("PRIVMSG #team :missed")
    bridge = keeping.open()
    sent = bridge.ask("CAP LS 302", f"CAP REQ :{MARKED}", login, "NICK bridge", "USER b 0 * :B", "CAP END")
    assert any("missed" in line for line in sent)


def test_a_guest_that_logs_in_to_the_account_of_a_bot_is_one(keeping: Here) -> None:
    """It comes back to the account's channels then, and reads that it is a bot."""
    alice = keeping.member("alice")
    alice.say("JOIN #team")
    bridge = keeping.member("bridge", caps=MARKED)
    bridge.say("MODE bridge +B", "JOIN #team")
    bridge.vanish()
    alice.say("PRIVMSG #team :missed")
    guest = keeping.connect("guest", caps=MARKED)
    sent = guest.ask(f"NICKSERV IDENTIFY bridge :{PASSWORD}")
    assert any(" MODE guest +B" in line for line in sent)
    assert not any("missed" in line for line in sent)
