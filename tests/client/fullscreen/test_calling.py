from __future__ import annotations

import io
import stat
import sys
from pathlib import Path

import pytest
from harness.client_stage import Stage
from harness.full_screen import FullScreen, play

from chatroom.client.chat_events import Event
from chatroom.client.desktop_notice import SEND, WAYS, arguments, choose_way, sequence
from chatroom.client.fullscreen.calling import NOTICE_PAUSE_S, TITLE_PAUSE_S, Calling
from chatroom.client.fullscreen.terminal_control import TerminalControl
from chatroom.client.servers import SessionEvents
from chatroom.client.settings.chat_settings import ChatSettings


class Recorder:
    """A terminal that notes what it is asked for."""

    def __init__(self) -> None:
        self.rings = 0
        self.titles: list[str | None] = []
        self.notices: list[tuple[str, str, str]] = []

    def bell(self) -> None:
        """Count."""
        self.rings += 1

    def flush(self) -> None:
        """Do nothing."""

    def set_title(self, title: str | None) -> None:
        """Note a title."""
        self.titles.append(title)

    def notify(self, way: str, title: str, body: str) -> None:
        """Note a notification."""
        self.notices.append((way, title, body))


class Scene:
    """Alice in #lobby, which is in front, and #tea; the program calls her by all means."""

    def __init__(self, tmp_path: Path, **settings: str) -> None:
        self.terminal = Recorder()
        self.now = 0.0
        self.desk = ChatSettings(tmp_path / "client.toml")
        self.set(bell="true", notify="osc9", **settings)
        self.stage = Stage(settings=self.desk)
        self.stage.welcome("#lobby", "#tea")
        self.places = self.stage.session.places
        self.calling = Calling(self.terminal, self.desk, lambda: self.now)

    def set(self, **values: str) -> None:
        """Change settings of what calls."""
        for key, value in values.items():
            self.desk.configure(f"attention.{key} {value}", reset=False)

    def hear(self, *lines: str) -> None:
        """Hear what others say."""
        events: list[Event] = self.stage.hear(*lines)
        self.calling.hear(SessionEvents(self.stage.session, events))
        self.calling.show_title(self.places)


def test_who_looks_is_not_called(tmp_path: Path) -> None:
    """A mention in the place in front calls only while the terminal is in the background or shows old messages."""
    scene = Scene(tmp_path)
    scene.hear(":bob!b@h PRIVMSG #lobby :alice: here", ":bob!b@h PRIVMSG #tea :nothing for you")
    assert scene.terminal.rings == 0 and scene.terminal.notices == []
    scene.hear(":bob!b@h PRIVMSG #tea :\x02alice\x02: there")
    assert scene.terminal.rings == 1
    assert scene.terminal.notices == [("osc9", "bob in #tea", "alice: there")]
    scene.now += NOTICE_PAUSE_S
    scene.places.watch(False)
    scene.hear(":bob!b@h PRIVMSG #lobby :alice: here")
    scene.now += NOTICE_PAUSE_S
    scene.hear(":carol!c@h PRIVMSG alice :psst")
    assert scene.terminal.notices[1:] == [("osc9", "bob in #lobby", "alice: here"), ("osc9", "carol", "psst")]
    assert scene.terminal.rings == 3


def test_nobody_can_fill_the_desktop(tmp_path: Path) -> None:
    """However many messages call, there is one notification in a while, and one title a second."""
    scene = Scene(tmp_path)
    for _ in range(50):
        scene.hear(":bob!b@h PRIVMSG #tea :alice!")
        scene.now += 0.1
    assert len(scene.terminal.notices) == 1 and scene.terminal.rings == 3
    assert len(scene.terminal.titles) == 5
    scene.now += TITLE_PAUSE_S
    scene.calling.show_title(scene.places)
    assert scene.terminal.titles[-1] == "(50) #lobby · chatroom"


def test_settings_count_at_once(tmp_path: Path) -> None:
    """/set turns each of the three off, and the title goes back to what it was."""
    scene = Scene(tmp_path)
    scene.set(bell="false", notify="none")
    scene.hear(":bob!b@h PRIVMSG #tea :alice!")
    assert scene.terminal.rings == 0 and scene.terminal.notices == []
    assert scene.terminal.titles == ["(1) #lobby · chatroom"]
    scene.set(title="false")
    scene.now += TITLE_PAUSE_S
    scene.calling.show_title(scene.places)
    assert scene.terminal.titles[-1] is None
    scene.hear(":bob!b@h PRIVMSG #lobby :hm")
    assert len(scene.terminal.titles) == 2


