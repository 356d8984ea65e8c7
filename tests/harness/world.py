"""The world without sockets: sessions that say lines, ticks, the workers' jobs, and time that the test moves.

Only the wire and the threads are missing. Rules, verbs, outbox and stores are real, on an SQLite file. After every tick
the harness checks what must always be true (``harness.invariants``), whatever the test is about.
"""

from __future__ import annotations

import base64
import functools
import ipaddress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

from harness.new_database import make_database
from harness.runtime import FakeRuntime
from harness.session_client import Client
from harness.ticking_world import TickingWorld

from chatroom.chat.admission.account_directory import AccountDirectory
from chatroom.chat.admission.cloak import Cloak
from chatroom.chat.admission.credentials import make_credentials
from chatroom.chat.always_on import restore_user
from chatroom.chat.delivery.ledger import Ledger
from chatroom.chat.enforcement import apply_account, apply_rules
from chatroom.chat.people.channel import Channel
from chatroom.chat.people.session import ControlRights
from chatroom.chat.people.user import User
from chatroom.chat.stored.records import AccountEntry, Actor, Credential, Role
from chatroom.chat.world import World
from chatroom.commands.connecting.registration import start
from chatroom.config import Settings
from chatroom.config.chatting import Accounts, Limits
from chatroom.irc.message import parse
from chatroom.server.loaded_world import restore
from chatroom.storage.sqlite.history_upkeep import open_upkeep
from chatroom.storage.sqlite.journal import open_journal
from chatroom.storage.sqlite.sqlite_stores import SqliteStores, open_stores

START = datetime(2030, 5, 1, 12, 0, tzinfo=UTC)
SERVER = "chatroom.local"
PASSWORD = "open sesame"
"""The password of every account, unless a test gives another."""
SHELL = Actor("root", "cli")


def make_settings(**sections: dict[str, Any]) -> Settings:
    """Make settings for tests, without limits and with cheap passwords.

    ``accounts={"require_login": True}`` changes single keys.
    """
    settings = Settings(accounts=Accounts(bcrypt_cost=4, scram_iterations=4096), limits=Limits(enabled=False))
    return change_settings(settings, **sections)


def change_settings(settings: Settings, **sections: dict[str, Any]) -> Settings:
    """Return the settings with some keys changed."""
    for name, keys in sections.items():
        settings = replace(settings, **{name: replace(getattr(settings, name), **keys)})
    return settings


