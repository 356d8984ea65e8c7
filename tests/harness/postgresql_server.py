"""A PostgreSQL server of the tests' own: Debian's programs, as an ordinary process, in a directory of its own.

It listens on a Unix socket only, so it needs no port. PostgreSQL refuses to run as root: then it runs as the user of
Debian's package. Nothing is kept over a crash of the machine, which makes it quick.
"""

from __future__ import annotations

import glob
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
from harness.own_server import OwnServer
from harness.temporary_files import short_directory

from chatroom.database_address import ServerAddress
from chatroom.storage.postgresql.postgresql_stores import open_stores

_ACCOUNT = "postgres"
"""The user of Debian's package, and the superuser of the server."""
WITH_PASSWORD = "chat_with_password"
"""A user that needs a password, and that ``make_user`` makes. All others need none."""
_TEMPLATE = "template_with_tables"
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "shared_buffers": "32MB",
    "max_connections": "200",
    "log_min_messages": "warning",
    "lc_messages": "C",
}


class PostgresqlServer(OwnServer):
    """A running server."""

    _READY = "database system is ready to accept connections"

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, _SETTINGS)
        self._numbers = itertools.count(1)
        self._has_template = False
        self._reused: ServerAddress | None = None
        self._clearing = ""

    @classmethod
    @contextmanager
    def running(cls, **settings: str) -> Iterator[PostgresqlServer]:
        """Run a server in the block. ``fsync="on"`` is a setting."""
        # Not tmp_path: the path of a socket has to be short, and the server's user must be let in.
        directory = Path(tempfile.mkdtemp(prefix="chatroom-test-", dir=short_directory()))
        try:
            if os.geteuid() == 0:
                account = pwd.getpwnam(_ACCOUNT)
                os.chown(directory, account.pw_uid, account.pw_gid)
            data = directory / "data"
            initdb = [
                _program("initdb"),
                "-D",
                str(data),
                "-U",
                _ACCOUNT,
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--no-locale",
                "-N",
            ]
            subprocess.run(_as_user(initdb), check=True, capture_output=True, cwd=directory)
            rules = data / "pg_hba.conf"
            rules.write_text(f"local all {WITH_PASSWORD} scram-sha-256\n{rules.read_text()}")
            server = cls(directory)
            server.settings.update(settings)
            server.start()
            try:
                yield server
            finally:
                server.stop()
        finally:
            shutil.rmtree(directory, ignore_errors=True)

    def start(self) -> None:
        """Start the server, and wait until it lets connections in."""
        settings = [f"--{name}={value}" for name, value in self.settings.items()]
        command = [_program("postgres"), "-D", str(self.directory / "data"), "-k", str(self.directory), *settings]
        self._begin(_as_user(command))

    def stop(self, number: int = signal.SIGQUIT) -> None:
        """End the server: at once, without writing what it has in memory, or by another signal. Idempotent."""
        self._end(number)

    def pause(self) -> None:
        """Have the server stand still, with all its processes: it is there, and does not answer."""
        self._signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._signal_all(signal.SIGCONT)

    def hold_commits(self) -> None:
        """Have the answers to commits wait: each is done, and then waits for a standby that there is not."""
        self._name_standbys("SET synchronous_standby_names = 'nobody'", "nobody")

    def release_commits(self) -> None:
        """Have commits be answered again."""
        self._name_standbys("RESET synchronous_standby_names", "")

    def _name_standbys(self, change: str, names: str) -> None:
        self._run(f"ALTER SYSTEM {change}")
        self._run("SELECT pg_reload_conf()")
        # When a new connection has it, the server has told the others, who look before their next statement.
        while self._ask("SHOW synchronous_standby_names") != names:
            pass

    def count_held(self) -> int:
        """How many commits wait with their answers."""
        count = self._ask("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
        assert isinstance(count, int)
        return count

    def _ask(self, sql: str) -> object:
        with psycopg.connect(self.address("postgres").url, autocommit=True) as connection:
            row = connection.execute(sql.encode()).fetchone()
        assert row is not None
        return row[0]

    def _signal_all(self, number: int) -> None:
        # First the one that starts the others: then there are no new ones.
        os.kill(self.pid, number)
        found = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.pid)], capture_output=True, text=True, check=False
        )
        for pid in map(int, found.stdout.split()):
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def address(self, database: str) -> ServerAddress:
        """The address of a database there."""
        return ServerAddress(f"postgresql://{_ACCOUNT}@/{database}?host={self.directory}")

    @contextmanager
    def database(self, *, empty: bool = False) -> Iterator[ServerAddress]:
        """A database in the block, with our tables; ``empty``: without."""
        address = self.make_database(empty=empty)
        yield address
        self.drop_database(address)

    @contextmanager
    def reused_database(self) -> Iterator[ServerAddress]:
        """A database with our tables in the block, cleared behind it: that costs a tenth of a new one.

        For tests that change rows alone.
        """
        if self._reused is None:
            self._reused = self.make_database()
            with psycopg.connect(self._reused.url, autocommit=True) as connection:
                self._clearing = _sql_that_clears(connection)
        yield self._reused
        with psycopg.connect(self._reused.url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            connection.execute(self._clearing.encode())

    def make_database(self, *, empty: bool = False) -> ServerAddress:
        """Make a database with our tables; ``empty``: without."""
        name = f"chat{next(self._numbers)}"
        if not empty and not self._has_template:
            self._run(f"CREATE DATABASE {_TEMPLATE}")
            open_stores(self.address(_TEMPLATE), create=True).close()
            self._has_template = True
        template = "template0" if empty else _TEMPLATE
        # A copy of the files is quicker than one through the log, and as safe: nobody writes to the template.
        self._run(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return self.address(name)

    def drop_database(self, address: ServerAddress) -> None:
        """Remove a database, and end the connections to it."""
        self._run(f"DROP DATABASE {address.url.partition('@/')[2].partition('?')[0]} WITH (FORCE)")

    def make_user(self, address: ServerAddress, password: str) -> ServerAddress:
        """Make the user that needs a password the owner of a database. Return its address there, without a password."""
        name = address.url.partition("@/")[2].partition("?")[0]
        self._run(f"DROP ROLE IF EXISTS {WITH_PASSWORD}; CREATE ROLE {WITH_PASSWORD} LOGIN PASSWORD '{password}'")
        self._run(f"ALTER DATABASE {name} OWNER TO {WITH_PASSWORD}")
        return ServerAddress(f"postgresql://{WITH_PASSWORD}@/{name}?host={self.directory}")

    def end_connections(self) -> None:
        """End all connections to all databases, as a restart of the server would."""
        self._run("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname LIKE 'chat%'")

    def let_only_read(self, address: ServerAddress, only: bool) -> None:
        """Have the connections that are made to a database from now on only read, or let them write again."""
        name = address.url.partition("@/")[2].partition("?")[0]
        self._run(f"ALTER DATABASE {name} SET default_transaction_read_only = {'on' if only else 'off'}")

    def _run(self, sql: str) -> None:
        with psycopg.connect(self.address("postgres").url, autocommit=True) as connection:
            connection.execute(sql.encode())


def _sql_that_clears(connection: psycopg.Connection) -> str:
    """The statements after which the tables of a new database have the rows again that they have now."""
    # No rule between tables then: the order does not matter.
    statements = ["BEGIN", "SET LOCAL session_replication_role = replica"]
    for (table,) in connection.execute("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'"):
        statements.append(f"DELETE FROM {table}")
        row = connection.execute(f"SELECT quote_literal(json_agg(t)::text) FROM {table} t".encode()).fetchone()
        if row is not None and row[0] is not None:
            statements.append(f"INSERT INTO {table} SELECT * FROM json_populate_recordset(NULL::{table}, {row[0]})")
    return "; ".join([*statements, "COMMIT"])


def find_programs() -> str:
    """The directories of PostgreSQL's programs, newest first, as in ``PATH``: Debian keeps them out of it."""
    return os.pathsep.join(sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=_version_of, reverse=True))


def _version_of(directory: str) -> float:
    return float(Path(directory).parent.name)


def _program(name: str) -> str:
    found = shutil.which(name, path=f"{find_programs()}{os.pathsep}{os.environ.get('PATH', '')}")
    assert found is not None, f"{name} is not installed"
    return found


def _as_user(command: list[str]) -> list[str]:
    """The command for a user who is not root, which ends if the tests are killed."""
    user = ["--reuid", _ACCOUNT, "--regid", _ACCOUNT, "--clear-groups"] if os.geteuid() == 0 else []
    return ["setpriv", "--pdeathsig", "QUIT", *user, *command]
