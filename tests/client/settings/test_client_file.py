"""The file with the client's settings."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest

from chatroom.client.settings.client_file import change, load, template, write_template
from chatroom.client.settings.client_sections import SCHEMA, ClientSettings
from chatroom.client.settings.finding import file_to_write, find_file
from chatroom.errors import AlreadyExists, ConfigError, NotFound
from chatroom.settings.keys import Key

CHECKOUT = Path(__file__).parents[3]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The path of the file."""
    return tmp_path / "config" / "client.toml"


def written(file: Path, text: str) -> Path:
    """Write this text to the file."""
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    return file


def place(path: str) -> tuple[Key, str]:
    """Return the key with this path, and the name of its table."""
    found = SCHEMA.find_place(path)
    assert found is not None
    return found


def test_the_checkouts_file_is_the_template() -> None:
    """``client.toml`` in the checkout is up to date."""
    assert (CHECKOUT / "client.toml").read_text() == template()


def test_the_template_sets_nothing(file: Path) -> None:
    """Read as it is, and with every key outside of the saved servers uncommented, the file gives the defaults."""
    assert load(written(file, template())) == ClientSettings()
    text, servers = template().split("# [servers.NAME]")
    assert load(written(file, re.sub(r"^# (?=[a-z_]+ = )", "", text, flags=re.MULTILINE))) == ClientSettings()
    assert len(re.findall(r"^# [a-z_]+ = ", servers, flags=re.MULTILINE)) == len(SCHEMA.keys_in("servers"))


@pytest.mark.parametrize("key", SCHEMA.keys, ids=lambda key: key.path)
def test_every_key_is_told_and_valid_at_its_default(key: Key) -> None:
    """Each key has a description, and its default is allowed. Only the address of a server has none."""
    assert key.doc.endswith((".", "'"))
    if key.path != "servers.address":
        assert key.kind.write(key.kind.read(key.default)) == key.default


def test_a_saved_server_is_read(file: Path) -> None:
    """A table has the name of its server; relative paths begin at the file."""
    text = (
        '[servers.home]\naddress = "ircs://chat.example.org"\nnick = "ann"\njoin = ["#tea", "cats"]\nca = "ca.pem"\n'
        '[servers."b.c"]\naddress = "b.c:7000"\ntls = true\n'
    )
    settings = load(written(file, text))
    assert list(settings.servers) == ["home", "b.c"]
    home = settings.servers["home"]
    assert (home.address, home.nick, home.join) == ("ircs://chat.example.org", "ann", ("#tea", "cats"))
    assert home.ca == file.parent / "ca.pem"


def test_all_errors_come_at_once(file: Path) -> None:
    """The file is told what is wrong in it, all of it, with what was probably meant."""
    text = (
        '[start]\nnick = "two words"\nservr = "x"\n[attention]\nbell = "loud"\n[servers.home]\naddress = "a b"\n'
        '[people]\nignored = ["a", "a"]\n'
    )
    with pytest.raises(ConfigError) as caught:
        load(written(file, text))
    assert [error.removeprefix(f"{file}: ") for error in caught.value.errors] == [
        "start.nick must be a nick, not 'two words'",
        "unknown key start.servr; did you mean start.server?",
        "attention.bell must be true or false, not 'loud'",
        "servers.home.address must be HOST, HOST:PORT, irc://HOST or ircs://HOST, not 'a b'",
        "people.ignored must be a list of nicks, none of them twice, not ['a', 'a']",
    ]


@pytest.mark.parametrize(
    "text", ['password = "s3cret"', '[start]\npassword = "s3cret"', '[servers.a]\naddress = "a"\npassword = "s3cret"']
)
def test_a_password_is_refused_with_the_way_out(file: Path, text: str) -> None:
    """No password stands in the file in clear, and the error does not show it."""
    with pytest.raises(ConfigError, match="does not belong into this file; password_command") as caught:
        load(written(file, text))
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "table, fault",
    [
        ("", "address is missing"),
        (f'address = "a"\nfingerprint = "{"a" * 64}"\nca = "x"', "fingerprint and ca exclude each other"),
        ('address = "a"\nkey = "x"', "key needs certificate"),
        ('address = "a"\npassword_command = ["x"]', "password_command needs account"),
    ],
)
def test_a_saved_server_that_makes_no_sense(file: Path, table: str, fault: str) -> None:
    """Keys that contradict each other, or lack one, are an error with the name of the server."""
    with pytest.raises(ConfigError, match=rf"servers\.home: {fault}"):
        load(written(file, f"[servers.home]\n{table}\n"))


def test_a_change_keeps_the_rest(file: Path) -> None:
    """Comments and other keys stay. Without a file, the one that explains everything is the beginning."""
    made = change(file, *place("attention.bell"), True)
    assert made.attention.bell
    assert file.read_text() == template().replace("# bell = false", "bell = true")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    written(file, "# Mine.\n[attention]\nbell = true # loud\n")
    assert change(file, *place("servers.home.address"), "chat.example.org").servers["home"].address
    assert file.read_text() == (
        '# Mine.\n[attention]\nbell = true # loud\n\n[servers.home]\naddress = "chat.example.org"\n'
    )
    assert not change(file, *place("attention.bell"), None).attention.bell
    with pytest.raises(NotFound):
        change(file, *place("attention.words"), None)


@pytest.mark.parametrize("text", ["[start", "[start]\nnik = 1\n", "\udcff"])
def test_a_broken_file_is_left_as_it_is(file: Path, text: str) -> None:
    """A change of a file with errors is refused, and the file stays, byte for byte."""
    file.parent.mkdir()
    file.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ConfigError):
        change(file, *place("attention.bell"), True)
    assert file.read_bytes() == text.encode(errors="surrogateescape")
    assert os.listdir(file.parent) == ["client.toml"]


def test_a_change_that_contradicts_is_refused(file: Path) -> None:
    """The whole new file is checked: a saved server without an address is not written."""
    written(file, "[start]\n")
    with pytest.raises(ConfigError, match="address is missing"):
        change(file, *place("servers.home.nick"), "ann")
    assert file.read_text() == "[start]\n"


def test_a_change_goes_through_a_link(file: Path, tmp_path: Path) -> None:
    """A link to a file elsewhere, as people keep their dotfiles, stays a link."""
    elsewhere = written(tmp_path / "dotfiles" / "client.toml", "[look]\ncolours = true\n")
    file.parent.mkdir()
    file.symlink_to(elsewhere)
    change(file, *place("look.colours"), False)
    assert file.is_symlink()
    assert elsewhere.read_text() == "[look]\ncolours = false\n"


def test_the_template_replaces_nothing(file: Path) -> None:
    """A file that exists, and a link that leads nowhere, are left alone."""
    write_template(file)
    with pytest.raises(AlreadyExists, match="exists already"):
        write_template(file)
    dangling = file.parent / "other.toml"
    dangling.symlink_to(file.parent / "nowhere")
    with pytest.raises(AlreadyExists):
        write_template(dangling)
    assert file.read_text() == template()


def test_the_file_is_that_of_the_user_or_the_named_one(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a file there are no settings; a named one must exist, and its path may begin with ~."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(file.parent))
    monkeypatch.setenv("HOME", str(file.parent))
    assert find_file(None) is None
    users = file.parent / "chatroom" / "client.toml"
    users.parent.mkdir(parents=True)
    users.touch()
    assert find_file(None) == users == file_to_write(None)
    assert find_file("~/chatroom/client.toml") == users
    with pytest.raises(ConfigError, match="no such file"):
        find_file(str(file.parent / "missing.toml"))