class Here(TickingWorld):
    """A world with its stores, sessions and workers. It closes its stores at the end of a ``with``.

    With ``history`` it keeps a history, as the daemon does.
    """

    writer, first_id = "daemon:test", 0

    def __init__(self, path: Path, settings: Settings | None = None, *, history: bool = False) -> None:
        super().__init__(START)
        self.stores: SqliteStores = open_stores(make_database(path), writer=self.writer, clock=lambda: self.now)
        self.journal = open_journal(path, clock=lambda: self.now) if history else None
        self.world = self._make_world(settings or make_settings())

    def __enter__(self) -> Here:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the database's connections."""
        if self.journal is not None:
            self.journal.close()
        self.stores.close()

    def _make_world(self, settings: Settings) -> World:
        self.runtime = FakeRuntime(settings)
        accounts = AccountDirectory(self.stores.accounts.load_entries())
        ledger = Ledger(self.journal, settings.history) if self.journal is not None else None
        world = World(settings, self.runtime, Cloak(b"key"), self.now_ms, self.mono_ms, accounts, ledger)
        restore(world, self.stores)
        return world

    def restart(self) -> None:
        """Make a new world from what the stores have, without sessions."""
        assert not self.held
        self.clients = {}
        self.world = self._make_world(self.world.settings)
        if self.journal is not None:
            self.stores.presence.go_all(self.world.ledger.last_message_id)
        for user in self.stores.presence.load_users(self.world.settings.accounts.always_on_max):
            data = self.stores.account_data.load(user.account_id)
            restore_user(self.world, user, data, self.stores.presence.find_places(user.account_id))

    # -- time -------------------------------------------------------------------------------------

    def wait(self, seconds: float) -> None:
        """Let time pass: both clocks go on."""
        self.mono_ms += int(seconds * 1000)
        self.set_clock(seconds)

    def set_clock(self, seconds: float) -> None:
        """Set the wall clock ahead, or back, while no time passes."""
        self.now += timedelta(seconds=seconds)
        if not self._in_tick:
            with self.tick():
                pass

    # -- people -----------------------------------------------------------------------------------

    def account(
        self, name: str, role: Role = Role.USER, password: str = PASSWORD, *, disabled: bool = False
    ) -> AccountEntry:
        """Add an account, as the shell does."""
        credentials = _make_credentials(password, self.world.settings.accounts)
        made = self.stores.accounts.create(name, role, credentials, SHELL)
        if disabled:
            self.stores.accounts.set_disabled(made.id, True, SHELL)
        return self.apply_account(made.id)

    def apply_account(self, account_id: int) -> AccountEntry:
        """Have the world take in an account as it is stored. Returns its entry; the last known one if it is deleted."""
        entry = self.stores.accounts.find_entry(account_id)
        known = entry or self.world.accounts.find_by_id(account_id)
        with self.tick():
            apply_account(self.world, account_id, entry)
        assert known is not None
        return known

    def set_role(self, name: str, role: Role) -> None:
        """Give an account another role from the shell."""
        self.apply_account(self.stores.accounts.set_role(self.stores.accounts.get(name).id, role, SHELL).id)

    def disable(self, name: str) -> None:
        """Disable an account from the shell."""
        self.apply_account(self.stores.accounts.set_disabled(self.stores.accounts.get(name).id, True, SHELL).id)

    def delete(self, name: str) -> None:
        """Delete an account from the shell."""
        account_id = self.stores.accounts.get(name).id
        self.stores.accounts.delete(account_id, SHELL)
        self.apply_account(account_id)

    def ban(self, target: str, reason: str = "", *, kind: str = "name", until: datetime | None = None) -> int:
        """Ban from the shell. Returns the ban's id."""
        ban = self.stores.bans.add("name" if kind == "name" else "ip", target, reason, until, SHELL)
        with self.tick():
            apply_rules(self.world, [(ban.id, self.stores.bans.find_rule(ban.id, self.now))])
        return ban.id

    def open(self, address: str = "10.0.0.1", *, secure: bool = False, certificate: str = "") -> Client:
        """Make a new session that has said nothing yet.

        ``secure``: its connection has TLS. ``certificate`` is the fingerprint of the one that it showed, with TLS.
        """
        parsed = ipaddress.ip_address(address)
        host = self.world.cloak.host(parsed.version, int(parsed))
        number = self.first_id + len(self.clients) + 1
        session = self.world.session_kind(number, str(parsed), parsed.version, int(parsed), host, self.now_ms)
        session.opened_mono_ms = self.mono_ms
        session.secure = secure or bool(certificate)
        session.certificate = certificate
        client = self.clients[number] = Client(self, session)
        with self.tick():
            start(self.world, session)
        return client

    def control(self, name: str = "root") -> Client:
        """Make a session of the control socket."""
        number = self.first_id + len(self.clients) + 1
        session = self.world.session_kind(number, "cli", 0, 0, "cli", self.now_ms)
        session.registration = None
        session.control = ControlRights(name, Role.ADMIN)
        client = self.clients[number] = Client(self, session)
        return client

    def connect(
        self,
        nick: str,
        *,
        caps: str = "",
        login: str | None = None,
        password: str = PASSWORD,
        address: str = "10.0.0.1",
        realname: str = "Real Name",
        secure: bool = False,
        certificate: str = "",
    ) -> Client:
        """Make a registered session that has read its welcome. ``login`` names the account to log in to by PASS."""
        client = self.open(address, secure=secure, certificate=certificate)
        with self.tick():
            if caps:
                client.say("CAP LS 302", f"CAP REQ :{caps}")
            if login is not None:
                client.say(f"PASS :{login}:{password}")
            client.say(f"NICK {nick}", f"USER {nick.lower()[:8]} 0 * :{realname}")
            if caps:
                client.say("CAP END")
        welcome = client.read()
        assert client.session.user is not None, welcome
        return client

    def admin(self, name: str = "ada", **how: Any) -> Client:
        """Connect as an admin. The account is made if there is none."""
        return self._ranked(name, Role.ADMIN, how)

    def moderator(self, name: str = "mo", **how: Any) -> Client:
        """Connect as a moderator. The account is made if there is none."""
        return self._ranked(name, Role.MODERATOR, how)

    def member(self, name: str = "una", **how: Any) -> Client:
        """Connect with an account without privileges, which is made if there is none."""
        return self._ranked(name, Role.USER, how)

    def _ranked(self, name: str, role: Role, how: dict[str, Any]) -> Client:
        if self.world.accounts.find(name) is None:
            self.account(name, role)
        return self.connect(name, login=name, **how)

    def index_history(self) -> None:
        """Index the history, as the upkeep thread does."""
        upkeep = open_upkeep(self.stores.path, clock=lambda: self.now)
        while upkeep.index_some():
            pass
        upkeep.close()

    def user(self, nick: str) -> User:
        """Return the user with that nick."""
        user = self.world.find_user(nick)
        assert user is not None, f"no user is called {nick}"
        return user

    def channel(self, name: str) -> Channel:
        """Return the channel with that name."""
        channel = self.world.find_channel(name)
        assert channel is not None, f"there is no {name}"
        return channel

    def forget_unread(self) -> None:
        """Have all clients read what was sent to them."""
        for client in self.clients.values():
            client.read()


# The slowest step of many tests. Accounts of the same password have the same salts then, which no test looks at.
@functools.cache
def _make_credentials(password: str, settings: Accounts) -> tuple[Credential, ...]:
    return tuple(make_credentials(password, settings))


def sasl_plain(account: str, password: str = PASSWORD, authzid: str = "") -> str:
    """Return the AUTHENTICATE line of a PLAIN response."""
    return "AUTHENTICATE " + base64.b64encode(f"{authzid}\0{account}\0{password}".encode()).decode()


def verbs(lines: list[str]) -> list[str]:
    """Return the verbs and numerics of some lines."""
    return [parse(line).verb for line in lines]


def params_of(lines: list[str], verb: str) -> list[str]:
    """Return the parameters of the one line with that verb or numeric."""
    found = [message.params for message in map(parse, lines) if message.verb == verb]
    assert len(found) == 1, f"{len(found)} times {verb} in {lines}"
    return found[0]
