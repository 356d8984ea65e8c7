"""A typed password is offered to the keyring of the desktop, and never written into a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness.full_screen import CAPS, FullScreen, play

from chatroom.client.fullscreen import password_keeping
from chatroom.client.settings.chat_settings import ChatSettings
from chatroom.client.settings.client_file import load
from chatroom.errors import PasswordUnavailable

OFFER = "Keep the password of alice in the keyring?"


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, str]]:
    """What the keyring was given."""
    calls: list[tuple[str, str, str]] = []
    monkeypatch.setattr(password_keeping, "can_keep", lambda: True)
    monkeypatch.setattr(password_keeping, "keep_in_keyring", lambda *call: calls.append(call))
    return calls


async def log_in(screen: FullScreen) -> None:
    """Register alice's nick with a typed password."""
    await screen.welcome("#lobby", caps=f"{CAPS} draft/account-registration")
    await screen.enter("/register")
    for question in ("New password for alice:", "Repeat the password:"):
        await screen.until(lambda question=question: screen.prompt.startswith(question))  # type: ignore[misc]
        await screen.press(*"sesame12", "enter")
    await screen.until(lambda: "REGISTER * * :sesame12" in screen.sent)
    await screen.hear(":srv REGISTER SUCCESS alice :Registered")


def test_a_typed_password_is_kept_if_the_user_wants(tmp_path: Path, kept: list[tuple[str, str, str]]) -> None:
    """It is stored for the account on this server, and the settings look there from then on, without the password."""
    file = tmp_path / "client.toml"

    async def scene(screen: FullScreen) -> None:
        await log_in(screen)
        await screen.until(lambda: screen.prompt.startswith(OFFER))
        await screen.press("y", "enter")
        await screen.see("The keyring has the password of")
        assert kept == [("alice", "host:6667", "sesame12")]
        assert load(file).passwords.keyring
        assert "sesame12" not in file.read_text()

    play(scene, settings=ChatSettings(file))


def test_settings_that_cannot_be_written_are_told(tmp_path: Path, kept: list[tuple[str, str, str]]) -> None:
    """The keyring has the password then, and is not asked for it at the next start."""
    file = tmp_path / "client.toml"

    async def scene(screen: FullScreen) -> None:
        await log_in(screen)
        await screen.until(lambda: screen.prompt.startswith(OFFER))
        file.mkdir()
        await screen.press("y", "enter")
        await screen.see("Is a directory")
        await screen.see("The keyring has the password of")
        assert kept == [("alice", "host:6667", "sesame12")]

    play(scene, columns=160, settings=ChatSettings(file))


@pytest.mark.parametrize("keys, offer", [(["escape"], True), (["enter"], True), ([*"never", "enter"], False)])
def test_nothing_is_kept_without_a_yes(
    tmp_path: Path, kept: list[tuple[str, str, str]], keys: list[str], offer: bool
) -> None:
    """The same password is not offered again; ``never`` ends the offers for good."""
    file = tmp_path / "client.toml"

    async def scene(screen: FullScreen) -> None:
        await log_in(screen)
        await screen.until(lambda: screen.prompt.startswith(OFFER))
        await screen.press(*keys)
        await screen.until(lambda: screen.prompt.startswith("to #lobby › "))
        await screen.enter("hello")
        await screen.until(lambda: any("PRIVMSG #lobby" in line for line in screen.sent))
        assert kept == []
        assert load(file if file.exists() else None).passwords.offer is offer

    play(scene, settings=ChatSettings(file))


def test_a_keyring_that_fails_is_told(monkeypatch: pytest.MonkeyPatch, kept: list[tuple[str, str, str]]) -> None:
    """The chat goes on, and the keyring is not asked at the next start."""

    def fail(*call: str) -> None:
        raise PasswordUnavailable("the keyring cannot be used: locked")

    monkeypatch.setattr(password_keeping, "keep_in_keyring", fail)

    async def scene(screen: FullScreen) -> None:
        await log_in(screen)
        await screen.until(lambda: screen.prompt.startswith(OFFER))
        await screen.press("y", "enter")
        await screen.see("the keyring cannot be used:")

    play(scene)


def test_without_a_keyring_nothing_is_asked(monkeypatch: pytest.MonkeyPatch, kept: list[tuple[str, str, str]]) -> None:
    """The next thing that is typed is a message."""
    monkeypatch.setattr(password_keeping, "can_keep", lambda: False)

    async def scene(screen: FullScreen) -> None:
        await log_in(screen)
        await screen.enter("hello")
        await screen.until(lambda: any("PRIVMSG #lobby" in line for line in screen.sent))

    play(scene)
