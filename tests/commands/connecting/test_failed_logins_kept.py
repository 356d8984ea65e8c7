"""Failed logins over a restart, and over clocks that jump."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from harness.logins import log_in_by_sasl
from harness.world import PASSWORD, SHELL, Here, verbs

from chatroom.chat.admission.flood import LONGEST_DELAY_MS, WINDOW_MS
from chatroom.chat.admission.login_keys import account_key, address_key, site_key
from chatroom.chat.failed_logins import KeptFailures
from chatroom.chat.stored.records import FailedLogins
from chatroom.errors import DiskFull

UNA = account_key("una")
ADDRESS = address_key(4, 0x0A000001)
YEAR_S = 365 * 86_400


@pytest.fixture
def here(make_here: Callable[..., Here]) -> Here:
    """A world with limits, and an account."""
    here = make_here(limits={"enabled": True, "login_tries": 100})
    here.account("una")
    return here


def fail(here: Here, times: int, name: str = "una", address: str = "10.0.0.1") -> str:
    """Log in with a wrong password, so many times. Return the last answer."""
    client, answers = here.open(address), [""]
    client.say("CAP REQ :sasl", "NICK x", "USER u 0 * :U")
    for _ in range(times):
        answers = log_in_by_sasl(client, name, "wrong")
    return answers[-1]


def stored(here: Here) -> dict[str, int]:
    """Return what the database has after the next write."""
    with here.tick():
        here.world.kept_failures.flush()
    return {row.key: row.failures for row in here.stores.failed_logins.load(10_000)}


def test_the_delays_go_on_after_a_restart(here: Here) -> None:
    """For the account from other addresses, and for the address with other accounts."""
    fail(here, 5)
    assert here.delays_ms == [1000, 2000]
    assert stored(here) == {UNA: 5, ADDRESS: 5}
    for name, address in (("una", "192.0.2.9"), ("other", "10.0.0.1")):
        stored(here)
        here.restart()
        here.delays_ms.clear()
        fail(here, 1, name, address)
        assert here.delays_ms == [4000]


@pytest.mark.parametrize("jump_s", [0, YEAR_S, -YEAR_S])
@pytest.mark.parametrize("restarts", [True, False])
def test_no_clock_frees_or_holds_anybody(here: Here, jump_s: float, restarts: bool) -> None:
    """The delays are the same whatever the wall clock says, and are over after ten minutes of running time."""
    fail(here, 5)
    here.set_clock(jump_s)
    if restarts:
        stored(here)
        here.restart()
    here.delays_ms.clear()
    fail(here, 1, address="192.0.2.9")
    assert here.delays_ms == [4000]
    here.mono_ms += WINDOW_MS + LONGEST_DELAY_MS
    here.delays_ms.clear()
    fail(here, 1, address="192.0.2.9")
    assert here.delays_ms == []


def test_an_ipv6_address_is_stored_by_its_subscriber_and_its_site(here: Here) -> None:
    """So another address of the /64 gains nothing by a restart, nor 65,536 subscribers of one site."""
    for number in range(4):
        fail(here, 1, f"n{number}", f"2001:db8:1::{number + 1}")
    site = site_key(6, 0x2001_0DB8_0001 << 80)
    assert stored(here) == {address_key(6, 0x2001_0DB8_0001 << 80): 4, site: 4}
    here.restart()
    here.delays_ms.clear()
    fail(here, 1, "n9", "2001:db8:1::99")
    assert here.delays_ms == [2000]


def test_a_name_that_nobody_has_is_not_stored(here: Here) -> None:
    """It may be a password. It is counted in memory as any other."""
    fail(here, 5, "hunter2")
    assert stored(here) == {ADDRESS: 5}
    here.delays_ms.clear()
    fail(here, 1, "hunter2", "192.0.2.9")
    assert here.delays_ms == [4000]


def test_a_good_login_removes_what_is_stored(here: Here) -> None:
    """All of the account's, and nothing of the address's: only its own try, which was never stored."""
    fail(here, 3)
    client = here.open("192.0.2.1")
    client.say("CAP REQ :sasl")
    assert "903" in verbs(log_in_by_sasl(client, "una", PASSWORD))
    assert stored(here) == {ADDRESS: 3}


def test_a_good_login_without_a_failure_writes_nothing(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """Most logins cost no write more than before."""

    def refuse(*_: object) -> None:
        raise AssertionError("nothing is to be written")

    monkeypatch.setattr(type(here.stores.failed_logins), "save", refuse)
    client = here.open()
    client.say("CAP REQ :sasl")
    assert "903" in verbs(log_in_by_sasl(client, "una", PASSWORD))
    assert not here.held and not here.world.kept_failures.waits


def test_many_failures_are_one_write(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """And one is under way at a time: what fails meanwhile waits for the next one."""
    written: list[int] = []
    real = here.stores.failed_logins.save

    def save(_: object, rows: Sequence[FailedLogins]) -> None:
        written.append(len(rows))
        real(rows)

    monkeypatch.setattr(type(here.stores.failed_logins), "save", save)
    kept = here.world.kept_failures
    for number in range(8):
        fail(here, 1, address=f"192.0.2.{number}")
    assert written == [] and kept.waits
    here.holding = True
    with here.tick():
        kept.flush()
    with here.tick():
        here.world.throttle.slow(UNA, here.mono_ms)
        kept.save([UNA], here.now_ms, here.mono_ms)
        kept.flush()
    assert len(here.held) == 1 and kept.waits
    here.holding = False
    here.release()
    assert stored(here)[UNA] == 9
    assert written == [9, 1] and not here.world.kept_failures.waits


def test_what_the_database_refuses_is_stored_with_the_next_failure(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk keeps nobody from logging in, and is not asked again before."""
    with monkeypatch.context() as patched:
        asked: list[object] = []

        def refuse(_: object, rows: object) -> None:
            asked.append(rows)
            raise DiskFull("full")

        patched.setattr(type(here.stores.failed_logins), "save", refuse)
        fail(here, 1)
        assert stored(here) == {}
        assert (len(asked), here.world.kept_failures.waits) == (1, False)
    fail(here, 1, "other", "192.0.2.9")
    assert stored(here) == {UNA: 1, ADDRESS: 1, address_key(4, 0xC0000209): 1}


