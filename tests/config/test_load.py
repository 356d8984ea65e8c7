"""Loading settings: the sources, their order, and the errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatroom import paths
from chatroom.config import Listen, Settings, find_file, load
from chatroom.config.load import find_exposure
from chatroom.errors import ConfigError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The path of the configuration file of the test."""
    return tmp_path / "chatroom.toml"


def written(file: Path, text: str) -> Path:
    """Write this text to the file."""
    file.write_text(text)
    return file


def test_without_a_file_all_is_at_the_defaults() -> None:
    """No file, an empty environment and no flags give the defaults."""
    settings = load(None, {})
    assert settings == Settings()
    assert settings.source is None
    assert settings.listen == (Listen("irc", "127.0.0.1", 6667),)
    assert settings.channels.autojoin == ("#lobby",)


def test_a_flag_beats_the_environment_beats_the_file(file: Path) -> None:
    """Each source overrides the ones below it, and only for the keys that it sets."""
    written(file, '[limits]\nburst_lines = 1\nqueue_lines = 1\nlogin_tries = 1\n[server]\nnetwork = "file"')
    environ = {"CHATROOM_LIMITS__QUEUE_LINES": "2", "CHATROOM_LIMITS__LOGIN_TRIES": "2"}
    settings = load(file, environ, {"limits.login_tries": 3, "database.path": None})
    limits = settings.limits
    assert (limits.burst_lines, limits.queue_lines, limits.login_tries) == (1, 2, 3)
    assert settings.server.network == "file"
    assert settings.limits.connects_per_minute == 120


def test_each_value_tells_where_it_was_set(file: Path) -> None:
    """key_sources names the file, the variable or the flag. A default has no source."""
    written(file, "[limits]\nburst_lines = 1")
    key_sources = load(file, {"CHATROOM_SERVER__MOTD": "hi"}, {"database.path": "x.db"}).key_sources
    assert key_sources == {
        "limits.burst_lines": str(file),
        "server.motd": "CHATROOM_SERVER__MOTD",
        "database.path": "--database",
    }


