"""One run of ``chatroomctl``: what its global options say, and what follows from them once somebody asks."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import click

from chatroom.chat.stored.records import Actor
from chatroom.config import Settings, find_file, load


class Invocation:
    """The global options. Nothing is read before it is asked for, so that a broken file only stops those who need it.

    Whatever reads a file may raise ``ConfigError``.
    """

    def __init__(self, config_flag: Path | None, database_flag: Path | None) -> None:
        self.config_flag = config_flag
        self.database_flag = database_flag

    @cached_property
    def config_file(self) -> Path | None:
        """The configuration file in use, ``None`` where there is none."""
        return find_file(self.config_flag, os.environ, Path())

    def load_settings(self, overrides: Mapping[str, object] | None = None) -> Settings:
        """Read all settings anew, ``overrides`` (as for ``chatroom.config.load``) being further flags.

        The file is looked for anew too: a daemon that started without one takes it up at a reload.
        """
        return load(
            find_file(self.config_flag, os.environ, Path()),
            os.environ,
            {"database.path": self.database_flag, **(overrides or {})},
        )

    @cached_property
    def settings(self) -> Settings:
        """All settings, read once."""
        return self.load_settings()

    @cached_property
    def database(self) -> Path:
        """The database's path; with ``--database`` no configuration is read for it."""
        if self.database_flag is not None:
            return self.database_flag.expanduser().absolute()
        return self.settings.database.path

    @cached_property
    def actor(self) -> Actor:
        """The shell user, as bans and audit name who did it."""
        try:
            name = pwd.getpwuid(os.getuid()).pw_name
        except KeyError:
            name = f"uid{os.getuid()}"
        return Actor(name, "cli")


pass_invocation = click.make_pass_decorator(Invocation)
"""Gives a command the ``Invocation`` as its first argument."""
