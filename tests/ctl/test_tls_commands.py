"""``chatroomctl tls``."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography import x509

from chatroom.ctl.main import cli


def call(*arguments: str | Path, stdin: str = "") -> Result:
    """Run ``chatroomctl tls``."""
    return CliRunner().invoke(cli, ["tls", *map(str, arguments)], prog_name="chatroomctl", input=stdin)


def test_a_certificate_is_made_for_names_and_addresses(tmp_path: Path) -> None:
    """Both files are private, and the text says what to configure and what to trust."""
    directory = tmp_path / "made" / "for it"
    result = call("self-signed", "chat.lan", "192.168.1.5", "--directory", directory)
    assert result.exit_code == 0
    certificate = x509.load_pem_x509_certificate((directory / "certificate.pem").read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["chat.lan"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["192.168.1.5"]
    assert stat.S_IMODE((directory / "key.pem").stat().st_mode) == 0o600
    assert "Fingerprint (SHA-256): " in result.stdout
    assert f'key = "{directory}/key.pem"' in result.stdout


def test_files_are_replaced_only_after_a_question(tmp_path: Path) -> None:
    """A key that is in use must not be lost by accident."""
    assert call("self-signed", "chat.lan", "--directory", tmp_path).exit_code == 0
    before = (tmp_path / "key.pem").read_text()
    assert call("self-signed", "chat.lan", "--directory", tmp_path, stdin="n\n").exit_code == 1
    assert (tmp_path / "key.pem").read_text() == before
    assert call("self-signed", "chat.lan", "--directory", tmp_path, "--yes").exit_code == 0
    assert (tmp_path / "key.pem").read_text() != before


@pytest.mark.parametrize("name", ["", "bücher.example", "a" * 300])
def test_a_name_that_no_certificate_can_have_is_refused(tmp_path: Path, name: str) -> None:
    """One line, and no file."""
    result = call("self-signed", name, "--directory", tmp_path)
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert "is neither a host name nor an address" in result.stderr
    assert not list(tmp_path.iterdir())


def test_show_lists_the_certificates_of_the_listeners(tmp_path: Path) -> None:
    """Names, expiry and fingerprint, as ``self-signed`` told them."""
    made = json.loads(call("self-signed", "chat.lan", "10.0.0.5", "--directory", tmp_path, "--json").stdout)
    file = tmp_path / "chatroom.toml"
    file.write_text('[[listen]]\ntls = true\nport = 6697\ncertificate = "certificate.pem"\nkey = "key.pem"\n')
    result = CliRunner().invoke(cli, ["--config", str(file), "tls", "show", "--json"], prog_name="chatroomctl")
    [shown] = json.loads(result.stdout)
    assert (shown["names"], shown["fingerprint"]) == (["chat.lan", "10.0.0.5"], made["fingerprint"])
    table = CliRunner().invoke(cli, ["--config", str(file), "tls", "show"], prog_name="chatroomctl")
    assert made["fingerprint"] in table.stdout
