from __future__ import annotations

from math import inf
from pathlib import Path

from harness.client_stage import Stage
from harness.full_screen import FullScreen, play

from chatroom.client.chat_events import Info
from chatroom.client.fullscreen.keyboard import Keyboard
from chatroom.client.settings.chat_settings import ChatSettings

GONE = "AWAY :away from the keyboard"


class Desk:
    """A stage with a keyboard; the setting is ten minutes."""

    def __init__(self, tmp_path: Path) -> None:
        settings = ChatSettings(tmp_path / "client.toml")
        settings.configure("presence.away_after_min 10", reset=False)
        self.settings = settings
        self.stage = Stage(settings=settings)
        self.stage.welcome("#lobby")
        self.now = 0.0
        self.keyboard = Keyboard(settings, lambda: self.now)

    def wait(self, minutes: float) -> float:
        """Let time pass, and return after how many minutes the user is away."""
        self.now += minutes * 60
        return self.keyboard.look([self.stage.session]) / 60

    def press(self) -> None:
        """Press a key."""
        self.keyboard.pressed([self.stage.session])

    def is_away(self) -> bool:
        """If the server has said that the user is away."""
        return self.stage.session.state.away

    @property
    def told(self) -> list[str]:
        """What the server was told of being away."""
        return [line for line in self.stage.link.sent if line.startswith("AWAY")]


def test_idle_is_away_until_the_next_key(tmp_path: Path) -> None:
    """After the time without a key the user is away, once; a key ends it. The answers are not shown."""
    desk = Desk(tmp_path)
    desk.wait(9)
    desk.press()
    assert desk.wait(9) == 1
    assert desk.told == []
    assert desk.wait(1) == inf
    desk.wait(100)
    assert desk.told == [GONE]
    assert desk.stage.hear(":srv 306 alice :You are away") == []
    assert desk.is_away()
    desk.press()
    desk.press()
    assert desk.told == [GONE, "AWAY"]
    assert desk.stage.hear(":srv 305 alice :You are back") == []
    assert not desk.is_away()
    assert isinstance(desk.stage.hear(":srv 306 alice :You are away")[0], Info)  # of another device


def test_an_away_of_the_users_own_stays(tmp_path: Path) -> None:
    """What the user has set is neither replaced when time passes, nor ended by a key, and its answer is shown."""
    desk = Desk(tmp_path)
    desk.stage.session.enter("/away lunch")
    (shown,) = desk.stage.hear(":srv 306 alice :You are away")
    assert isinstance(shown, Info)
    desk.wait(60)
    desk.press()
    assert desk.told == ["AWAY :lunch"]


def test_the_setting_counts_at_once(tmp_path: Path) -> None:
    """Without the setting nobody is away by idleness, and who is comes back; so does who connects anew."""
    desk = Desk(tmp_path)
    desk.wait(20)
    desk.settings.configure("presence.away_after_min 0", reset=False)
    desk.wait(1)
    assert desk.told == [GONE, "AWAY"]
    desk.wait(1000)
    assert desk.told == [GONE, "AWAY"]
    desk.settings.configure("presence.away_after_min 5", reset=False)
    desk.stage.lose()
    desk.wait(1)
    desk.stage.welcome("#lobby")
    desk.wait(1)
    assert desk.told == [GONE]


def test_typing_is_told_only_if_the_user_wants_it(tmp_path: Path) -> None:
    """/set presence.typing turns the notices off and on while the chat goes on."""

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby", caps="server-time echo-message message-tags")
        await screen.enter("/set presence.typing false")
        await screen.type("hush")
        assert not any("+typing" in line for line in screen.sent)
        await screen.press("ctrl+u")
        await screen.enter("/set presence.typing true")
        await screen.type("well")
        assert screen.sent[-1] == "@+typing=active TAGMSG #lobby"

    play(scene, settings=ChatSettings(tmp_path / "client.toml"))
