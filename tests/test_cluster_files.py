"""deploy/cluster: what its files name exists and fits together. ``e2e/test_three_nodes.py`` runs the same files."""

from __future__ import annotations

import ipaddress
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from chatroom.config import Settings, load

CHECKOUT = Path(__file__).parents[1]
HERE = CHECKOUT / "deploy" / "cluster"
NODES = ("a", "b", "c")
COMPOSED: dict[str, Any] = yaml.safe_load((HERE / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSED["services"]


def settings_of(node: str) -> Settings:
    """The settings of a node, as its container reads them."""
    return load(HERE / "chatroom.toml", SERVICES[node]["environment"], {})


def test_the_nodes_differ_in_their_names_only() -> None:
    """Each has a server's name and a letter of its own; the first one starts before the others."""
    parts = [dict(SERVICES[node]) for node in NODES]
    environments = [part.pop("environment") for part in parts]
    waits = [part.pop("depends_on") for part in parts]
    assert parts[0] == parts[1] == parts[2]
    assert [one["CHATROOM_CLUSTER__NODE"] for one in environments] == list(NODES)
    assert [one["CHATROOM_SERVER__NAME"] for one in environments] == [f"{node}.chat.example" for node in NODES]
    assert list(waits[0]) == ["postgres", "redis"] and list(waits[1]) == list(waits[2]) == ["a"]
    assert "database.path" not in settings_of("a").key_sources, "the image must not name another database"


def test_the_settings_name_the_other_services() -> None:
    """PostgreSQL's user and database, Redis's port, and files of secrets that the nodes have."""
    settings, postgres = settings_of("b"), SERVICES["postgres"]["environment"]
    wanted = f"postgresql://{postgres['POSTGRES_USER']}@postgres/{postgres['POSTGRES_DB']}"
    assert str(settings.database.address) == wanted
    assert settings.cluster.redis is not None and settings.cluster.redis.host == "redis"
    port = re.search(r"^port (\d+)$", (HERE / "redis.conf").read_text(), re.MULTILINE)
    assert port is not None and settings.cluster.redis.port == int(port[1])
    secrets = {f"/run/secrets/{name}" for name in SERVICES["b"]["secrets"]}
    assert {str(settings.database.password_file), str(settings.cluster.password_file)} == secrets
    assert postgres["POSTGRES_PASSWORD_FILE"] == str(settings.database.password_file)


def test_addresses_of_clients_come_from_the_proxy_only() -> None:
    """It has a fixed address, which both listeners trust, and no other. No node has a port outside."""
    (network,) = COMPOSED["networks"]["inside"]["ipam"]["config"]
    address = SERVICES["haproxy"]["networks"]["inside"]["ipv4_address"]
    assert ipaddress.ip_address(address) in ipaddress.ip_network(network["subnet"])
    irc, web = settings_of("a").listen
    assert [*map(str, irc.proxy_protocol_from)] == [*map(str, web.forwarded_from)] == [f"{address}/32"]
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["haproxy"]


def test_the_proxy_reaches_each_node_where_it_listens() -> None:
    """By both kinds of listeners, and is reached where it listens itself."""
    text = (HERE / "haproxy.cfg").read_text()
    irc, web = settings_of("a").listen
    for listen, options in ((irc, " send-proxy-v2-ssl"), (web, "")):
        for node in NODES:
            assert f"    server {node} {node}:{listen.port}{options}\n" in text
    binds = re.findall(r"bind :(\d+) ssl crt /run/secrets/chat\.pem", text)
    assert [port.partition(":")[2] for port in SERVICES["haproxy"]["ports"]] == binds


def test_files_and_secrets_are_there() -> None:
    """Each file that is mounted is in the checkout, but for secrets: git knows none, and each is declared."""
    for service in SERVICES.values():
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            assert (HERE / source).is_file() if source.startswith(".") else source in COMPOSED["volumes"], volume
        assert set(service.get("secrets", ())) <= set(COMPOSED["secrets"])
    ignored = (CHECKOUT / ".gitignore").read_text().split()
    assert {Path(secret["file"]).parent for secret in COMPOSED["secrets"].values()} == {Path("secrets")}
    assert "deploy/cluster/secrets/" in ignored
    listed = subprocess.run(["git", "ls-files", HERE], cwd=CHECKOUT, capture_output=True, text=True, env=os.environ)
    assert listed.returncode != 0 or "secrets/" not in listed.stdout
    page = (CHECKOUT / "docs" / "nodes.md").read_text()
    for name in COMPOSED["secrets"]:
        assert f"deploy/cluster/secrets/{name}" in page, "the page says how to make it"


def test_images_are_of_one_major_version() -> None:
    """What is not built here is pinned, so that a pull brings no format of data that is not understood."""
    for name, service in SERVICES.items():
        if name not in NODES:
            assert re.fullmatch(r"[a-z]+:\d+(\.\d+)?", service["image"]), name
    build = SERVICES["a"]["build"]
    assert (HERE / build["context"]).resolve() == CHECKOUT
    assert (CHECKOUT / build["dockerfile"]).is_file()
    extras = (CHECKOUT / "pyproject.toml").read_text()
    for extra in build["args"]["EXTRAS"].strip("[]").split(","):
        assert f"\n{extra} = [" in extras


@pytest.mark.parametrize("name", ["a", "postgres", "redis"])
def test_no_service_is_waited_for_in_vain(name: str) -> None:
    """What others wait for has a health check: the image's own, or one here."""
    assert name in NODES or SERVICES[name]["healthcheck"]["test"]
