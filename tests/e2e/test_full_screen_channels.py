from __future__ import annotations

from pathlib import Path

from harness.daemon import running
from harness.terminal import Terminal


def test_a_message_of_long_ago_is_found_and_shown(tmp_path: Path) -> None:
    """What the log does not have is searched for on the server, and shown among what was said around it."""
    home = {"XDG_STATE_HOME": str(tmp_path / "state"), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    with running(limits__enabled=False) as daemon, daemon.connect("bob") as bob:
        bob.ask(*(f"PRIVMSG #lobby :cup {number} of tea" for number in range(120)))
        terminal = Terminal("-m", "chatroom.client", f"127.0.0.1:{daemon.port}", "--full", "--nick", "alice", env=home)
        try:
            terminal.see("cup 119 of tea")
            terminal.enter("/search cup 12")
            terminal.see("bob: cup 12 of tea")
            terminal.type("\r")
            terminal.see("bob cup 12 of tea")
            terminal.see("bob cup 13 of tea")
            terminal.see("Esc to the newest")
            terminal.type("\x1b")
            terminal.see("bob cup 119 of tea")
            assert not any("cup 12 of tea" in line for line in terminal.lines)
            terminal.enter("/quit")
            assert terminal.finish() == 0
        finally:
            terminal.close()


def test_a_channel_that_is_renamed_stays_in_front(tmp_path: Path) -> None:
    """Its operator renames it; what others type and say next is in the same place."""
    home = {"XDG_STATE_HOME": str(tmp_path / "state"), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    with running() as daemon, daemon.connect("bob") as bob:
        bob.ask("JOIN #tea")
        terminal = Terminal("-m", "chatroom.client", f"127.0.0.1:{daemon.port}", "--full", "--nick", "alice", env=home)
        try:
            terminal.see("to #lobby ›")
            terminal.enter("/join #tea")
            terminal.see("You joined #tea")
            bob.ask("RENAME #tea #coffee :tea is out", "PRIVMSG #coffee :hello there")
            terminal.see("renamed #tea to #coffee")
            terminal.see("bob hello there")
            terminal.see("to #coffee ›")
            terminal.enter("hello bob")
            bob.expect("PRIVMSG #coffee :hello bob")
        finally:
            terminal.close()
