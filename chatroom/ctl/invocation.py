"""One run of ``chatroomctl``: its global options, and the settings, database and user that follow from them."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Mapping
from datetime import UTC, tzinfo
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from chatroom.errors import Refused

if TYPE_CHECKING:
    from chatroom.chat.stored.records import Actor
    from chatroom.config import Settings
    from chatroom.database_address import DatabaseAddress

Command = TypeVar("Command", bound=Callable[..., Any])


class DatabaseType(click.Path):
    """The type of ``--database``: gives a ``Path``, or a ``ServerAddress`` for the URL of a server."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Convert a value. It fails for a URL with a password, which every user of this machine could read."""
        if not isinstance(value, str) or "://" not in value:
            return super().convert(value, param, ctx)
        from chatroom.database_address import find_address
        from chatroom.errors import ConfigError

        try:
            address = find_address(value)
        except ConfigError as error:
            self.fail(str(error), param, ctx)
        if getattr(address, "password", None) is not None:
            self.fail(
                "a password does not belong on the command line, where every user of this machine can read it:"
                " it comes from PGPASSWORD or PGPASSFILE (~/.pgpass), or set database.url and database.password_file",
                param,
                ctx,
            )
        return address


class Invocation:
    """The global options of one run, and what follows from them.

    Files are read at first use, so that a broken configuration stops only the commands that need it. So are the modules
    of the settings, which take as long as a short command. Members that read a file raise ``ConfigError``.
    """

    def __init__(self, config_flag: Path | None = None, database_flag: DatabaseAddress | None = None) -> None:
        self.config_flag = config_flag
        self.database_flag = database_flag
        self.zone: tzinfo | None = None
        """The zone of the times that are shown and read. None is the zone of this machine, which the log has too."""

    @cached_property
    def config_file(self) -> Path | None:
        """The configuration file in use, or ``None`` if there is none."""
        from chatroom.config import find_file

        return find_file(self.config_flag, os.environ)

    def load_settings(self, overrides: Mapping[str, object] | None = None) -> Settings:
        """Read all settings again. ``overrides`` are further flags, as in ``chatroom.config.load``.

        The file is searched for again, too: a daemon that started without a file picks it up at a reload.
        """
        from chatroom.config import find_file, load

        return load(
            find_file(self.config_flag, os.environ),
            os.environ,
            {
                "database.path": self.database_flag if isinstance(self.database_flag, Path) else None,
                "database.url": None if isinstance(self.database_flag, Path) else self.database_flag,
                **(overrides or {}),
            },
        )

    @cached_property
    def settings(self) -> Settings:
        """All settings, read once and then kept."""
        return self.load_settings()

    @cached_property
    def address(self) -> DatabaseAddress:
        """Where the database is. With ``--database`` the configuration is not read."""
        if isinstance(self.database_flag, Path):
            from chatroom.paths import expand

            return expand(self.database_flag).absolute()
        return self.database_flag or self.settings.database.address

    @property
    def database(self) -> Path:
        """The path of the database, for what only works with a file. Raises ``Refused`` if it is on a server."""
        if not isinstance(self.address, Path):
            raise Refused(f"{self.address}: this command does not work with a database on a server")
        return self.address

    @cached_property
    def actor(self) -> Actor:
        """The shell user, as bans and the audit log name the actor."""
        from chatroom.chat.stored.records import Actor

        try:
            name = pwd.getpwuid(os.getuid()).pw_name
        except KeyError:  # a container can run under a uid without a name
            name = f"uid{os.getuid()}"
        return Actor(name, "cli")


pass_invocation = click.make_pass_decorator(Invocation)
"""Pass the ``Invocation`` to a command as its first argument."""


def utc_option(command: Command) -> Command:
    """Add ``--utc`` to a command that shows or reads times. It sets the zone of the ``Invocation``."""

    def use_utc(context: click.Context, parameter: click.Parameter, value: bool) -> None:
        if value:
            context.ensure_object(Invocation).zone = UTC

    # Eager: the zone is known when the other options are read.
    return click.option(
        "--utc",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=use_utc,
        help="Show and read times in UTC instead of the zone of this machine. Example: --utc",
    )(command)


def current_zone() -> tzinfo | None:
    """Return the zone of the command that runs."""
    context = click.get_current_context(silent=True)
    invocation = context.find_object(Invocation) if context is not None else None
    return invocation.zone if invocation is not None else None
