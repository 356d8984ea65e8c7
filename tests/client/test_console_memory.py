"""The client's memory at a terminal: places and typed lines come back in the next chat."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness.client_screen import CAPS, Start, leave
from harness.scripted_server import Peer, ScriptedServer
from harness.terminal import Terminal

UP = "\x1b[A"


@pytest.fixture
def file(state_directory: Path) -> Path:
    """The file of the memory."""
    return state_directory / "client.db"


def begin(server: ScriptedServer, start: Start, *args: str) -> tuple[Terminal, Peer]:
    """Begin a chat of bob, whom the server puts into #lobby."""
    terminal = start("--nick", "bob", *args)
    peer = server.accept()
    peer.login("#lobby", caps=CAPS)
    return terminal, peer


def join(peer: Peer, channel: str) -> None:
    """Wait for the JOIN of a channel, and let bob in."""
    assert peer.expect("JOIN").params == [channel]
    peer.send(f":bob!b@h JOIN {channel}", f":srv 353 bob = {channel} :bob", f":srv 366 bob {channel} :End")


def end(terminal: Terminal, peer: Peer) -> None:
    """Leave the chat."""
    terminal.enter("/quit")
    leave(peer)
    assert terminal.finish() == 0


def set_logs(directory: Path, terminal: Terminal, peer: Peer) -> None:
    """Set the directory of the logs, and wait for a message that is typed after that."""
    terminal.enter(f"/set logs.directory {directory}")
    terminal.enter("next")
    assert peer.expect("PRIVMSG").params == ["#lobby", "next"]


def test_places_and_typed_lines_come_back(server: ScriptedServer, start: Start, file: Path) -> None:
    """The next chat joins the channel that was in front, has the conversation, and finds the typed lines."""
    terminal, peer = begin(server, start)
    terminal.see_last("[#lobby]")
    terminal.enter("/query alice")
    terminal.see_last("[alice]")
    terminal.enter("/join #tea")
    join(peer, "#tea")
    terminal.see("You joined #tea")
    terminal.enter("what I said")
    peer.expect("PRIVMSG")
    terminal.enter("/msg NickServ IDENTIFY s3cret")
    peer.expect("PRIVMSG")
    end(terminal, peer)
    assert b"s3cret" not in file.read_bytes()

    terminal, peer = begin(server, start)
    join(peer, "#tea")
    terminal.see_last("[#tea]")
    terminal.type(UP)
    terminal.see_last("[#tea] /quit")
    terminal.type(UP)
    terminal.see_last("[#tea] what I said")
    terminal.enter("\x15/part")
    assert peer.expect("PART").params[0] == "#tea"
    peer.send(":bob!b@h PART #tea")
    terminal.see_last("[alice]")
    end(terminal, peer)

    terminal, peer = begin(server, start)
    terminal.see_last("[alice]")
    end(terminal, peer)
    assert not [line for line in peer.seen if line.startswith("JOIN #tea")]


def test_a_channel_of_the_command_line_is_in_front(server: ScriptedServer, start: Start) -> None:
    """--join comes before what was in front last time; the other places are opened all the same."""
    terminal, peer = begin(server, start, "--join", "#tea")
    join(peer, "#tea")
    terminal.see("You joined #tea")
    end(terminal, peer)
    terminal, peer = begin(server, start, "--join", "#cats")
    join(peer, "#cats")
    assert {message.params[0] for message in peer.gather("JOIN", 2)} == {"#tea", "#lobby"}
    terminal.see_last("[#cats]")


def test_nothing_is_reopened_if_the_user_does_not_want_it(
    server: ScriptedServer, start: Start, tmp_path: Path, file: Path
) -> None:
    """With ``reopen = false`` and ``typed_lines = 0`` nothing of a chat is in the file."""
    settings = tmp_path / "config" / "chatroom" / "client.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text("[start]\nreopen = false\n[memory]\ntyped_lines = 0\n")
    terminal, peer = begin(server, start, "--join", "#tea")
    join(peer, "#tea")
    terminal.see("You joined #tea")
    terminal.enter("what I said")
    peer.expect("PRIVMSG")
    end(terminal, peer)
    assert b"what I said" not in file.read_bytes()
    assert b"#tea" not in file.read_bytes()


def test_a_damaged_file_costs_one_line(server: ScriptedServer, start: Start, file: Path) -> None:
    """The user is told once, and chats on; the file stays as it is."""
    file.parent.mkdir(parents=True)
    file.write_bytes(b"garbage" * 500)
    terminal, peer = begin(server, start)
    terminal.see("is damaged: file is not a database.")
    terminal.see_last("[#lobby]")
    terminal.enter("hello")
    assert peer.expect("PRIVMSG").params == ["#lobby", "hello"]
    end(terminal, peer)
    assert file.read_bytes() == b"garbage" * 500
    assert terminal.raw.count("is damaged") == 1


def test_a_chat_is_logged_from_the_moment_of_the_setting(server: ScriptedServer, start: Start, tmp_path: Path) -> None:
    """``/set logs.directory`` begins the logs in the running chat; a directory that cannot be used is one line."""
    terminal, peer = begin(server, start)
    terminal.see_last("[#lobby]")
    peer.send(":alice!a@h PRIVMSG #lobby :before")
    terminal.see("before")
    (tmp_path / "file").write_text("")
    set_logs(tmp_path / "file", terminal, peer)
    peer.send(":alice!a@h PRIVMSG #lobby :lost")
    terminal.see("Nothing is logged any more")
    set_logs(tmp_path / "logs", terminal, peer)
    peer.send(":alice!a@h PRIVMSG #lobby :hello bob", ":alice!a@h PRIVMSG bob :psst")
    terminal.see("psst")
    end(terminal, peer)
    logs = {path.name: path.read_text() for path in (tmp_path / "logs").glob("*/*.log")}
    assert sorted(logs) == ["#lobby.log", "alice.log"]
    assert logs["#lobby.log"].endswith(" <alice> hello bob\n")
    assert "before" not in logs["#lobby.log"] and "lost" not in logs["#lobby.log"]
    assert logs["alice.log"].endswith(" <alice> psst\n")
