"""People whose clients look at no msgid: whatever such a client reads twice, a person reads twice.

They have accounts, so they are shown what they missed when they come back. Each line of theirs is counted, live or
shown later, over all connections.
"""

from __future__ import annotations

import contextlib
import random
import re
import threading
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from harness.daemon import PASSWORD, Client, until

from chatroom.chat.stored.entries import AtMessageId, Entry
from chatroom.database_address import ServerAddress
from chatroom.storage.opening import open_stores

WAIT_S = 60.0
"""How long a connection may have nothing to read: longer than any failure lasts."""
_BETWEEN_S = 0.008
"""The longest pause of a talker behind the answer to a line."""
_TEXT = re.compile(r" PRIVMSG (\S+) :(?:\[[^\]]*\] )?(said \S+ \d+)$")
"""A line of a talker, with the time in front that a client without server-time is shown."""


class Connection(threading.Thread):
    """A connection that is read until it ends."""

    def __init__(self, port: int, nick: str, caps: str = "", *, password: str = PASSWORD) -> None:
        super().__init__(name=f"{nick} reads", daemon=True)
        self.nick = nick
        self.client = client = Client(port)
        self.has_ended = False
        """True if the server has ended the connection. It has not if there was nothing to read for ``WAIT_S``."""
        self._fences = 0
        client.sock.settimeout(WAIT_S)
        if caps:
            client.send("CAP LS 302", f"CAP REQ :{caps}")
        if password:
            client.send(f"PASS :{password}")
        client.send(f"NICK {nick}", f"USER {nick} 0 * :{nick}")
        if caps:
            client.send("CAP END")
        client.expect("001")
        self.start()

    def run(self) -> None:
        """Read to the end."""
        with contextlib.suppress(OSError):
            while self.client.read_line() is not None:
                pass
            self.has_ended = True
        self.client.sock.close()

    def texts(self) -> list[str]:
        """What was read of all that talkers have said, so far."""
        found = (_TEXT.search(line) for line in list(self.client.lines))
        return [match[2] for match in found if match is not None]

    def settle(self) -> None:
        """Wait until the server has answered all that was sent so far."""
        self._fences += 1
        fence = f"fence-{self._fences}"
        self.client.send(f"PING {fence}")
        until(lambda: any(line.endswith(f":{fence}") for line in list(self.client.lines)), "all is read")

    def end(self) -> None:
        """Leave, and read the last lines."""
        with contextlib.suppress(OSError):
            self.client.send("QUIT")
        self.wait_end(2 * WAIT_S)  # what it has said before runs first: on a busy machine that took 25 s

    def wait_end(self, patience_s: float = WAIT_S) -> None:
        """Read to the end. Fails if the server does not end the connection in time."""
        self.join(patience_s)
        assert self.has_ended, f"the connection of {self.nick} does not end, behind {self.client.lines[-5:]}"


class Talker(threading.Thread):
    """Somebody who says a line to the channel or to one of the readers as soon as the one before is answered."""

    def __init__(self, connection: Connection, number: int, targets: list[str], chance: random.Random) -> None:
        super().__init__(name=f"{connection.nick} talks", daemon=True)
        self.connection = connection
        self._number = number
        self._targets = targets
        self._chance = chance
        self._ends = threading.Event()

    def run(self) -> None:
        """Talk until told to stop, or the connection is lost."""
        chance, said = self._chance, self.connection.client
        for count in range(1_000_000):
            text = f"said {self.connection.nick}-{self._number} {count}"
            try:
                said.send(f"PRIVMSG {chance.choice(self._targets)} :{text}")
            except OSError:
                return
            if self._ends.wait(chance.random() * _BETWEEN_S) or not self.connection.is_alive():
                return

    def stop(self) -> None:
        """Stop talking."""
        self._ends.set()
        self.join(WAIT_S)


class Reader:
    """An account, and all connections that one device of it has had."""

    def __init__(self, name: str, account: str, caps: str = "") -> None:
        self.name = name
        self.account = account
        self.caps = caps
        self.connections: list[Connection] = []

    def connect(self, port: int) -> Connection:
        """Come, or come back."""
        self.connections.append(Connection(port, self.account, self.caps))
        return self.connections[-1]

    def counts(self) -> Counter[str]:
        """How often each line was read."""
        return Counter(text for connection in self.connections for text in connection.texts())


class Misread(NamedTuple):
    """What a reader has read otherwise than once."""

    name: str
    lost: list[Entry]
    twice: list[Entry]


def list_said(
    address: ServerAddress, accounts: Iterable[str], after: int
) -> tuple[list[Entry], dict[str, list[Entry]]]:
    """What the database has behind a message id: that of the channel, and of the direct messages of each account."""
    most = 1_000_000
    with open_stores(address) as stores:
        direct = {}
        for name in accounts:
            account = stores.accounts.find(name)
            assert account is not None
            direct[name] = stores.history.direct_since(account.id, AtMessageId(after), most)
        return stores.history.latest("#lobby", most, after=AtMessageId(after)), direct


def count(reader: Reader, room: list[Entry], direct: list[Entry]) -> Misread:
    """Compare what a reader has read with what was said."""
    times = reader.counts()
    # A client without echo-message need not read its own lines, and no replay shows an account its direct ones.
    others = [one for one in direct if one.source.partition("!")[0] != reader.account]
    wanted = [one for one in (*room, *others) if _TEXT.search(f" PRIVMSG x :{one.text}")]
    lost = [one for one in wanted if not times[one.text]]
    twice = [one for one in wanted if times[one.text] > 1]
    return Misread(reader.name, lost, twice)
