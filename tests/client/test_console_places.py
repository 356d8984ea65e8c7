"""Places at a terminal: what is typed is said where the prompt says, whatever the server does."""

from __future__ import annotations

from harness.scripted_server import Peer
from harness.terminal import Terminal


def test_a_draft_is_not_said_elsewhere_after_a_kick(chat: tuple[Terminal, Peer]) -> None:
    """After a kick the prompt still names the channel; Enter sends nothing, and the text waits for the way back."""
    terminal, peer = chat
    terminal.enter("/join #tea")
    peer.expect("JOIN")
    peer.send(":bob!b@host JOIN #tea", ":srv 353 bob = #tea :bob", ":srv 366 bob #tea :End")
    terminal.see("You joined #tea")
    terminal.type("only for tea")
    terminal.see_last("[#tea] only for tea")
    peer.send(":alice!a@h KICK #tea bob :out")
    terminal.see_last("[#tea: you are not in it] only for tea")
    terminal.type("\r")
    terminal.see("You are not in #tea, so nothing was sent.")
    terminal.see_last("[#tea: you are not in it] only for tea")
    terminal.enter("\x15/close")
    terminal.see_last("[#lobby]")
    terminal.enter("hello")
    assert peer.expect("PRIVMSG").params == ["#lobby", "hello"]
    assert not [line for line in peer.seen if "only for tea" in line]
