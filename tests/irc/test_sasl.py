"""SASL: responses in pieces, their faults, and PLAIN."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatroom.irc.limits import SASL_RESPONSE_BYTES
from chatroom.irc.sasl import (
    PIECE_BYTES,
    PlainLogin,
    ResponseBuffer,
    SaslFault,
    encode_response,
    format_plain,
    parse_plain,
)


@given(st.lists(st.binary(max_size=900), min_size=1, max_size=3))
@example([b"", b"x" * 300, b"x" * 299, b"x" * 301, b"x" * 600])
def test_responses_in_pieces(responses: list[bytes]) -> None:
    """Responses come back one after another, each at its last piece and not before."""
    buffer = ResponseBuffer()
    for response in responses:
        *others, last = encode_response(response)
        assert all(len(piece) == PIECE_BYTES and buffer.feed(piece) is None for piece in others)
        assert 0 < len(last) < PIECE_BYTES
        assert buffer.feed(last) == response


@pytest.mark.parametrize(
    "pieces, fault",
    [
        (["*"], SaslFault.ABORTED),
        (["A" * PIECE_BYTES, "*"], SaslFault.ABORTED),
        (["A" * (PIECE_BYTES + 1)], SaslFault.PIECE_TOO_LONG),
        (["A" * PIECE_BYTES] * (SASL_RESPONSE_BYTES // PIECE_BYTES + 1), SaslFault.TOO_LONG),
        (["!"], SaslFault.MALFORMED),
        (["AAA"], SaslFault.MALFORMED),
        (["é"], SaslFault.MALFORMED),
        (["AA AA"], SaslFault.MALFORMED),
        (["\udc80"], SaslFault.MALFORMED),
    ],
)
def test_faults(pieces: list[str], fault: SaslFault) -> None:
    """A fault is returned at the piece that has it. The next response starts with an empty buffer."""
    buffer = ResponseBuffer()
    assert [buffer.feed(piece) for piece in pieces] == [None] * (len(pieces) - 1) + [fault]
    assert buffer.feed("YQ==") == b"a"


def test_no_response_is_kept() -> None:
    """After an exchange no piece of a password is left, and the size of all pieces is bounded."""
    buffer = ResponseBuffer()
    buffer.feed("A" * PIECE_BYTES)
    assert buffer._pieces
    buffer.feed("+")
    assert not buffer._pieces
    for _ in range(1000):
        buffer.feed("A" * PIECE_BYTES)
        assert sum(map(len, buffer._pieces)) <= SASL_RESPONSE_BYTES


@pytest.mark.parametrize(
    "response, login",
    [
        (b"\0alice\0secret", PlainLogin("", "alice", "secret")),
        (b"bob\0alice\0secret", PlainLogin("bob", "alice", "secret")),
        ("\0Zoë\0pä ss".encode(), PlainLogin("", "Zoë", "pä ss")),
        (b"\0alice\0", None),
        (b"\0\0secret", None),
        (b"alice\0secret", None),
        (b"\0alice\0secret\0", None),
        (b"", None),
        (b"\0al\xffice\0secret", None),
    ],
)
def test_plain(response: bytes, login: PlainLogin | None) -> None:
    """A PLAIN response is exactly an identity, an account and a password, in UTF-8."""
    assert parse_plain(response) == login


NO_NUL = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)


@given(NO_NUL, NO_NUL)
def test_plain_reads_back(account: str, password: str) -> None:
    """A formatted login parses to the same account and password."""
    assert parse_plain(format_plain(account, password)) == PlainLogin("", account, password)


def test_password_is_not_shown() -> None:
    """The text form of a login does not show its password."""
    assert "secret" not in repr(parse_plain(b"\0alice\0secret"))
