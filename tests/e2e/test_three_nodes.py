"""deploy/cluster as processes: the same configuration files, with other paths and ports, and clients at HAProxy."""

from __future__ import annotations

import random
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness.cluster import NodePlace
from harness.daemon import CAP_S, Daemon, until
from harness.doc_pages import CHECKOUT
from harness.postgresql_server import PostgresqlServer
from harness.proxied_client import ProxiedClient
from harness.tls import Pair, client_context
from harness.web import TEXT
from websockets.sync.client import connect
from websockets.typing import Subprotocol

pytestmark = pytest.mark.debian("postgres", "redis-server", "haproxy")

HERE = CHECKOUT / "deploy" / "cluster"
SERVICES: dict[str, Any] = yaml.safe_load((HERE / "compose.yaml").read_text())["services"]
NODES = ("a", "b", "c")
PASSWORDS = {"database-password": "of the database", "redis-password": "of redis"}


class SetUp:
    """The services of compose.yaml, in a directory."""

    def __init__(self, root: Path, postgresql: PostgresqlServer, cleanup: ExitStack) -> None:
        self.root = root
        self._cleanup = cleanup
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.address = f"127.{random.randint(100, 250)}.{random.randint(1, 250)}.{random.randint(2, 250)}"
        """HAProxy's, which no other test has."""
        database = postgresql.make_database(empty=True)
        cleanup.callback(postgresql.drop_database, database)
        owned = postgresql.make_user(database, PASSWORDS["database-password"])
        for name, text in PASSWORDS.items():
            self._put(f"run/secrets/{name}", f"{text}\n")
        Pair(root, "chat.example")
        self._put("run/secrets/chat.pem", (root / "server.crt").read_text() + (root / "server.key").read_text())
        self.texts = {
            "/run/secrets/": f"{root}/run/secrets/",
            "postgresql://chat@postgres/chat": owned.url,
            "redis://redis:6379": f"unix://{root}/redis.socket",
            '"0.0.0.0"': '"127.0.0.1"',
            "port = 6668": "port = 0",
            "port = 8097": "port = 0",
            SERVICES["haproxy"]["networks"]["inside"]["ipv4_address"]: "127.0.0.1",
        }
        """What stands in the files, and what it is here."""
        self.nodes: dict[str, Daemon] = {}

    def _put(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o600)
        return path

    def _here(self, text: str, texts: dict[str, str]) -> str:
        for written, here in texts.items():
            assert written in text, written
            text = text.replace(written, here)
        return text

    def start_redis(self) -> None:
        """Run the command of its service. It listens on a socket instead of the port."""
        socket_lines = f"port 0\nunixsocket {self.root}/redis.socket"
        config = (HERE / "redis.conf").read_text()
        self._put(
            "etc/redis.conf", self._here(config, {"port 6379": socket_lines, "dir /data": f"dir {self.root}/data"})
        )
        (self.root / "data").mkdir()
        (self.root / "run" / "redis").mkdir()
        shell, option, text = SERVICES["redis"]["command"]
        names = {
            "$$": "$",
            "/etc/redis/redis.conf": f"{self.root}/etc/redis.conf",
            "/run/redis/": f"{self.root}/run/redis/",
            "/run/secrets/": f"{self.root}/run/secrets/",
        }
        self._run("redis", shell, option, self._here(text, names))
        until((self.root / "redis.socket").exists, "Redis listens")

    def start_nodes(self, *names: str) -> None:
        """Start nodes with the configuration file and each one's own variables."""
        config = self._put("chatroom.toml", self._here((HERE / "chatroom.toml").read_text(), self.texts))
        for name in names:
            root = self.root / f"{name}{len(list(self.root.iterdir()))}"
            runtime = root / "run"
            runtime.mkdir(parents=True, mode=0o700)
            place = NodePlace(root, runtime, {"cluster.lease_s": 1.5})
            place.environment |= {"CHATROOM_CONFIG": str(config), **SERVICES[name]["environment"]}
            node = self.nodes[name] = Daemon(place)
            self._cleanup.callback(node.kill)

    def start_proxy(self) -> None:
        """Run HAProxy at an address of its own, before the nodes that there are."""
        # This machine may not let it have as many files as it needs for so many connections.
        texts = {
            "maxconn 20000": "maxconn 100",
            "bind :": f"bind {self.address}:",
            "/run/secrets/chat.pem": f"{self.root}/run/secrets/chat.pem",
        }
        for name, node in self.nodes.items():
            irc, web = [line.partition(" (")[0].rpartition(":")[2] for line in node.log_lines("listening on ")][1:]
            texts |= {f" {name}:6668": f" 127.0.0.1:{irc}", f" {name}:8097": f" 127.0.0.1:{web}"}
        config = self._put("haproxy.cfg", self._here((HERE / "haproxy.cfg").read_text(), texts))
        self._run("haproxy", "/usr/sbin/haproxy", "-db", "-f", str(config))

    def _run(self, name: str, *command: str) -> None:
        with (self.root / f"{name}.log").open("w") as log:
            process = subprocess.Popen(command, cwd=self.root, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._processes[name] = process

        def end() -> None:
            process.terminate()
            process.wait(CAP_S)

        self._cleanup.callback(end)

    def _open(self, port: int, from_address: str) -> ssl.SSLSocket:
        def try_it() -> ssl.SSLSocket | None:
            assert self._processes["haproxy"].poll() is None, (self.root / "haproxy.log").read_text()
            raw = socket.socket()
            try:
                raw.bind((from_address, 0))
                raw.settimeout(CAP_S)
                raw.connect((self.address, port))
                return client_context().wrap_socket(raw, server_hostname="chat.example")
            except OSError:  # it does not accept yet, or has no node that it could pass it on to
                raw.close()
                return None

        found = until(try_it, "HAProxy accepts")
        assert found is not None
        return found

    def nodes_of(self, *nicks: str) -> dict[str, str]:
        """The node of each person, as soon as node a knows them."""

        def ask() -> dict[str, str] | None:
            found = {one["nick"]: one["node"] for one in self.nodes["a"].place.ctl_json("who")}
            return found if found.keys() >= set(nicks) else None

        found = until(ask, f"{nicks} are known")
        assert found is not None
        return found

    def connect(self, nick: str, from_address: str) -> ProxiedClient:
        """Connect and register."""

        def try_it() -> ProxiedClient | None:
            client = ProxiedClient(self._open(6697, from_address))
            client.send(f"NICK {nick}", f"USER {nick} 0 * :{nick}")
            try:
                client.expect("001")
            except (AssertionError, OSError):  # its node is gone, or begins anew
                client.sock.close()
                return None
            client.collect()
            return client

        found = until(try_it, f"{nick} comes in", cap_s=3 * CAP_S)
        assert found is not None
        return found


@pytest.fixture(scope="module")
def set_up(postgresql_server: PostgresqlServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SetUp]:
    """All services but PostgreSQL, whose server is that of the tests."""
    import tempfile

    with ExitStack() as cleanup:
        # Not pytest's directories: the path of a socket must be short.
        root = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="chatroom-nodes-")))
        services = SetUp(root, postgresql_server, cleanup)
        services.start_redis()
        services.start_nodes(*NODES)
        services.start_proxy()
        yield services
        for node in services.nodes.values():
            if node.process.poll() is None:
                assert node.stop() == 0, node.stderr
            assert not node.log_lines("Traceback"), node.stderr


