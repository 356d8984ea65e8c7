"""The reference of both programs and of their configuration files, from what the code says of itself.

``make protocol`` writes it twice: as pages of ``docs/`` and as man pages in ``man/``.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import NamedTuple

import click

from chatroom.client.main import command as chatroom
from chatroom.client.settings.client_file import HEAD as CLIENT_HEAD
from chatroom.client.settings.client_sections import SCHEMA as CLIENT_SCHEMA
from chatroom.config.settings import SCHEMA as SERVER_SCHEMA
from chatroom.config.template import HEAD as SERVER_HEAD
from chatroom.ctl.main import cli as chatroomctl
from chatroom.settings.file_template import toml_value
from chatroom.settings.keys import Key
from chatroom.settings.schema import Schema


class Heading(NamedTuple):
    """A heading of level 1 (as OPTIONS) or 2."""

    level: int
    text: str


class Text(NamedTuple):
    """A paragraph."""

    text: str


class Lines(NamedTuple):
    """Lines that stay as they are."""

    lines: tuple[str, ...]
    is_usage: bool = False
    """True for the form of a call, which cannot be typed."""


class Terms(NamedTuple):
    """A list of terms with their paragraphs."""

    items: tuple[tuple[str, tuple[str, ...]], ...]


Part = Heading | Text | Lines | Terms


class Manual(NamedTuple):
    """One page."""

    name: str
    section: int
    summary: str
    parts: tuple[Part, ...]
    see_also: tuple[str, ...]


def make_manuals() -> list[Manual]:
    """Return all pages."""
    return [
        _of_chatroomctl(),
        Manual(
            "chatroom",
            1,
            "chat on an IRC server from a terminal",
            (
                Heading(1, "Synopsis"),
                *_usage(chatroom, ("chatroom",)),
                Heading(1, "Description"),
                *_help(chatroom),
                Heading(1, "Options"),
                *_options(chatroom, ("chatroom",)),
                Heading(1, "Files"),
                Terms(
                    (
                        ("~/.config/chatroom/client.toml", ("The settings.",)),
                        ("~/.local/state/chatroom/known-servers", ("Certificates that you have accepted.",)),
                        ("~/.local/state/chatroom/client.db", ("Open places, what was read, and typed lines.",)),
                    )
                ),
            ),
            ("chatroomctl(1)", "client.toml(5)"),
        ),
        _of_settings("chatroom.toml", "settings of a chatroom server", SERVER_SCHEMA, SERVER_HEAD, "chatroomctl(1)"),
        _of_settings("client.toml", "settings of the chatroom client", CLIENT_SCHEMA, CLIENT_HEAD, "chatroom(1)"),
    ]


def _of_chatroomctl() -> Manual:
    return Manual(
        "chatroomctl",
        1,
        "run and manage a chatroom server",
        (
            Heading(1, "Synopsis"),
            *_usage(chatroomctl, ("chatroomctl",)),
            Heading(1, "Description"),
            *_help(chatroomctl),
            Heading(1, "Options"),
            *_options(chatroomctl, ("chatroomctl",)),
            Text("-h and --help show the help of each command."),
            Heading(1, "Commands"),
            *_commands(chatroomctl, ("chatroomctl",)),
            Heading(1, "Exit status"),
            Terms(
                (
                    ("0", ("Success.",)),
                    ("1", ("It failed, and said why; of check: there is a finding.",)),
                    ("2", ("The command was not understood.",)),
                    ("130", ("Interrupted by Ctrl-C.",)),
                )
            ),
            Heading(1, "Environment"),
            Terms(
                (
                    ("CHATROOM_CONFIG", ("The configuration file, if --config names none.",)),
                    ("CHATROOM_SECTION__KEY", ("Sets the key section.key, as chatroom.toml(5) explains.",)),
                    ("CHATROOM_DEBUG", ("If set, an unexpected error shows its traceback.",)),
                    ("NO_COLOR", ("If set, nothing is coloured.",)),
                )
            ),
            Heading(1, "Files"),
            Terms(
                (
                    ("~/.config/chatroom/chatroom.toml", ("The configuration of a user's server.",)),
                    ("/etc/chatroom/chatroom.toml", ("The configuration of the system's server.",)),
                    ("~/.local/share/chatroom/chatroom.db", ("The database, unless database.path names another.",)),
                )
            ),
        ),
        ("chatroom(1)", "chatroom.toml(5)"),
    )


def _context(command: click.Command, words: tuple[str, ...]) -> click.Context:
    # A command keeps its option for help from the first context on, so it must be the one that the program makes.
    return click.Context(command, info_name=words[-1], help_option_names=["-h", "--help"])


def _usage(command: click.Command, words: tuple[str, ...]) -> Iterator[Part]:
    pieces = command.collect_usage_pieces(_context(command, words))
    yield Lines((" ".join([*words, *pieces]),), is_usage=True)


def _help(command: click.Command) -> Iterator[Part]:
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(command.help or "").partition("\f")[0].strip()):
        # click keeps a paragraph as it is if it begins with this character, and so do we.
        if paragraph.startswith("\b"):
            first, *rest = paragraph.removeprefix("\b").strip("\n").splitlines()
            if rest and not first.startswith(" "):
                yield Text(first)
                yield Lines(tuple(line.removeprefix("  ") for line in rest))
            else:
                yield Lines(tuple(line.strip() for line in (first, *rest)))
        elif paragraph.startswith("    "):
            yield Lines(tuple(line.strip() for line in paragraph.splitlines()))
        else:
            yield Text(" ".join(paragraph.split()))


def _options(command: click.Command, words: tuple[str, ...]) -> Iterator[Part]:
    context = _context(command, words)
    records = [one.get_help_record(context) for one in command.params if one.name != "help"]
    # An argument without a help text is explained by the help of its command.
    found = tuple((term, (" ".join(told.split()),)) for term, told in filter(None, records) if told)
    if found:
        yield Terms(found)


def _commands(group: click.Group, words: tuple[str, ...]) -> Iterator[Part]:
    context = _context(group, words)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield Heading(2, " ".join([*words, name]))
        yield from () if isinstance(command, click.Group) else _usage(command, (*words, name))
        yield from _help(command)
        yield from _options(command, (*words, name))
        if isinstance(command, click.Group):
            yield from _commands(command, (*words, name))


def _of_settings(name: str, summary: str, schema: Schema, head: str, program: str) -> Manual:
    parts: list[Part] = [Heading(1, "Description")]
    parts += [Text(" ".join(paragraph.split())) for paragraph in head.strip().split("\n\n")]
    parts.append(Heading(1, "Settings"))
    for section, made_of in schema.sections.items():
        shown = f"{section}.NAME" if section in schema.named else section
        parts.append(Heading(2, f"[[{shown}]]" if section in schema.repeated else f"[{shown}]"))
        about = inspect.cleandoc(made_of.__doc__ or "").replace("``", "")
        parts += [Text(" ".join(paragraph.split())) for paragraph in about.split("\n\n")]
        parts.append(Terms(tuple((_default(key), _told(key)) for key in schema.keys_in(section))))
    return Manual(name, 5, summary, tuple(parts), (program,))


def _default(key: Key) -> str:
    return f"{key.name} = {toml_value(key.default)}"


def _told(key: Key) -> tuple[str, ...]:
    applies = "; applies after a restart" if key.applies == "restart" else ""
    return (*(" ".join(paragraph.split()) for paragraph in key.doc.split("\n\n")), f"({key.kind.allowed}{applies})")
