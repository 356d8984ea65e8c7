from __future__ import annotations

import sys
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.chat.admission import spam_filters
from chatroom.chat.admission.filter_policy import MOST_FILTERS, PATTERN_BYTES, make_filter, read_action
from chatroom.chat.admission.spam_filters import FilterSet, make_filter_matcher
from chatroom.chat.stored.records import FilterAction, FilterKind, SpamFilter
from chatroom.errors import InvalidValue, NeedsForce
from chatroom.irc.masks import matches_mask

NOW = datetime(2030, 5, 1, tzinfo=UTC)


def made(number: int, pattern: str, action: FilterAction = "refuse", kind: FilterKind = "glob") -> SpamFilter:
    """A filter with that number."""
    return SpamFilter(number, pattern, kind, action, "", None, "root", NOW)


def found(filters: FilterSet, text: str) -> int:
    """The number of the filter that a text matches; 0 if none does."""
    one = filters.find(text)
    return 0 if one is None else one.id


@pytest.mark.parametrize(
    "pattern, text, matches",
    [
        ("*followers*", "Buy FOLLOWERS now", True),
        ("*followers*", "follow us", False),
        ("*buy?followers*", "come and buy followers", True),
        ("*buy*followers*", "buy some followers", True),
        ("*buy*followers*", "followers to buy", False),
        ("buy*", "buy it", True),
        ("buy*", "do not buy it", False),
        ("*b?y*", "bay", True),
        ("*Viagra*", "vіаgrа", True),
        ("*vіаgrа*", "VIAGRA", True),
        ("*buy now*", "buy\n  now", True),
        ("*спам*", "Это СПАМ", True),
        ("a*b*c", "abbc", True),
    ],
)
def test_globs_fit_the_whole_text_as_it_reads(pattern: str, text: str, matches: bool) -> None:
    """A glob is a mask, for a text in the form for comparison."""
    assert bool(found(FilterSet([made(1, pattern)]), text)) == matches
    assert make_filter_matcher("glob", pattern)(text) == matches


@given(st.text("ab*?", min_size=1), st.text("abAB"))
def test_a_glob_is_a_mask(pattern: str, text: str) -> None:
    """The part that is looked for first changes nothing."""
    assert bool(found(FilterSet([made(1, pattern)]), text)) == matches_mask(pattern, text)


@pytest.mark.parametrize(
    "pattern, text, matches",
    [
        ("(buy|sell).{0,9}followers", "SELL my followers", True),
        ("(buy|sell).{0,9}followers", "sell a great many followers", False),
        ("^hello$", "hello", True),
        ("^hello$", "hello you", False),
        ("[а-я]{4}", "Привет", True),
        ("[а-я]{4}", "hello", False),
        ("viagra", "vіаgrа", True),
        (r"t\.me/\w+", "join T.me/spam", True),
        ("buy.now", "buy\nnow", True),
    ],
)
def test_regular_expressions_match_anywhere(pattern: str, text: str, matches: bool) -> None:
    """They see the text with its own letters, and with those of ASCII that look the same."""
    for filters in (FilterSet([made(1, pattern, kind="regex")]), FilterSet(_two(pattern))):
        assert found(filters, text) == int(matches)
    assert make_filter_matcher("regex", pattern)(text) == matches


def _two(pattern: str) -> list[SpamFilter]:
    return [made(1, pattern, kind="regex"), made(2, "nothing like it", kind="regex")]


def test_the_most_severe_filter_counts_and_then_the_oldest() -> None:
    """Whatever their kinds are."""
    filters = FilterSet(
        [
            made(1, "*spam*", "refuse"),
            made(2, "spa", "mute", "regex"),
            made(3, "*sp*m*", "ban"),
            made(4, "s.am", "ban", "regex"),
            made(5, "*eggs*", "refuse"),
            made(6, "eg+s", "refuse", "regex"),
        ]
    )
    assert [found(filters, text) for text in ("spam", "spa", "scam", "eggs", "ham")] == [3, 2, 4, 5, 0]
    assert len(filters) == 6 and bool(filters)


def test_no_filters_match_nothing() -> None:
    """An empty set is false."""
    assert not FilterSet() and FilterSet().find("x") is None


def test_regular_expressions_that_do_not_fit_together_match_alone() -> None:
    """Names of groups are used twice, and a flag of one pattern does not hold for the next."""
    filters = FilterSet([made(1, "(?P<a>spam)x", kind="regex"), made(2, "(?P<a>eggs)", kind="regex")])
    assert [found(filters, text) for text in ("spamx", "eggs", "ham")] == [1, 2, 0]