def test_clients_of_the_proxy_are_one_chat(set_up: SetUp) -> None:
    """They are given to different nodes, talk, and are seen with their own addresses, encrypted."""
    a = set_up.nodes["a"]
    with set_up.connect("ann", "127.66.0.1") as ann, set_up.connect("bob", "127.66.0.2") as bob:
        ann.ask("JOIN #tea")
        bob.ask("JOIN #tea")
        ann.expect(":bob!")
        bob.send("PRIVMSG #tea :hello")
        assert ann.expect("PRIVMSG").endswith("PRIVMSG #tea :hello")
        nodes = set_up.nodes_of("ann", "bob")
        assert nodes["ann"] != nodes["bob"], "the one with the fewest connections is next"
        found = {one["nick"]: one for one in a.place.ctl_json("who")}
        assert [found[nick]["address"] for nick in ("ann", "bob")] == ["127.66.0.1", "127.66.0.2"]
        assert any(" 671 " in line for line in ann.ask("WHOIS bob")), "the proxy has said that it is encrypted"
        server = f"{nodes['bob']}.chat.example"
        assert any(f" 312 ann bob {server} " in line for line in ann.ask("WHOIS bob"))


def test_the_page_and_websocket_are_there_too(set_up: SetUp) -> None:
    """With the address of the browser."""
    with (
        closing(set_up._open(8443, "127.66.0.3")) as sock,
        connect(
            f"ws://{set_up.address}:8443/",
            sock=sock,
            subprotocols=[Subprotocol(TEXT)],
            open_timeout=CAP_S,
            proxy=None,
        ) as web,
    ):
        web.send("NICK wim")
        web.send("USER wim 0 * :wim")
        while " 376 " not in (line := str(web.recv(timeout=CAP_S))) and " 422 " not in line:
            pass
        b = set_up.nodes["b"]
        until(lambda: "127.66.0.3" in [one["address"] for one in b.place.ctl_json("who")], "b knows the address")


def test_people_of_a_node_that_dies_come_in_at_another(set_up: SetUp) -> None:
    """The proxy gives them to those that are left. The others have read that they quit, and talk to them again."""
    with set_up.connect("eve", "127.66.0.4") as eve:
        eve.ask("JOIN #cake")
        survivor = set_up.connect("una", "127.66.0.5")
        survivor.ask("JOIN #cake")
        eve.expect("JOIN #cake")
        nodes = set_up.nodes_of("eve", "una")
        assert nodes["eve"] != nodes["una"]
        set_up.nodes[nodes["eve"]].kill()
        assert eve.expect_closed() == []
        assert f"{nodes['eve']} is gone" in survivor.expect("QUIT")
        with set_up.connect("eve", "127.66.0.4") as again:
            again.ask("JOIN #cake")
            survivor.expect("JOIN #cake")
            again.send("PRIVMSG #cake :back")
            assert survivor.expect("PRIVMSG").endswith("PRIVMSG #cake :back")
        survivor.sock.close()
