"""What history costs at the socket: reading and searching a million messages while users chat.

    python bench/history_socket.py [MESSAGES]

Makes a database of that many messages in 100 channels, as ``history_disk.py`` does, and starts the daemon on it. Ten
users in another process say 200 messages a second between them. One client measures, from sending a line until all of
its answer is there. Times are milliseconds.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from history_disk import Talk

from chatroom.storage.sqlite.history_upkeep import open_upkeep
from chatroom.storage.sqlite.journal import open_journal
from chatroom.storage.sqlite.sqlite_stores import open_stores

READS, SEARCHES = 1000, 300
A_SECOND = 200
_END = re.compile(rb"BATCH -\S+\r\n|FAIL ")


def fill(database: Path, messages: int) -> None:
    """Write and index that many messages."""
    open_stores(database, create=True, migrate=True).close()
    journal, talk = open_journal(database), Talk()
    for _ in range(messages // 1000):
        journal.begin()
        journal.write(talk.say(1000))
        journal.commit()
    journal.close()
    upkeep = open_upkeep(database)
    while upkeep.index_some(5000):
        pass
    upkeep.trim_log()
    upkeep.close()


def connect(port: int, nick: str, capabilities: str = "") -> socket.socket:
    """Register, in the configured channels."""
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    before = f"CAP REQ :{capabilities}\r\nCAP END\r\n" if capabilities else ""
    sock.sendall(f"{before}NICK {nick}\r\nUSER {nick} 0 * :x\r\nPING :done\r\n".encode())
    read = b""
    while b":done\r\n" not in read:
        read = read[-100:] + sock.recv(1 << 20)
    return sock


def chat(port: int) -> None:
    """Say ``A_SECOND`` messages a second, ten users in turn, and read what comes."""
    people = [connect(port, f"talker{number}") for number in range(10)]
    for sock in people:
        sock.setblocking(False)
    said, began = 0, time.monotonic()
    while True:
        people[said % 10].sendall(b"PRIVMSG #chan1 :this is message %d of the evening\r\n" % said)
        said += 1
        for sock in people:
            try:
                while sock.recv(1 << 20):
                    pass
            except BlockingIOError:
                pass
        time.sleep(max(0.0, began + said / A_SECOND - time.monotonic()))


def ask(sock: socket.socket, line: str) -> float:
    """Measure how long the answer to a line takes, in milliseconds."""
    began = time.perf_counter()
    sock.sendall(line.encode() + b"\r\n")
    read = b""
    while not _END.search(read):
        read += sock.recv(1 << 20)
    return (time.perf_counter() - began) * 1000


def tell(what: str, times: list[float]) -> None:
    """Print the median, the 99th percentile and the longest."""
    times.sort()
    print(f"{what:<40} {times[len(times) // 2]:8.2f} {times[int(len(times) * 0.99)]:8.2f} {times[-1]:8.2f}")


def measure(database: Path) -> None:
    """Start the daemon on a database, let users chat, and time the questions."""
    environment = dict(os.environ, CHATROOM_CHANNELS__AUTOJOIN='["#chan0", "#chan1"]', CHATROOM_LIMITS__ENABLED="false")
    command = [str(Path(sys.executable).with_name("chatroomctl")), "--database", str(database), "serve", "--port", "0"]
    began = time.perf_counter()
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as daemon:
        assert daemon.stderr is not None
        port = int(daemon.stderr.readline().rpartition(":")[2])
        print(f"{'start-up':<40} {(time.perf_counter() - began) * 1000:8.0f}")
        talkers = multiprocessing.Process(target=chat, args=(port,), daemon=True)
        talkers.start()
        capabilities = "batch server-time message-tags draft/chathistory soju.im/search"
        with connect(port, "reader", capabilities) as reader:
            time.sleep(2)
            reads = []
            for _ in range(READS):
                reads.append(ask(reader, "CHATHISTORY LATEST #chan0 * 50"))
                time.sleep(0.003)
            tell("CHATHISTORY LATEST, 50 messages", reads)
            talk = Talk()
            searches = []
            for _ in range(SEARCHES):
                words = "\\s".join(talk.some_words(2).split())
                searches.append(ask(reader, f"SEARCH in=#chan0;text={words}"))
                time.sleep(0.01)
            tell("SEARCH, two words in a channel", searches)
        talkers.terminate()
        talkers.join()
        daemon.terminate()
        daemon.stderr.read()


def main() -> None:
    """Make the database, and measure."""
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as directory:
        database = Path(directory) / "million.db"
        fill(database, messages)
        print(f"{'milliseconds':<40} {'median':>8} {'p99':>8} {'longest':>8}")
        measure(database)


if __name__ == "__main__":
    main()
