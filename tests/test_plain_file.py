"""Plain files are read, and nothing that would keep the reader waiting."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from chatroom import plain_file
from chatroom.client import secure_socket
from chatroom.client.known_servers import KnownServers
from chatroom.client.settings import client_file
from chatroom.client.settings.client_sections import SCHEMA
from chatroom.client.trust import Trust
from chatroom.config.serving import Listen
from chatroom.ctl.checks.tls_files import read_chain
from chatroom.ctl.config_changes import text_of
from chatroom.ctl.web_archive import read_archive
from chatroom.errors import ChatroomError
from chatroom.plain_file import open_plain, read_plain, read_plain_text, require_plain
from chatroom.server.certificates import Certificates, read_certificate
from chatroom.settings.reading import read_document
from chatroom.storage.postgresql.connecting import _read_password
from chatroom.storage.sqlite.restore import fetch_copy


def test_a_file_is_read_through_links(tmp_path: Path) -> None:
    """Whatever leads to it."""
    (tmp_path / "file").write_bytes(b"one\ntwo")
    (tmp_path / "link").symlink_to("file")
    assert read_plain(tmp_path / "link") == read_plain(str(tmp_path / "file")) == b"one\ntwo"
    (tmp_path / "file").write_bytes(b"\xef\xbb\xbfone\r\ntwo")
    assert read_plain_text(tmp_path / "link", "utf-8-sig") == "one\ntwo"


def test_dev_null_is_an_empty_file() -> None:
    """People name it for "no file"."""
    require_plain("/dev/null")
    assert read_plain("/dev/null") == b""


@pytest.mark.parametrize("kind", ["a named pipe", "a socket", "a directory", "a device"])
def test_what_is_no_file_is_refused(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """To open the pipe would wait for a writer, and the device has no end."""
    path = tmp_path / "it"
    if kind == "a named pipe":
        os.mkfifo(path)
    elif kind == "a socket":
        with socket.socket(socket.AF_UNIX) as sock:
            monkeypatch.chdir(tmp_path)  # a whole path may be too long
            sock.bind("it")
    elif kind == "a directory":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero")
    (tmp_path / "link").symlink_to(path)
    for name in (path, tmp_path / "link"):
        with pytest.raises(OSError, match=f"(?i)is {kind}"):
            read_plain(name)


def test_a_file_that_becomes_a_pipe_meanwhile_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look and the opening: nobody waits for a writer."""
    path, looked = tmp_path / "it", []
    path.write_bytes(b"")

    def look(status: os.stat_result) -> None:
        looked.append(stat.S_ISFIFO(status.st_mode))
        if len(looked) == 1:
            path.unlink()
            os.mkfifo(path)
        else:
            refuse(status)

    refuse = plain_file._require_plain
    monkeypatch.setattr(plain_file, "_require_plain", look)
    with pytest.raises(OSError, match="it is a named pipe"):
        open_plain(path)
    assert looked == [False, True]


@pytest.mark.parametrize(
    "read",
    [
        *(read_document, read_certificate, read_chain, text_of, read_archive, _read_password),
        lambda path: Certificates(Listen(tls=True, certificate=(path,), key=(path,))),
        lambda path: fetch_copy(path, path.with_name("database")),
        lambda path: KnownServers(path).forget("chat.example"),
        lambda path: client_file.change(path, next(iter(SCHEMA.keys_in("attention"))), "", True),
        lambda path: secure_socket.check_files(Trust(authorities=str(path))),
        lambda path: secure_socket.check_files(Trust(certificate=str(path))),
    ],
)
def test_who_reads_a_file_refuses_a_pipe(tmp_path: Path, read: Callable[[Path], object]) -> None:
    """In one clear line, which names it."""
    path = tmp_path / "it"
    os.mkfifo(path)
    with pytest.raises((OSError, ChatroomError), match="named pipe"):
        read(path)


@pytest.mark.parametrize("directory", ["/dev/fd", "/proc/self/fd"])
def test_what_the_process_has_open_is_read(directory: str) -> None:
    """A shell's <(command) is a pipe, which has a writer."""
    reading, writing = os.pipe()
    os.write(writing, b"piped")
    os.close(writing)
    assert read_plain(f"{directory}/{reading}") == b"piped"
    os.close(reading)


def test_a_missing_file_is_missing(tmp_path: Path) -> None:
    """Callers have defaults for that."""
    with pytest.raises(FileNotFoundError):
        read_plain(tmp_path / "nothing")
