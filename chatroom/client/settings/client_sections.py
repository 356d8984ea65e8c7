"""The sections of the client's settings.

A key is a field made by ``setting``. The docstrings of the sections and the descriptions of the keys are the text of
``client.toml``. Immutable: a change makes a new object.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chatroom.client.address import parse_address
from chatroom.client.desktop_notice import WAYS
from chatroom.client.settings.key_section import Keys
from chatroom.client.trust import parse_fingerprint
from chatroom.settings.keys import setting
from chatroom.settings.kinds import Choice, FilePath, OneOf, String, Text, Whole, Words, YesOrNo
from chatroom.settings.schema import Schema

_NICK = r"([^\s\x00-\x1f\x7f:,!@#&][^\s\x00-\x1f\x7f,!@]*)?"
_CHANNEL = 'a list of channels, such as ["#tea"], none of them twice'
_FINGERPRINT_FORM = "a SHA-256 fingerprint: 64 hexadecimal digits"
_IN_CLEAR = "a password does not belong into this file; password_command, CHATROOM_PASSWORD or the prompt gives it"


@dataclass(frozen=True, slots=True)
class Server(String):
    """The address of a server, as people write it."""

    allowed: str = "HOST, HOST:PORT, irc://HOST or ircs://HOST"

    def read(self, value: object) -> str:
        """Accept a TOML string that is an address."""
        if not isinstance(value, str):
            raise ValueError
        parse_address(value)
        return value


@dataclass(frozen=True, slots=True)
class Fingerprint(String):
    """The fingerprint of a certificate, or an empty text for none."""

    allowed: str = _FINGERPRINT_FORM

    def read(self, value: object) -> str:
        """Accept a TOML string in any usual spelling of a fingerprint."""
        if not isinstance(value, str):
            raise ValueError
        return parse_fingerprint(value) if value else ""


@dataclass(frozen=True, slots=True)
class Command:
    """A program with its arguments. No shell reads them."""

    allowed: str = 'a list: a program and its arguments, such as ["pass", "show", "chat"]'

    def read(self, value: object) -> tuple[str, ...]:
        """Accept a TOML array of strings whose first one is not empty."""
        if not isinstance(value, list | tuple) or not all(isinstance(word, str) and "\0" not in word for word in value):
            raise ValueError
        if value and not value[0]:
            raise ValueError
        return tuple(value)

    def read_text(self, text: str) -> tuple[str, ...]:
        """Accept a TOML array, or words as a shell would read them."""
        import shlex
        import tomllib

        if not text.lstrip().startswith("["):
            return self.read(shlex.split(text))
        try:
            return self.read(tomllib.loads(f"words = {text}")["words"])
        except RecursionError:
            raise ValueError from None

    def write(self, value: object) -> object:
        """Return a list, which TOML has instead of tuples."""
        return list(value) if isinstance(value, tuple) else value


def _is_channel(word: str) -> bool:
    return word != "" and not any(char.isspace() or char in ",\0\a" for char in word)


def _is_word(word: str) -> bool:
    return word.strip() == word != "" and word.isprintable()


def _is_nick(word: str) -> bool:
    return word != "" and not any(char.isspace() or char in ":,!@" for char in word) and word.isprintable()


@dataclass(frozen=True, slots=True)
class Start:
    """What a chat begins with, if the command line says nothing else."""

    server: str = setting(
        "127.0.0.1",
        Server(),
        "The server, or the name of a saved one (see the end of this file).",
        applies="restart",
    )
    nick: str = setting(
        "",
        Text("a nick", _NICK, 100),
        "Your nick. Empty: chatroom asks, and proposes your login name.",
        applies="restart",
    )
    reopen: bool = setting(
        True,
        YesOrNo(),
        "Go back to the places that were open when you left the server, except channels with a key. In a pipe, and "
        "with --plain, nothing is remembered.",
        applies="restart",
    )


@dataclass(frozen=True, slots=True)
class Look:
    """How the chat looks."""

    full_screen: bool = setting(
        True,
        YesOrNo(),
        "At a terminal, take the full screen. false: one stream of lines above a prompt. --full and --prompt override "
        "this.",
        applies="restart",
    )
    colours: bool = setting(
        True,
        YesOrNo(),
        "Use colours. The environment variable NO_COLOR turns them off, too.",
        applies="restart",
    )
    theme: str = setting(
        "terminal",
        OneOf(("terminal", "dark", "light", "gruvbox", "nord", "dracula", "solarized-light")),
        "The colours of the full screen. terminal: those of the terminal; the others have a background of their own. "
        "Without colours there is no theme.",
    )
    formatting: bool = setting(
        True,
        YesOrNo(),
        "Show bold, italic, underlined, struck out, reversed and coloured text in messages. In a pipe, in logs and in "
        "copied text it is plain.",
    )


@dataclass(frozen=True, slots=True)
class Attention:
    """What calls you.

    A message of another user calls you if your nick or one of the words is in it, or if it is for you alone.
    """

    words: tuple[str, ...] = setting(
        (),
        Words('a list of words, such as ["tea", "build failed"], none of them twice', _is_word),
        "Words that stand out as your nick does, in upper or lower case.",
    )
    bell: bool = setting(
        False,
        YesOrNo(),
        "Ring the terminal's bell when a message calls you, at most every two seconds. The full screen is silent for a "
        "place that you look at.",
    )
    title: bool = setting(
        True,
        YesOrNo(),
        "The full screen shows in the title of the terminal which place is in front, and how many new messages call "
        "you.",
    )
    notify: str = setting(
        "none",
        Choice(WAYS, "auto", "none"),
        "How the full screen has your desktop tell you of a message that calls you, unless you look at its place; at "
        "most every five seconds. osc9 (iTerm2 and others), osc777 (foot, Ghostty, rxvt) and osc99 (kitty) go through "
        "the terminal, also over SSH; notify-send is a program of the desktop; auto chooses.",
    )


@dataclass(frozen=True, slots=True)
class People:
    """Other users."""

    ignored: tuple[str, ...] = setting(
        (),
        Words("a list of nicks, none of them twice", _is_nick),
        "Users whose messages you do not read, on all servers. /ignore is for one chat only.",
    )


@dataclass(frozen=True, slots=True)
class Presence:
    """What others see of you on the full screen, besides what you say."""

    typing: bool = setting(True, YesOrNo(), "Others see that you are typing a message.")
    away_after_min: int = setting(
        0,
        Whole(0, 24 * 60),
        "After so many minutes without a key you are away, until the next key. An away that you have set by yourself "
        "stays as it is. 0: never.",
    )


@dataclass(frozen=True, slots=True)
class Memory:
    """What chatroom remembers between two chats, in ~/.local/state/chatroom/client.db. Nobody else can read it."""

    typed_lines: int = setting(
        1000,
        Whole(0, 100_000),
        "How many typed lines the arrow up finds again in later chats. Lines with passwords are not remembered. 0: "
        "none.",
        applies="restart",
    )


@dataclass(frozen=True, slots=True)
class Logs:
    """What was said, as text files on this machine."""

    directory: Path | None = setting(
        None,
        FilePath("the path of a directory", is_optional=True, is_directory=True),
        "Write what the screen shows of channels and conversations into DIRECTORY/SERVER/PLACE.log. Nobody else can "
        "read these files. Empty: nothing is written.",
        shown="",
    )


@dataclass(frozen=True, slots=True)
class Passwords:
    """Where passwords of accounts come from.

    In this order: CHATROOM_PASSWORD, the password_command of a saved server, the keyring, a question. This file never
    has one.
    """

    keyring: bool = setting(
        False,
        YesOrNo(),
        "Look for the password in the keyring of your desktop. `keyring set chatroom ACCOUNT@HOST:PORT` stores it "
        "there. Both need: pip install 'chatroom[keyring]'",
        applies="restart",
    )
    offer: bool = setting(
        True,
        YesOrNo(),
        "On the full screen, offer to keep a password that you have typed in the keyring, if it can be used.",
    )


@dataclass(frozen=True, slots=True)
class SavedServer:
    """A saved server: ``chatroom NAME`` connects to it.

    Repeat this section, with another NAME, for each server. Options on the command line override it.
    """

    address: str = setting("", Server(), "Where the server is. Required.", applies="restart")
    tls: bool = setting(False, YesOrNo(), "Encrypt, as with ircs://.", applies="restart")
    nick: str = setting(
        "", Text("a nick", _NICK, 100), "Your nick there. Empty: that of the account.", applies="restart"
    )
    account: str = setting(
        "", Text("the name of an account", _NICK, 100), "The account to log in to. Empty: none.", applies="restart"
    )
    join: tuple[str, ...] = setting((), Words(_CHANNEL, _is_channel), "The channels to join.", applies="restart")
    password_command: tuple[str, ...] = setting(
        (),
        Command(),
        "The program that prints the password of the account in its first line.",
        applies="restart",
    )
    fingerprint: str = setting(
        "", Fingerprint(), "Trust the certificate with this fingerprint and no other.", applies="restart"
    )
    ca: Path | None = setting(
        None,
        FilePath(is_optional=True),
        "Trust this certificate (PEM), or those that it has signed. Empty: those that the system trusts.",
        applies="restart",
        shown="",
    )
    certificate: Path | None = setting(
        None,
        FilePath(is_optional=True),
        "Show this certificate (PEM), to log in with it. Empty: none.",
        applies="restart",
        shown="",
    )
    key: Path | None = setting(
        None, FilePath(is_optional=True), "Its key, if it is in another file.", applies="restart", shown=""
    )

    @property
    def fault(self) -> str:
        """What makes no sense in this table; empty if nothing does."""
        if not self.address:
            return "address is missing"
        if self.fingerprint and self.ca:
            return "fingerprint and ca exclude each other: the one names the certificate itself"
        if self.key and not self.certificate:
            return "key needs certificate"
        if self.password_command and not self.account:
            return "password_command needs account"
        return ""


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """All settings of the client. Without arguments, all have their defaults."""

    start: Start = field(default_factory=Start)
    look: Look = field(default_factory=Look)
    attention: Attention = field(default_factory=Attention)
    people: People = field(default_factory=People)
    presence: Presence = field(default_factory=Presence)
    memory: Memory = field(default_factory=Memory)
    logs: Logs = field(default_factory=Logs)
    passwords: Passwords = field(default_factory=Passwords)
    keys: Any = field(default_factory=Keys)
    """A ``Keys``, which has one field for each action."""
    servers: Mapping[str, SavedServer] = field(default_factory=dict)
    """The saved servers by their names."""
    sources: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    """The file that sets a key, by the key's path. Other keys are missing."""


SECTIONS: dict[str, type[Any]] = {
    "start": Start,
    "look": Look,
    "attention": Attention,
    "people": People,
    "presence": Presence,
    "memory": Memory,
    "logs": Logs,
    "passwords": Passwords,
    "keys": Keys,
    "servers": SavedServer,
}
SCHEMA = Schema(SECTIONS, named=["servers"], refused={"password": _IN_CLEAR, "server_password": _IN_CLEAR})
