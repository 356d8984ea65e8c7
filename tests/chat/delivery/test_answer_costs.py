from __future__ import annotations

from chatroom.chat.admission.flood import LONGEST_DELAY_MS
from chatroom.chat.delivery.answer_costs import ADDRESS_BURST_BYTES, BYTES_OF_A_LINE, SHORT_BYTES, AnswerCosts
from chatroom.chat.people.line_rates import limit_lines
from chatroom.chat.people.session import Session
from chatroom.config import Settings


def make_session(address: int = 0x0A000001, version: int = 4) -> Session:
    """Make a session with a budget of ten lines a second, forty at once."""
    session = Session(1, "", version, address, "host", 0)
    limit_lines(session, Settings())
    return session


def wait_ms(session: Session, mono_ms: int = 0) -> int:
    """Return how long the session's next line has to wait."""
    assert session.budget is not None
    return session.budget.wait_ms(mono_ms)


def test_a_short_answer_is_paid_with_its_line() -> None:
    """Forty lines with short answers run at once, as without this rule."""
    costs, session = AnswerCosts(), make_session()
    assert session.budget is not None
    for _ in range(40):
        assert session.budget.take(0)
        assert not costs.pay(session, SHORT_BYTES, 0)
    assert not session.budget.take(0)
    assert costs.tick_bytes == 0
    assert len(costs) == 0


def test_a_long_answer_costs_its_session_further_lines() -> None:
    """After answers worth more than its burst, a session waits as after so many lines."""
    costs, session = AnswerCosts(), make_session()
    assert costs.pay(session, 40 * BYTES_OF_A_LINE, 0)
    assert wait_ms(session) == 100
    assert costs.tick_bytes == 40 * BYTES_OF_A_LINE


def test_the_sessions_of_an_address_pay_together() -> None:
    """Sessions that ask much from one address wait for each other; those that ask for little and others do not."""
    costs, other, idle = AnswerCosts(), make_session(0x0A000002), make_session()
    sessions = [make_session() for _ in range(50)]
    for session in sessions:
        costs.pay(session, ADDRESS_BURST_BYTES // 25, 0)
    assert wait_ms(sessions[0]) == 0
    assert 3_000 < wait_ms(sessions[-1]) <= 4_000
    costs.pay(other, SHORT_BYTES + 1, 0)
    assert wait_ms(other) == wait_ms(idle) == 0
    assert wait_ms(sessions[-1], 4_000) == 0


def test_a_subscriber_of_ipv6_is_one_address() -> None:
    """All addresses of a /64 pay together."""
    costs = AnswerCosts()
    sessions = [make_session((0x20010DB8 << 96) + number, 6) for number in range(50)]
    for session in sessions:
        costs.pay(session, ADDRESS_BURST_BYTES // 25, 0)
    assert len(costs) == 1
    assert wait_ms(sessions[-1]) > 3_000


def test_this_machine_is_no_subscriber() -> None:
    """The users behind a proxy on this machine do not pay for each other, only each for itself."""
    costs = AnswerCosts()
    for _ in range(50):
        session = make_session(0x7F000001)
        costs.pay(session, ADDRESS_BURST_BYTES // 25, 0)
        assert wait_ms(session) == 0


def test_no_answer_delays_the_next_line_for_ever() -> None:
    """The wait has a bound, whatever was asked."""
    costs, session = AnswerCosts(), make_session()
    for _ in range(10):
        costs.pay(session, 1_000_000_000, 0)
    assert wait_ms(session) == LONGEST_DELAY_MS


def test_work_without_an_answer_is_paid_too() -> None:
    """A question that is compared with all names and finds none is a long one."""
    costs, session = AnswerCosts(), make_session()
    costs.work_bytes = 40 * BYTES_OF_A_LINE
    assert costs.pay(session, 0, 0)
    assert wait_ms(session) > 0
    assert not costs.pay(session, 0, 0)


def test_the_table_of_addresses_is_bounded() -> None:
    """The address that asked the longest ago goes first."""
    costs = AnswerCosts(most_keys=2)
    for address in (1, 2, 1, 3):
        costs.pay(make_session(address), ADDRESS_BURST_BYTES, 0)
    assert len(costs) == 2
    again = make_session(1)
    costs.pay(again, ADDRESS_BURST_BYTES, 0)
    assert wait_ms(again) > 0