def test_regular_expressions_that_are_too_large_together_match_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory of all of them is bounded too."""
    monkeypatch.setattr(spam_filters, "_TOGETHER_BYTES", 2000)
    filters = FilterSet([made(number, f"spam{number}x{{50}}", kind="regex") for number in (1, 2, 3)])
    assert [found(filters, f"spam{number}{'x' * 50}") for number in (1, 2, 3, 4)] == [1, 2, 3, 0]


@pytest.mark.parametrize("pattern", ["(a", "(?=a)", r"(a)\1", "a{1000}{1000}", "(a{500}){500}", "*"])
def test_what_re2_refuses_is_refused(pattern: str) -> None:
    """Look-ahead and back references need backtracking, and huge repetitions much memory."""
    with pytest.raises(InvalidValue, match="not a regular expression of RE2"):
        make_filter(pattern, "regex", "refuse", "", None, force=True)


@pytest.mark.parametrize("pattern", [".{1,900}z", "(a{1,60}b){9}", r"\w{1,300}!"])
def test_a_regular_expression_that_is_large_is_refused(pattern: str) -> None:
    """Linear is not enough if each character costs thousands of steps."""
    with pytest.raises(InvalidValue, match="too slow"):
        make_filter(pattern, "regex", "refuse", "", None, force=True)
    assert FilterSet([made(1, pattern, kind="regex")]).unusable[1].startswith("the regular expression is too slow")


def test_without_re2_globs_still_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what to install. Stored filters that need it are not in force, and the others are."""
    monkeypatch.setitem(sys.modules, "re2", None)
    with pytest.raises(InvalidValue, match=r"google-re2.*not installed"):
        make_filter("spam", "regex", "refuse", "", None, force=False)
    filters = FilterSet([made(1, "spam", kind="regex"), made(2, "*eggs*"), made(3, "ham", kind="regex")])
    assert [found(filters, text) for text in ("spam", "eggs")] == [0, 2]
    assert list(filters.unusable) == [1, 3]
    assert "pip install" in filters.unusable[1]
    assert not FilterSet([made(1, "spam", kind="regex")])


def test_nothing_is_kept_of_filters_that_are_gone() -> None:
    """The library keeps what it has compiled, unless it is told not to."""
    import re2

    FilterSet(_two("spam"))
    assert re2._Regexp._make.cache_info().currsize == 0


@pytest.mark.parametrize("pattern", ["*", "**", "?*", "*?", "*e*", "??", "*o?e*", "o", "*o*", "?"])
def test_a_glob_for_everything_needs_force(pattern: str) -> None:
    """It would silence the server. Letters that most texts have are as bad."""
    with pytest.raises(NeedsForce, match="matches ordinary texts"):
        make_filter(pattern, "glob", "ban", "", None, force=False)
    assert make_filter(pattern, "glob", "ban", "", None, force=True).duration_s == 86_400


@pytest.mark.parametrize("pattern", ["", ".*", "a|", "[a-z]", "^", "e"])
def test_a_regular_expression_for_everything_needs_force(pattern: str) -> None:
    """The same, if there is one at all."""
    with pytest.raises(NeedsForce if pattern else InvalidValue):
        make_filter(pattern, "regex", "refuse", "", None, force=False)


def test_a_new_filter_has_its_full_form() -> None:
    """A glob without wildcards is looked for anywhere. A mute and a ban always end."""
    filters = [make_filter(" free bitcoin ", "glob", action, "no", None, force=False) for action in ("mute", "ban")]
    assert filters[0] == ("*free bitcoin*", "glob", "mute", "no", 600)
    assert filters[1].duration_s == 86_400
    assert make_filter("a***bitcoin", "glob", "refuse", "", None, force=False) == (
        "a*bitcoin",
        "glob",
        "refuse",
        "",
        None,
    )
    assert make_filter("bitcoin", "regex", "kick", "", None, force=False).pattern == "bitcoin"
    assert make_filter("bitcoin", "glob", "mute", "", 5, force=False).duration_s == 5


def test_filters_are_bounded() -> None:
    """In length, in what they say and in how long they act."""
    longest = "x" * (PATTERN_BYTES - 2)
    assert len(make_filter(longest, "glob", "refuse", "", None, force=False).pattern) == PATTERN_BYTES
    for pattern in (longest + "x", "é" * PATTERN_BYTES, "a\nb", "a\x02b", " "):
        with pytest.raises(InvalidValue):
            make_filter(pattern, "glob", "refuse", "", None, force=True)
    with pytest.raises(InvalidValue, match="only a mute and a ban"):
        make_filter("spam", "glob", "kick", "", 60, force=False)
    with pytest.raises(InvalidValue, match="10 years"):
        make_filter("spam", "glob", "ban", "", 3_000_000_000, force=False)
    with pytest.raises(InvalidValue, match="a reason"):
        make_filter("spam", "glob", "ban", "x" * 301, None, force=False)
    assert max(MOST_FILTERS.values()) <= 500


def test_actions_are_words() -> None:
    """In any case; others are refused with the list."""
    assert read_action("BAN") == "ban"
    with pytest.raises(InvalidValue, match="refuse, mute, kick or ban"):
        read_action("burn")


def test_every_action_has_its_severity() -> None:
    """The order of severity is that of the actions, reversed."""
    assert list(spam_filters.SEVERITY) == ["ban", "kick", "mute", "refuse"]


def test_time_is_linear_in_the_text() -> None:
    """Patterns that make backtracking slow are done at once: the test would never end otherwise."""
    text = "a" * 4000 + "!"
    filters = FilterSet(
        [
            made(1, "*a*a*a*a*a*a*a*a*a*a*a*a*b"),
            made(2, "*a?a*a?a*a?a*a?a*a?a*a?a*b*"),
            made(3, "(a+)+b", kind="regex"),
            made(4, "(a|a|a)*(a|aa)+$", kind="regex"),
            made(5, "(.*)(.*)(.*)(.*)(.*)b", kind="regex"),
        ]
    )
    assert found(filters, text) == 0