@pytest.mark.parametrize(
    "environ, way",
    [
        ({"TERM": "xterm-256color"}, "osc9"),
        ({"TERM": "xterm-256color", "DISPLAY": ":0"}, SEND),
        ({"TERM": "xterm-256color", "DISPLAY": ":0", "SSH_CONNECTION": "a b c d"}, "osc9"),
        ({"TERM": "xterm-kitty", "DISPLAY": ":0"}, "osc99"),
        ({"TERM": "foot", "WAYLAND_DISPLAY": "wayland-0"}, "osc777"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, "osc777"),
        ({"TERM": "screen-256color", "TMUX": "x", "KITTY_WINDOW_ID": "1", "DISPLAY": ":0"}, SEND),
        ({"TERM": "screen-256color", "TMUX": "x", "KITTY_WINDOW_ID": "1"}, "osc99"),
    ],
)
def test_auto_chooses_what_is_there(environ: dict[str, str], way: str) -> None:
    """The terminal's own way comes before notify-send, but for terminals inside others; SSH has no desktop."""
    assert choose_way("auto", environ, lambda name: f"/usr/bin/{name}") == way
    assert choose_way("osc99", environ, lambda name: None) == "osc99"
    assert choose_way("auto", environ, lambda name: None) != SEND


@pytest.mark.parametrize("way", [way for way in WAYS if way.startswith("osc")])
def test_texts_of_others_stay_in_the_sequence(way: str) -> None:
    """No text ends a sequence or begins another one, or a field of it; long ones are cut."""
    evil = "a;\x1b\\\x07\x9c\x1b]0;b\nc" + "x" * 999
    text = sequence(way, evil, evil, {})
    inner = text.replace("\x1b\\", "").replace("\x1b]", "")
    assert inner.isprintable()
    assert len(text) < 400
    assert text.count("\x1b]") == text.count("\x1b\\") == (2 if way == "osc99" else 1)
    assert sequence("osc777", "a;b", "c;d", {}) == "\x1b]777;notify;a,b;c,d\x1b\\"
    assert sequence(way, "4", "5", {"TMUX": "x"}).startswith("\x1bPtmux;\x1b\x1b]")


def test_a_body_has_no_markup() -> None:
    """What others write is no markup of the desktop, and no option of the program."""
    assert arguments("--help", "<b>&")[2:] == ["--", "--help", "&lt;b&gt;&amp;"]


class FakeDriver:
    """What the program writes to the terminal."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        """Note what is written."""
        self.text += text


class FakeApp:
    """The program, for the terminal's control."""

    def __init__(self) -> None:
        self._driver = FakeDriver()


def test_the_terminal_gets_its_title_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """The terminal keeps its own title while ours is shown, and has it again at the end, once."""
    app = FakeApp()
    control = TerminalControl(app, lambda text: None)  # type: ignore[arg-type]
    err = io.StringIO()
    monkeypatch.setattr(sys, "__stderr__", err)
    control.give_back()
    assert err.getvalue() == ""
    control.set_title("one")
    control.set_title("two")
    assert app._driver.text == "\x1b[22;2t\x1b]2;one\x1b\\\x1b]2;two\x1b\\"
    control.give_back()
    control.give_back()
    control.set_title(None)
    assert err.getvalue() == "\x1b]2;\x1b\\\x1b[23;2t"


def test_another_program_gets_the_terminal_with_its_title(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-Z and the editor give the title back before they have the terminal; later ours is shown again."""

    async def scene(screen: FullScreen) -> None:
        written: list[str] = []
        assert screen.app._driver is not None
        monkeypatch.setattr(screen.app._driver, "write", written.append)
        await screen.welcome("#lobby")
        await screen.until(lambda: any("]2;#lobby · chatroom" in text for text in written))
        screen.app.app_suspend_signal.publish(screen.app)
        assert written[-1] == "\x1b]2;\x1b\\\x1b[23;2t"
        written.clear()
        await screen.until(lambda: any("\x1b[22;2t\x1b]2;#lobby · chatroom" in text for text in written))

    play(scene)


def test_notify_send_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program gets title and text; if it is not there, the user reads so; other ways go to the terminal."""
    app = FakeApp()
    flashed: list[str] = []
    control = TerminalControl(app, flashed.append)  # type: ignore[arg-type]
    monkeypatch.setenv("PATH", str(tmp_path))
    control.notify(SEND, "bob", "hi")
    assert flashed == ["notify-send could not be started: No such file or directory. See /set attention.notify"]
    program, out = tmp_path / SEND, tmp_path / "out"
    program.write_text(f"#!/bin/sh\nprintf '%s|' \"$@\" > {out}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    control.notify(SEND, "bob", "hi & bye")
    assert control._notice is not None
    control._notice.wait(20)
    assert out.read_text() == "--app-name=chatroom|--|bob|hi &amp; bye|"
    control.notify("osc9", "bob", "hi")
    assert app._driver.text == "\x1b]9;chatroom: bob: hi\x1b\\"
