"""Mode strings: their changes, and that formatted changes parse to the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.irc.modes import ModeChange, ModeKinds, format_changes, parse_changes

KINDS = ModeKinds(lists="beI", always="k", when_set="l", flags="imnst", prefixes="ov")


def change(text: str) -> ModeChange:
    """``+o alice`` as a change."""
    head, _, param = text.partition(" ")
    return ModeChange(head[0] == "+", head[1], param or None)


@pytest.mark.parametrize(
    "params, changes",
    [
        (["+ov-m", "alice", "bob"], ["+o alice", "+v bob", "-m"]),
        (["m"], ["+m"]),
        (["+m-n+s"], ["+m", "-n", "+s"]),
        (["+-+-i"], ["-i"]),
        (["b"], ["+b"]),
        (["+b", "*!*@x"], ["+b *!*@x"]),
        (["-b"], ["-b"]),
        (["+bb", "a!*@*"], ["+b a!*@*", "+b"]),
        (["+b", ""], ["+b"]),
        (["+kl", "secret", "10"], ["+k secret", "+l 10"]),
        (["-lk", "secret"], ["-l", "-k secret"]),
        (["+o"], ["+o"]),
        (["+x"], ["+x"]),
        (["+o", "alice", "-v", "bob"], ["+o alice", "-v bob"]),
        (["+m", "left", "over"], ["+m"]),
        (["+m", "", "-n"], ["+m", "-n"]),
        (["+o", "-v"], ["+o -v"]),
        ([], []),
        ([""], []),
        (["+"], []),
    ],
)
def test_parse(params: list[str], changes: list[str]) -> None:
    """A sign is valid until the next one. Parameters go, in order, to the letters that take one."""
    assert parse_changes(params, KINDS) == [change(text) for text in changes]


def test_lacking_parameters() -> None:
    """Setting a standing, a key or a limit lacks its parameter. A list mode and the end of a limit need none."""
    lacking = [
        text for text in ("+o", "-v", "+k", "-k", "+l", "-l", "+b", "-b", "+m", "+x") if KINDS.lacks_param(change(text))
    ]
    assert lacking == ["+o", "-v", "+k", "-k", "+l"]
    assert not KINDS.lacks_param(change("+o alice"))


def test_kinds() -> None:
    """The known letters, and the values for ISUPPORT and RPL_MYINFO."""
    assert KINDS.chanmodes == "beI,k,l,imnst"
    assert all(KINDS.knows(letter) for letter in "beIklimnstov")
    assert not KINDS.knows("x")
    assert parse_changes(["+iw-B"], ModeKinds(flags="iwB")) == [change("+i"), change("+w"), change("-B")]


@pytest.mark.parametrize(
    "changes, most_params, lines",
    [
        (["+o alice", "+v bob", "-m"], 20, ["+ov-m alice bob"]),
        (["-m", "-n", "+s"], 20, ["-mn+s"]),
        (["+o a", "+o b", "-o c", "+m", "-o d"], 2, ["+oo a b", "-o+m-o c d"]),
        (["+o a", "+m"], 1, ["+om a"]),
        ([], 20, []),
    ],
)
def test_format(changes: list[str], most_params: int, lines: list[str]) -> None:
    """Signs are not repeated, and no line has more parameters than the limit."""
    assert format_changes([change(text) for text in changes], most_params) == lines


PARAM = st.text(st.characters(codec="utf-8", exclude_characters=" \r\n\0"), min_size=1, max_size=30)
CHANGES = st.lists(
    st.one_of(
        st.builds(ModeChange, st.booleans(), st.sampled_from("imnst"), st.none()),
        st.builds(ModeChange, st.booleans(), st.sampled_from("bekov"), PARAM),
        st.builds(ModeChange, st.just(True), st.just("l"), PARAM),
        st.just(ModeChange(False, "l")),
    ),
    max_size=40,
)


@given(CHANGES, st.integers(1, 5), st.integers(10, 100))
def test_what_is_written_reads_back(changes: list[ModeChange], most_params: int, most_bytes: int) -> None:
    """The lines parse to the changes, in order, and are within their limits."""
    lines = [line.split(" ") for line in format_changes(changes, most_params, most_bytes)]
    assert [found for line in lines for found in parse_changes(line, KINDS)] == changes
    for letters, *params in lines:
        assert len(params) <= most_params
        assert len(" ".join([letters, *params]).encode()) <= most_bytes or len(params) == 1
    assert len(lines) <= len(changes)


@given(st.lists(st.text(max_size=8) | st.text("+-beklovm", max_size=8), max_size=8))
def test_any_parameters_parse(params: list[str]) -> None:
    """No mode string raises an error, no sign becomes a letter, and every parameter is one of the line."""
    for found in parse_changes(params, KINDS):
        assert found.letter not in "+-"
        assert found.param is None or found.param in params
