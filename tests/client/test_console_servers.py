"""Several servers at a terminal, in lines: what is typed is said on the server that the prompt names."""

from __future__ import annotations

from harness.client_screen import CAPS, leave
from harness.scripted_server import Peer, ScriptedServer
from harness.terminal import Terminal


def test_two_servers_on_one_screen(chat: tuple[Terminal, Peer]) -> None:
    """The prompt and lines of the other server have its name; each line goes to its server; /disconnect leaves one."""
    terminal, home = chat
    other = ScriptedServer()
    try:
        name = f"127.0.0.1:{other.port}"
        terminal.enter(f"/connect {name}")
        work = other.accept()
        work.login("#cake", caps=CAPS)
        terminal.see_last(f"[{name}/#cake]")
        terminal.enter("to work")
        assert work.expect("PRIVMSG").params == ["#cake", "to work"]
        work.send(":bob!b@host PRIVMSG #cake :to work")
        home.send(":alice!a@h PRIVMSG #lobby :still here?")
        terminal.see("[127.0.0.1/#lobby] <alice> still here?")
        terminal.enter("/server 127.0.0.1")
        terminal.see_last("[127.0.0.1]")
        terminal.enter("/query alice")
        terminal.see_last("[127.0.0.1/alice]")
        terminal.enter("yes")
        assert home.expect("PRIVMSG").params == ["alice", "yes"]
        terminal.enter(f"/disconnect {name}")
        leave(work)
        terminal.see_last("[alice]")
        terminal.enter("/quit")
        leave(home)
        assert terminal.finish() == 0
    finally:
        other.close()


def test_a_server_that_is_not_there_is_told_and_left(chat: tuple[Terminal, Peer]) -> None:
    """The user says when the chat goes on where it was: a line that is half typed must not come there."""
    terminal, home = chat
    other = ScriptedServer()
    other.close()
    terminal.enter(f"/connect 127.0.0.1:{other.port}")
    terminal.see("no server is listening there")
    terminal.see_last(f"[127.0.0.1:{other.port}, offline]")
    terminal.enter("hello?")
    terminal.see("You are in no channel, so nothing was sent.")
    terminal.enter("/disconnect")
    terminal.see_last("[#lobby]")
    terminal.enter("/connect http://nowhere")
    terminal.see("/connect http://nowhere: http://nowhere is not HOST or HOST:PORT")
    terminal.enter("hello")
    assert home.expect("PRIVMSG").params == ["#lobby", "hello"]
