"""CHANNELS, CHANNEL and DELETECHANNEL: what the shell reads, and what members do."""

from __future__ import annotations

from harness.world import SERVER, SHELL, Here, params_of

from chatroom.chat.admission.hook_policy import make_incoming, make_outgoing
from chatroom.irc.message import parse


def told(lines: list[str]) -> list[list[str]]:
    """The parameters of the notes, without their verb."""
    return [parse(line).params[1:] for line in lines]


def test_all_channels_are_listed(here: Here) -> None:
    """Stored and temporary ones, secret ones too, each in the same number of words."""
    here.member("una").say("JOIN #c", "MODE #c +s", "TOPIC #c :tea at four")
    here.connect("bob").say("JOIN #tmp")
    found = {words[0]: words[1:] for words in told(here.control().ask("CHANNELS"))}
    assert list(found) == ["#c", "#lobby", "#tmp"]
    assert found["#c"][:4] == ["1", "stored", "nst", "una"]
    assert found["#c"][-1] == "tea at four"
    assert found["#tmp"][1:4] == ["temporary", "nt", "*"]
    assert {len(words) for words in found.values()} == {6}


def test_one_channel_is_shown(here: Here) -> None:
    """Members with their signs, masks, rights, and the parameters of modes."""
    una, bob = here.member("una"), here.connect("bob")
    una.say("JOIN #c", "MODE #c +kl key 9", "MODE #c +jFW 5:10 2:60 30", "MODE #c +b *!*@spam.example", "TOPIC #c :tea")
    bob.say("JOIN #c key")
    lines = told(here.control().ask("CHANNEL #C"))
    kinds = {line[0]: line[1:] for line in lines}
    assert kinds["summary"][0] == "#c" and kinds["key"] == ["key"] and kinds["limit"] == ["9"]
    assert [kinds[kind] for kind in ("join-throttle", "nick-throttle", "slow-mode")] == [["5:10"], ["2:60"], ["30"]]
    assert [line[1] for line in lines if line[0] == "member"] == ["@una", "bob"]
    assert kinds["mask"][:2] == ["b", "*!*@spam.example"]
    assert kinds["access"] == ["founder", "una"]
    assert kinds["used"] == [str(here.now_ms // 1000), ""]


def test_a_deleted_channel_is_gone(here: Here) -> None:
    """Its members are removed and read why; a later channel of the name is another one."""
    una, bob = here.member("una"), here.connect("bob")
    for client in (una, bob):
        client.say("JOIN #c")
    una.say("PRIVMSG #c :secret")
    here.forget_unread()
    control = here.control()
    control.say("ACTOR root")
    assert params_of(control.ask("DELETECHANNEL #C"), "NOTE")[:2] == ["DELETECHANNEL", "DONE"]
    assert f":{SERVER} KICK #c bob :The channel was deleted" in bob.read()
    assert here.world.find_channel("#c") is None
    assert here.stores.channels.find("#c") is None
    entry = here.stores.audit.list_entries()[-1]
    assert (entry.actor, entry.action, entry.target) == ("root", "channel.delete", "#c")
    bob.say("JOIN #c")
    channel = here.world.find_channel("#c")
    assert channel is not None and not channel.stored and channel.founder_id is None


def test_an_empty_and_a_temporary_channel(here: Here) -> None:
    """A stored channel without members is deleted, and so is a guests' one."""
    una = here.member("una")
    una.say("JOIN #c", "PART #c")
    here.connect("bob").say("JOIN #tmp")
    for name in ("#c", "#tmp"):
        assert "DONE" in here.control().ask(f"DELETECHANNEL {name}")[0]
        assert here.world.find_channel(name) is None


def test_what_is_not_deleted(here: Here) -> None:
    """A configured channel and an unknown one, and any channel by a client."""
    control = here.control()
    assert "autojoin" in control.ask("DELETECHANNEL #lobby")[0]
    assert "FAIL" in control.ask("DELETECHANNEL #none")[0]
    assert " 421 " in here.admin("ada").ask("DELETECHANNEL #lobby")[0]


def test_a_change_while_a_channel_is_deleted(here: Here) -> None:
    """A mode that is set before the deletion is done does not bring the channel back."""
    una = here.member("una")
    una.say("JOIN #c")
    control = here.control()
    here.holding = True
    control.say("DELETECHANNEL #c")
    una.say("MODE #c +m")
    here.holding = False
    here.release()
    assert here.world.find_channel("#c") is None
    assert here.stores.channels.find("#c") is None


def test_hooks_do_not_outlive_their_channel(here: Here) -> None:
    """Stored or temporary, with members or without, and also if it is gone before its deletion is stored."""
    here.member("una").say("JOIN #c")
    bob = here.connect("bob")
    bob.say("JOIN #tmp,#gone")
    hooks, names = here.world.ledger.hooks, ("#c", "#tmp", "#gone", "#other")
    for name in names:
        here.stores.hooks.add(make_outgoing(name, "http://h/"), SHELL)
        here.stores.hooks.add(make_incoming(name, "ci"), SHELL)
    hooks.use(here.stores.hooks.list_all(), here.stores.hooks.list_incoming())
    for name in names[:2]:
        here.control().say(f"DELETECHANNEL {name}")
    here.holding = True
    here.control().say("DELETECHANNEL #gone")
    bob.say("PART #gone")
    here.holding = False
    here.release()
    for _ in ("in memory", "as it is stored"):
        assert list(hooks.by_channel) == ["#other"]
        assert [one.id for one in hooks.incoming.values() if not one.paused] == [8]
        hooks.use(here.stores.hooks.list_all(), here.stores.hooks.list_incoming())
    assert "hooks 1 and 2 are paused: the channel #c was deleted" in here.world.log_lines
    assert [one.paused for one in here.stores.hooks.list_all()] == [True] * 6 + [False] * 2