def test_relative_paths_start_at_the_file(file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A path in the file is relative to the file, any other to the working directory."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    written(file, '[database]\npath = "data/chat.db"')
    assert load(file, {}).database.path == tmp_path / "data" / "chat.db"
    assert load(Path("../chatroom.toml"), {}).database.path.resolve() == tmp_path / "data" / "chat.db"
    assert load(file, {"CHATROOM_DATABASE__PATH": "chat.db"}).database.path == elsewhere / "chat.db"
    assert load(file, {}, {"database.path": Path("/srv/chat.db")}).database.path == Path("/srv/chat.db")


def test_several_addresses_to_listen_on(file: Path) -> None:
    """Each table is one address. Its missing keys have their defaults."""
    written(file, '[[listen]]\nport = 7000\n[[listen]]\nhost = "::1"')
    assert load(file, {}).listen == (Listen("irc", "127.0.0.1", 7000), Listen("irc", "::1", 6667))


def test_host_and_port_replace_the_plain_addresses(file: Path) -> None:
    """A flag for the host keeps the port of the first table, and the other way round."""
    written(file, '[[listen]]\nhost = "::1"\nport = 7000\n[[listen]]\nport = 7001')
    assert load(file, {}, {"listen.port": 0}).listen == (Listen("irc", "::1", 0),)
    assert load(file, {"CHATROOM_LISTEN__HOST": "0.0.0.0"}).listen == (Listen("irc", "0.0.0.0", 7000),)


def test_host_and_port_leave_the_websocket_addresses(file: Path) -> None:
    """The flags replace the plain IRC listeners. WebSocket listeners stay behind them."""
    written(file, '[[listen]]\nkind = "websocket"\nport = 8097')
    websocket = Listen("websocket", "127.0.0.1", 8097)
    assert load(file, {}).listen == (websocket,)
    assert load(file, {}, {"listen.port": 7000}).listen == (Listen("irc", "127.0.0.1", 7000), websocket)


@pytest.mark.parametrize(
    "text, said",
    [
        ("[limits]\nburst_lines = 0", "limits.burst_lines must be a whole number from 1 to 1000000, not 0"),
        ("[limits]\nenabled = 1", "limits.enabled must be true or false, not 1"),
        ("[limits]\nburst_line = 1", "unknown key limits.burst_line; did you mean limits.burst_lines?"),
        ("[limit]\nburst_lines = 1", "unknown section [limit]; did you mean limits?"),
        ("burst_lines = 1", "unknown key burst_lines outside a section"),
        ("limits = 1", "limits must be a section: [limits]"),
        ("[listen]\nport = 1", "listen must be one or more tables, each beginning with [[listen]]"),
        ("listen = []", "listen must be one or more tables, each beginning with [[listen]]"),
        ('[[listen]]\nkind = "gopher"', 'listen.kind must be "irc" or "websocket", not \'gopher\''),
        ("[[listen]]\n[[listen]]", "two [[listen]] tables have 127.0.0.1 port 6667"),
        ('[server]\nname = "nodot"', "server.name must be a host name with a dot in it"),
        ('[server]\npassword = "two\\nlines"', "server.password must be one line of text"),
        (
            '[server]\nwebsocket_origins = ["https://a.example/"]',
            "server.websocket_origins must be a list of origins",
        ),
        ('[webirc]\ngateways = ["192.0.2.1/24"]', "webirc.gateways must be a list of addresses or networks"),
        ('[webirc]\npassword = "two words"', "webirc.password must be one word"),
        ('[channels]\nautojoin = ["lobby"]', "channels.autojoin must be a list of channel names"),
        ("[limits", "not valid TOML"),
    ],
)
def test_a_wrong_file_is_told_in_one_line(file: Path, text: str, said: str) -> None:
    """The error is one line with the file, the key and the allowed values."""
    written(file, text)
    with pytest.raises(ConfigError) as caught:
        load(file, {})
    assert str(caught.value).startswith(f"{file}: {said}")
    assert "\n" not in str(caught.value)


def test_a_wrong_secret_is_not_repeated(file: Path) -> None:
    """The error about a password does not contain it."""
    written(file, '[server]\npassword = "hunter2\\n"')
    with pytest.raises(ConfigError) as caught:
        load(file, {})
    assert "hunter2" not in str(caught.value)
    written(file, '[server]\npassword = "hunter2"')
    assert "hunter2" not in repr(load(file, {}))
    written(file, '[webirc]\npassword = "hunter2"')
    assert "hunter2" not in repr(load(file, {}))


@pytest.mark.parametrize(
    "variable, value, said",
    [
        (
            "CHATROOM_LIMITS__BURST_LINES",
            "many",
            "limits.burst_lines must be a whole number from 1 to 1000000, not 'many'",
        ),
        ("CHATROOM_LIMITS__BURST", "1", "there is no such setting; did you mean CHATROOM_LIMITS__BURST_LINES?"),
        ("CHATROOM_LISTEN__KIND", "irc", "there is no such setting"),
    ],
)
def test_a_wrong_variable_is_told_by_its_name(variable: str, value: str, said: str) -> None:
    """The error about a value from the environment names the variable."""
    with pytest.raises(ConfigError) as caught:
        load(None, {variable: value, "CHATROOM_CONFIG": "ignored here", "OTHER__THING": "1"})
    assert str(caught.value).startswith(f"{variable}: {said}")


def test_a_wrong_flag_is_told_by_its_name() -> None:
    """The error about a value from the command line names the flag."""
    with pytest.raises(ConfigError, match=r"^--port: listen\.port must be"):
        load(None, {}, {"listen.port": 70000})


def test_a_file_that_cannot_be_read(file: Path) -> None:
    """A directory, a missing file and bytes that are not UTF-8 each give a one-line error."""
    with pytest.raises(ConfigError, match="cannot be read"):
        load(file, {})
    file.write_bytes(b"# caf\xe9\n")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load(file, {})
    with pytest.raises(ConfigError, match="cannot be read"):
        load(file.parent, {})


def test_the_file_is_looked_for_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order is: the flag's, the environment's, the user's, the system's file; never the working directory's."""
    spots = {name: tmp_path / name / "chatroom.toml" for name in ("flag", "variable", "user", "system")}
    for spot in spots.values():
        spot.parent.mkdir()
        spot.touch()
    monkeypatch.setattr(paths, "config_directories", lambda: (tmp_path / "user", tmp_path / "system"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "chatroom.toml").touch()
    flag: Path | None = spots["flag"]
    environ = {"CHATROOM_CONFIG": str(spots["variable"])}
    for name in spots:
        assert find_file(flag, environ) == spots[name]
        if name == "flag":
            flag = None
        elif name == "variable":
            environ = {}
        else:
            spots[name].unlink()
    assert find_file(None, {}) is None


def test_a_named_file_has_to_be_there(tmp_path: Path) -> None:
    """If the named file is missing, that is an error. No other file is read instead."""
    (tmp_path / "chatroom.toml").touch()
    with pytest.raises(ConfigError, match="--config names it"):
        find_file(tmp_path / "missing.toml", {})
    with pytest.raises(ConfigError, match="CHATROOM_CONFIG names it"):
        find_file(None, {"CHATROOM_CONFIG": str(tmp_path / "missing.toml")})


def test_all_errors_are_found(file: Path) -> None:
    """The error has those of the file, the environment and the flags; its text has the first and their number."""
    written(
        file,
        "name = 1\n[sever]\n[server]\nnaem = 1\nio_threads = 0\n[limits]\nburst_lines = -1\n"
        '[[listen]]\nport = "x"\n[[listen]]\nhots = "y"\n',
    )
    with pytest.raises(ConfigError) as raised:
        load(file, {"CHATROOM_NO__SUCH": "1", "CHATROOM_LIMITS__LOGIN_TRIES": "few"}, {"listen.port": "many"})
    found = [error.partition(": ")[2] for error in raised.value.errors]
    assert [error.partition(" ")[0] for error in found] == [
        *("unknown", "unknown", "unknown", "server.io_threads", "limits.burst_lines", "listen.port", "unknown"),
        *("limits.login_tries", "there", "listen.port"),
    ]
    assert "did you mean server.name or cluster.name?" in found[0]
    assert str(raised.value).startswith(raised.value.errors[0])
    assert "and 9 more" in str(raised.value)


@pytest.mark.parametrize("mode, exposed", [(0o644, True), (0o604, True), (0o640, False), (0o600, False)])
def test_a_file_with_a_password_that_all_can_read(file: Path, mode: int, exposed: bool) -> None:
    """The warning names the file and the keys, and no password. Without a password in the file there is none."""
    written(file, '[server]\npassword = "hunter2"\n').chmod(mode)
    found = find_exposure(load(file, {}))
    assert (found is not None) is exposed
    if found is not None:
        warning = str(found)
        assert str(file) in warning and "server.password" in warning and "hunter2" not in warning
    written(file, '[server]\npassword = ""\n')
    assert find_exposure(load(file, {"CHATROOM_SERVER__PASSWORD": "hunter2"})) is None


@pytest.mark.parametrize("name", ["chat.db", "./chat.db", "chat.db-wal", "chat.db-reserve", "chatroom.toml"])
def test_the_log_has_a_file_of_its_own(tmp_path: Path, name: str) -> None:
    """Lines of the log in the database or the configuration would destroy it."""
    file = tmp_path / "chatroom.toml"
    file.write_text(f'[database]\npath = "chat.db"\n\n[log]\nfile = "{name}"\n')
    with pytest.raises(ConfigError, match=r"log\.file must be a file of its own"):
        load(file, {})
    assert load(file, {"CHATROOM_LOG__FILE": str(tmp_path / "chat.log")}).log.file == tmp_path / "chat.log"
