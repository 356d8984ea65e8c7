"""Ban lists of fail2ban, ipset and others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from harness.shell import Shell
from hypothesis import given
from hypothesis import strategies as st

from chatroom.ctl.ban_lists import PlainLines, read
from chatroom.ctl.foreign_ban_lists import parse_foreign

NOW = datetime(2030, 1, 1, tzinfo=UTC)
END = datetime(2030, 1, 31, 12, 10, tzinfo=UTC)
LIST = """\
# fail2ban-client get sshd banip --with-time
192.0.2.7 \t2030-01-31 12:00:00 + 600 = 2030-01-31 12:10:00
192.0.2.8 \t2030-01-31 12:00:00 + -1 = 9999-12-31 23:59:59
198.51.100.1 198.51.100.2, 2001:db8::/64
create f2b-sshd hash:ip family inet hashsize 1024 maxelem 65536 timeout 600 comment
add f2b-sshd 203.0.113.5 timeout 3600 comment "port scan; #3"
add drop 203.0.113.128/25
203.0.113.9 ; scraper
"""


@pytest.mark.parametrize(
    "line, found",
    [
        ("192.0.2.7 \t2030-01-31 12:00:00 + 600 = 2030-01-31 12:10:00", [("192.0.2.7", END, "")]),
        ("192.0.2.7  2030-01-31 12:00:00 + -1 = 9999-12-31 23:59:59", [("192.0.2.7", None, "")]),
        ("add a 192.0.2.7 timeout 60", [("192.0.2.7", NOW + timedelta(minutes=1), "")]),
        ("add a 192.0.2.7 timeout 0", [("192.0.2.7", None, "")]),
        ('add a 192.0.2.7 packets 0 bytes 0 comment "a b"', [("192.0.2.7", None, "a b")]),
        ("add a 192.0.2.7 nomatch", [("192.0.2.7", None, "")]),
        ("create a hash:ip family inet", []),
        ("flush a", []),
        ("192.0.2.7, 2001:db8::7", [("192.0.2.7", None, ""), ("2001:db8::7", None, "")]),
        ("mallory eve", None),
        ("192.0.2.7 eve", None),
        ("192.0.2.7", None),
        ("", None),
    ],
)
def test_forms(line: str, found: list[tuple[str, datetime | None, str]] | None) -> None:
    """Each form gives its targets, with the end and the reason if the line has them."""
    parsed = parse_foreign(line, NOW, UTC)
    assert parsed == found


def test_a_list_of_all_forms(tmp_path: Path) -> None:
    """Ends that are given stay, others follow ``--for``; comments become reasons if that is asked for."""
    file = tmp_path / "list"
    file.write_text(LIST)
    shell = Shell(tmp_path / "chat.db")
    shell.done("db", "migrate")
    call = ("--utc", "ban", "import", str(file), "--networks", "--for", "7d", "--comments", "--reason", "list")
    assert "Would add 8 of 8" in shell.done(*call, "--dry-run")
    assert shell.json("ban", "list") == []
    shell.done(*call)
    found = {one["target"]: (one["until_at"], one["reason"]) for one in shell.json("ban", "list")}
    assert found["192.0.2.7"] == ("2030-01-31T12:10:00Z", "list")
    assert found["203.0.113.5"][1] == "port scan; #3"
    assert found["203.0.113.9"][1] == "scraper"
    week, hour = (datetime.now(UTC) + timedelta(days=days) for days in (7, 1 / 24))
    for target, end in (("2001:db8::/64", week), ("192.0.2.8", week), ("203.0.113.5", hour)):
        assert abs(datetime.fromisoformat(found[target][0]) - end) < timedelta(hours=1)


def test_a_name_in_a_list_of_networks() -> None:
    """A word that is no network would ban a person of that name."""
    plain = PlainLines(only_networks=True)
    wanted, errors = read(["localhost\n", "192.0.2.7\n"], "", allow_loopback=False, plain=plain)
    assert [one.target for one in wanted] == ["192.0.2.7"]
    assert len(errors) == 1
    assert errors[0].startswith("1: localhost: not an address or a network")


@given(st.text('add create 0123456789.:/-=+,;#\t "', max_size=60))
def test_any_line(text: str) -> None:
    """Each line gives bans or one error."""
    wanted, errors = read([text], "", allow_loopback=True)
    assert len(errors) <= 1
    assert not (wanted and errors)
