"""The file in which the client remembers servers: certificates that the user trusts, and STS policies.

It has one line for each, for people to read and to edit::

    certificate HOST PORT FINGERPRINT
    sts HOST PORT EXPIRES

It is read anew for each question, because another client of the same user may have changed it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from chatroom.client.address import Address
from chatroom.client.sts import Policy
from chatroom.client.trust import parse_fingerprint
from chatroom.errors import KnownServersUnusable
from chatroom.plain_file import read_plain_text

_HEADER = """\
# Servers that chatroom knows: certificates that you trust, and hosts that want TLS only (IRCv3 sts).
# `chatroom --forget HOST` removes the lines of a host.
"""


@dataclass(slots=True)
class _Content:
    certificates: dict[tuple[str, int], str] = field(default_factory=dict)
    policies: dict[str, Policy] = field(default_factory=dict)


class KnownServers:
    """What is remembered in the file at ``path``, which need not exist. Without a path nothing is remembered.

    Every method raises ``KnownServersUnusable`` if the file cannot be read, written or understood.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path

    def find_certificate(self, address: Address) -> str | None:
        """Return the fingerprint of the certificate that the user trusts there."""
        return self._read().certificates.get((_key(address.host), address.port))

    def find_policy(self, host: str, now: datetime) -> Policy | None:
        """Return the policy that is in force for the host."""
        policy = self._read().policies.get(_key(host))
        return policy if policy is not None and policy.expires_at > now else None

    def add_certificate(self, address: Address, fingerprint: str) -> None:
        """Remember that the user trusts this certificate there."""
        with self._changing() as content:
            content.certificates[_key(address.host), address.port] = fingerprint

    def set_policy(self, host: str, policy: Policy | None) -> None:
        """Remember the policy of a host; None forgets it."""
        with self._changing() as content:
            content.policies.pop(_key(host), None)
            if policy is not None:
                content.policies[_key(host)] = policy

    def forget(self, host: str) -> bool:
        """Forget everything about a host. Return False if nothing was known."""
        with self._changing() as content:
            certificates = [key for key in content.certificates if key[0] == _key(host)]
            for key in certificates:
                del content.certificates[key]
            policy = content.policies.pop(_key(host), None)
        return bool(certificates) or policy is not None

    def _read(self) -> _Content:
        content = _Content()
        if self.path is None:
            return content
        try:
            text = read_plain_text(self.path, "utf-8-sig")
        except (FileNotFoundError, NotADirectoryError):
            return content
        except (OSError, ValueError) as error:
            if isinstance(error, PermissionError) and not os.access(self.path.parent, os.X_OK):
                return content  # the home of another user, as with sudo: we cannot have written there
            raise KnownServersUnusable(f"{self.path}: cannot be read: {_why(error)}") from None
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip() and not line.startswith("#"):
                try:
                    _read_line(line.split(), content)
                except ValueError:
                    raise KnownServersUnusable(
                        f"{self.path}: line {number} makes no sense: repair or remove it"
                    ) from None
        return content

    @contextlib.contextmanager
    def _changing(self) -> Iterator[_Content]:
        """Read, let the block change the content, and write it, while no other client does the same."""
        if self.path is None:
            raise KnownServersUnusable("there is no home directory to remember servers in: set HOME")
        # Here, because most connections change nothing.
        from chatroom.new_file import new_file, one_writer

        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with one_writer(self.path.parent):
                content = self._read()
                before = list(_lines(content))
                yield content
                lines = list(_lines(content))
                if lines != before:
                    with new_file(self.path) as file:
                        file.writelines([_HEADER, *lines])
        except OSError as error:
            raise KnownServersUnusable(f"{self.path}: cannot be written: {_why(error)}") from None


def default_path() -> Path | None:
    """Return the path of the file in the user's state directory; None without a home directory."""
    from chatroom.paths import user_state_directory

    directory = user_state_directory()
    return None if directory is None else directory / "known-servers"


def _read_line(words: list[str], content: _Content) -> None:
    kind, host, port, value = words
    if kind == "certificate":
        content.certificates[host, int(port)] = parse_fingerprint(value)
    elif kind == "sts":
        expires_at = datetime.fromisoformat(value)
        if expires_at.tzinfo is None:
            raise ValueError(value)
        content.policies[host] = Policy(int(port), expires_at)
    else:
        raise ValueError(kind)


def _lines(content: _Content) -> Iterator[str]:
    for (host, port), fingerprint in content.certificates.items():
        yield f"certificate {host} {port} {fingerprint}\n"
    for host, policy in content.policies.items():
        yield f"sts {host} {policy.port} {policy.expires_at.isoformat()}\n"


def _key(host: str) -> str:
    return host.lower().removesuffix(".")


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