def test_old_failures_are_removed(here: Here) -> None:
    """Ten minutes after the last one, without a further login."""
    fail(here, 1)
    here.mono_ms += WINDOW_MS // 2
    fail(here, 1, address="192.0.2.9")
    with here.tick():
        here.world.kept_failures.expire(here.mono_ms)
    assert len(stored(here)) == 3
    here.mono_ms += WINDOW_MS // 2
    with here.tick():
        here.world.kept_failures.expire(here.mono_ms)
    assert stored(here) == {UNA: 2, address_key(4, 0xC0000209): 1}
    here.mono_ms += WINDOW_MS
    with here.tick():
        here.world.kept_failures.expire(here.mono_ms)
    assert stored(here) == {}


def test_a_try_that_waits_for_its_turn_keeps_its_key(here: Here) -> None:
    """A key is removed when none of its tries counts any more."""
    fail(here, 1)
    here.mono_ms += WINDOW_MS
    here.world.throttle.reserve(ADDRESS, here.mono_ms)
    with here.tick():
        here.world.kept_failures.expire(here.mono_ms)
    assert stored(here) == {ADDRESS: 1}


def test_the_rows_are_bounded(here: Here) -> None:
    """The keys that failed longest ago go first."""
    kept = here.world.kept_failures = KeptFailures(here.world.throttle, here.world.work, most_keys=5)
    for number in range(9):
        here.world.throttle.slow(f"account a{number}", here.mono_ms)
        kept.save([f"account a{number}"], here.now_ms + number, here.mono_ms)
    assert list(stored(here)) == [f"account a{number}" for number in range(4, 9)]


def test_the_answer_says_when_to_try_again(here: Here) -> None:
    """As soon as there is a delay: to the user, and not in the log."""
    assert fail(here, 2).endswith(":SASL authentication failed: wrong name or password")
    assert fail(here, 1).endswith("wrong name or password; the next try waits 1 s")
    assert fail(here, 1).endswith("wrong name or password; the next try waits 2 s")
    assert not any("next try" in line for line in here.world.log_lines)
    here.holding = True
    clients = [here.open() for _ in range(9)]
    for client in clients:
        client.say("CAP REQ :sasl", "AUTHENTICATE PLAIN", "AUTHENTICATE AHVuYQB3cm9uZw==")
    said = clients[-1].read()[-1]
    wait_s = int(said.rpartition(" in ")[2].removesuffix(" s"))
    assert f"too many tries to log in from your address, try again in {wait_s} s" in said
    here.holding = False
    for early_s, answer in ((1, 1), (0, 0)):
        assert here.world.throttle.wait_for_turn_ms(ADDRESS, here.mono_ms + (wait_s - early_s) * 1000) // 1000 == answer


def test_without_limits_nothing_is_counted(make_here: Callable[..., Here]) -> None:
    """Nor stored."""
    here = make_here()
    here.account("una")
    fail(here, 2)
    assert stored(here) == {}


def test_a_renamed_account_is_free(here: Here) -> None:
    """The count is by name: the row of the old one goes as any other."""
    fail(here, 5)
    here.stores.accounts.rename(here.stores.accounts.get("una").id, "una2", SHELL)
    here.apply_account(here.stores.accounts.get("una2").id)
    here.delays_ms.clear()
    fail(here, 1, "una2", "192.0.2.9")
    assert here.delays_ms == []
    here.mono_ms += WINDOW_MS + LONGEST_DELAY_MS
    with here.tick():
        here.world.kept_failures.expire(here.mono_ms)
    assert stored(here) == {}
