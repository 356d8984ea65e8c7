from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatroom.chat.stored.entries import AtMessageId, AtTime, Conversation, Entry, Kind, Search, direct, next_message_id
from chatroom.chat.stored.records import Actor
from chatroom.errors import InvalidValue
from chatroom.storage.opening import open_journal, open_upkeep
from chatroom.storage.sql.history_words import Term, conversation_word, sender_word
from chatroom.storage.sql.sql_stores import SqlStores
from chatroom.storage.sqlite.sqlite_stores import SqliteStores

AT = 1_900_000_000_000
SAID: list[tuple[str, str, Conversation, Kind]] = [
    ("ada", "The deploy FAILED again", "#ops", Kind.PRIVMSG),
    ("bob", "deploy it on friday, they said", "#ops", Kind.PRIVMSG),
    ("Ada", "failed? which deploy?", "#lobby", Kind.NOTICE),
    ("eve", "deploy failed", direct(1, 2), Kind.PRIVMSG),
    ("eve", "deploy failed", direct(3, 4), Kind.PRIVMSG),
    ("ada", "deploy failed", "#ops", Kind.TOPIC),
    ("[eve]", "Crème brûlée for 日本", "#lobby", Kind.PRIVMSG),
    ("bob", "one\ntwo words here\rthree\n", "#lobby", Kind.PRIVMSG),
]


@pytest.fixture(params=[0, 4, len(SAID)])
def find(request: pytest.FixtureRequest, stores: SqlStores) -> Callable[..., list[int]]:
    """Search ``SAID``, of which none, some or all is indexed. Returns positions in ``SAID``."""
    keep(stores, SAID)
    upkeep = open_upkeep(stores.address)
    if request.param:
        while upkeep.index_some(request.param) and request.param == len(SAID):
            pass
    upkeep.close()

    def search(text: str, **filters: object) -> list[int]:
        found = stores.history.search(Search(text, **filters))  # type: ignore[arg-type]
        return [positions[entry.message_id] for entry in found]

    rows = stores.database.rows("SELECT id FROM messages ORDER BY id")
    positions = {message_id: position for position, (message_id,) in enumerate(rows)}
    return search


def keep(stores: SqlStores, said: list[tuple[str, str, Conversation, Kind]], at_ms: int = AT) -> list[Entry]:
    """Write messages, a second apart, in one transaction."""
    journal = open_journal(stores.address)
    entries, last = list[Entry](), journal.last_message_id()
    for position, (nick, text, conversation, kind) in enumerate(said):
        time_ms = at_ms + 1000 * position
        last = next_message_id(last, time_ms)
        target = conversation if isinstance(conversation, str) else "somebody"
        account = "" if nick == "bob" else nick.strip("[]")
        entries.append(Entry(last, time_ms, conversation, kind, f"{nick}!u@h", None, account, target, text))
    assert journal.begin()
    journal.write(entries)
    journal.commit()
    journal.close()
    return entries


@pytest.mark.parametrize(
    "text, expected",
    [
        ("deploy", [0, 1, 2, 3, 4]),
        ("deploy failed", [0, 2, 3, 4]),
        ("FAILED dEpLoY", [0, 2, 3, 4]),
        ('"deploy failed"', [0, 3, 4]),
        ('"failed again" the', [0]),
        ("deploy!failed", [0, 3, 4]),
        ("creme brulee", [6]),
        ("CRÈME", [6]),
        ("日本", [6]),
        ("three two", [7]),
        ("deplo", []),
        ("nothing", []),
        ("deploy OR friday", []),
        ("deploy NOT failed", []),
        ("friday AND said", []),
        ("body:deploy", []),
        ("deploy*", [0, 1, 2, 3, 4]),
        ("-deploy", [0, 1, 2, 3, 4]),
        ("^deploy", [0, 1, 2, 3, 4]),
        ("NEAR(deploy failed, 1)", []),
        ('deploy "', [0, 1, 2, 3, 4]),
        ('"deploy', [0, 1, 2, 3, 4]),
        ("'; DROP TABLE messages", []),
    ],
)
def test_words(find: Callable[..., list[int]], text: str, expected: list[int]) -> None:
    """A message matches if it has all words, in any case, with or without accents. Only quotes are syntax."""
    assert find(text) == expected


SYMBOLS = ["ship it 🚀", "🎉🎉🎉 done", "I ❤️ tea", "ok👍🏽!", "🇩🇪 wins", "5 € or 5 £", "candle", "cat", "Cäsar", "a…b"]


@pytest.mark.parametrize("indexed", [False, True])
@pytest.mark.parametrize(
    "text, expected",
    [
        ("🚀", ["ship it 🚀"]),
        ('"ship it 🚀"', ["ship it 🚀"]),
        ('"it ship 🚀"', []),
        ("it🚀", ["ship it 🚀"]),
        ("🎉", ["🎉🎉🎉 done"]),
        ("🎉 done", ["🎉🎉🎉 done"]),
        ("❤", ["I ❤️ tea"]),
        ("❤️", ["I ❤️ tea"]),
        ("👍", ["ok👍🏽!"]),
        ("👍🏽", ["ok👍🏽!"]),
        ("👍🏿", []),
        ("🇩🇪", ["🇩🇪 wins"]),
        ("🇪🇩", []),
        ("€", ["5 € or 5 £"]),
        ("🐙", []),
        ("ca*", ["candle", "cat", "Cäsar"]),
        ("CA*", ["candle", "cat", "Cäsar"]),
        ("can* 🚀", []),
        ("ca", []),
        ('"it shi*"', []),
        ('"ship it*"', ["ship it 🚀"]),
        ('"ship*"', ["ship it 🚀"]),
        ("c*a", []),
        ("cä*", ["candle", "cat", "Cäsar"]),
    ],
)
def test_symbols_and_prefixes(stores: SqlStores, text: str, expected: list[str], indexed: bool) -> None:
    """An emoji is found like a word, in any of its forms, and a word may be given by its beginning."""
    keep(stores, [("ada", one, "#ops", Kind.PRIVMSG) for one in SYMBOLS])
    if indexed:
        index_all(stores)
    assert [entry.text for entry in stores.history.search(Search(text))] == expected


@pytest.mark.parametrize("text", ["c*", "tea c*", '"tea c*"'])
def test_a_prefix_that_is_too_short(stores: SqlStores, text: str) -> None:
    """With one ASCII letter a search would read most of the index."""
    with pytest.raises(InvalidValue, match="2 letters"):
        stores.history.search(Search(text))


def test_a_message_with_symbols_leaves_the_index(stores: SqlStores) -> None:
    """What is deleted is taken out of the index with the same text that was put in."""
    kept = keep(stores, [("ada", "🚀 ship", "#ops", Kind.PRIVMSG)])
    index_all(stores)
    with closing(open_upkeep(stores.address)) as upkeep:
        upkeep.remove_some([kept[0].message_id])
    found = stores.database.words().match([[Term("\ue0121f680")]])
    messages = f"SELECT count(*) FROM (SELECT ?1 AS id) AS m {found.join} WHERE {found.condition.replace('?', '?2')}"
    assert stores.database.number(messages, (kept[0].message_id, *found.values)) == 0
    if isinstance(stores, SqliteStores):
        stores.database.execute("INSERT INTO message_words (message_words) VALUES ('integrity-check')")


def index_all(stores: SqlStores) -> None:
    """Index everything that was said."""
    with closing(open_upkeep(stores.address)) as upkeep:
        while upkeep.index_some():
            pass


@pytest.mark.parametrize("text", ["", " ", '"', '""', "***", "( )", "- - -", '"!?" &&', "\ue010", "\0", "…"])
def test_no_word_at_all(find: Callable[..., list[int]], text: str) -> None:
    """A search without a word is refused."""
    with pytest.raises(InvalidValue, match="needs a word"):
        find(text)


def test_too_many_words(find: Callable[..., list[int]]) -> None:
    """A search with more words than the limit is refused."""
    with pytest.raises(InvalidValue, match="32 words"):
        find("tea " * 33)


def test_conversations_to_search(find: Callable[..., list[int]]) -> None:
    """Only the given conversations and the account's direct ones are searched."""
    assert find("deploy", conversations=["#OPS"]) == [0, 1]
    assert find("deploy", conversations=["#ops", "#lobby", "#none"]) == [0, 1, 2]
    assert find("deploy", conversations=[direct(2, 1)]) == [3]
    assert find("deploy", conversations=[], account_id=4) == [4]
    assert find("deploy", conversations=["#lobby"], account_id=1) == [2, 3]
    assert find("deploy", conversations=[]) == []
    assert find("deploy", account_id=9) == []
    assert find("deploy", conversations=[f"#c{count}" for count in range(99)]) == []


def test_many_conversations(stores: SqlStores) -> None:
    """The result is the same with more conversations than a full-text query names."""
    entries = keep(stores, [("ada", f"tea {count}", f"#c{count}", Kind.PRIVMSG) for count in range(40)])
    upkeep = open_upkeep(stores.address)
    while upkeep.index_some():
        pass
    upkeep.close()
    for count in (1, 10, 11, 39):
        found = stores.history.search(Search("tea", [f"#c{number}" for number in range(count)]))
        assert found == entries[:count]


@pytest.mark.parametrize(
    "sender, expected", [("ADA", [0, 2]), ("bob", [1]), ("eve", [3, 4]), ("[eve]", []), ("nobody", []), ("ada!u", [])]
)
def test_by_whom(find: Callable[..., list[int]], sender: str, expected: list[int]) -> None:
    """A sender is a nick or an account, in any case."""
    assert find("deploy", sender=sender) == expected


def test_sender_is_enough(find: Callable[..., list[int]]) -> None:
    """With a sender and no word, all messages of the sender are found."""
    assert find("", sender="eve") == [3, 4, 6]
    assert find("", sender="[EVE]") == [6]
    assert find("", sender="bob", conversations=["#lobby"]) == [7]


def test_when(find: Callable[..., list[int]], stores: SqlStores) -> None:
    """A search has bounds, which are not part of the result, and a limit, which keeps the newest."""
    message_ids = [row[0] for row in stores.database.rows("SELECT id FROM messages ORDER BY id")]
    assert find("deploy", after=AtTime(AT + 1000)) == [2, 3, 4]
    assert find("deploy", before=AtTime(AT + 3000)) == [0, 1, 2]
    assert find("deploy", after=AtTime(AT), before=AtTime(AT + 3000)) == [1, 2]
    assert find("deploy", after=AtMessageId(message_ids[1]), before=AtMessageId(message_ids[4])) == [2, 3]
    assert find("deploy", limit=2) == [3, 4]
    assert find("deploy", before=AtTime(AT + 3000), limit=1) == [2]


@pytest.mark.parametrize("indexed", [False, True])
def test_moments_after_a_clock_was_set_back(stores: SqlStores, indexed: bool) -> None:
    """A message from when the clock was behind is found by its own time."""
    keep(stores, [("ada", "tea now", "#c", Kind.PRIVMSG)])
    behind = keep(stores, [("ada", "tea then", "#c", Kind.PRIVMSG)], AT - 3_600_000)
    upkeep = open_upkeep(stores.address)
    while indexed and upkeep.index_some():
        pass
    upkeep.close()
    assert stores.history.search(Search("tea", before=AtTime(AT - 1000))) == behind
    assert stores.history.search(Search("then", after=AtTime(AT - 1000))) == []


def test_index_words_cannot_be_said(stores: SqlStores) -> None:
    """Made-up index words in a text do not change its sender or conversation, and cannot be searched for."""
    ids = range(1, 4)
    forged = " ".join([*map(conversation_word, ids), sender_word("ada"), "tea"])
    keep(stores, [("eve", forged, "#a", Kind.PRIVMSG), ("eve", "tea", "#b", Kind.PRIVMSG)])
    upkeep = open_upkeep(stores.address)
    while upkeep.index_some():
        pass
    upkeep.close()
    assert [one.conversation for one in stores.history.search(Search("tea", ["#b"]))] == ["#b"]
    assert stores.history.search(Search("tea", sender="ada")) == []
    assert stores.history.search(Search(conversation_word(1))) == []


def test_redacted_message_is_not_found(find: Callable[..., list[int]], stores: SqlStores) -> None:
    """A redacted message is not found, indexed or not."""
    for message_id, body in stores.database.rows("SELECT id, body FROM messages"):
        if "FAILED" in body or body.startswith("failed"):
            stores.history.redact(message_id, Actor("root", "cli"))
    assert [entry.text for entry in stores.history.search(Search("failed"))] == ["deploy failed"] * 2


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100, deadline=None)
@given(
    st.lists(st.text("aAkK\u212aeé\u0301iİß日 -'.1", max_size=8), max_size=6),
    st.text("aAkKeéiIs日 -'\"1", max_size=5),
)
def test_what_is_not_indexed_yet_is_found_alike(stores: SqlStores, said: list[str], asked: str) -> None:
    """A search has the same result before messages are indexed and after."""
    keep(stores, [("ada", text, "#mine", Kind.PRIVMSG) for text in said])
    upkeep = open_upkeep(stores.address)
    question = Search(asked, ["#mine"], limit=10_000)
    try:
        before = stores.history.search(question)
        while upkeep.index_some():
            pass
        assert stores.history.search(question) == before
    except InvalidValue:
        pass
    finally:
        upkeep.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_a_question_or_refused(find: Callable[..., list[int]], text: str) -> None:
    """Any text has a result or is refused with InvalidValue. No text is an error in the full-text query."""
    try:
        text.encode()
        find(text)
        find(text, sender=text, conversations=[text])
    except (InvalidValue, UnicodeEncodeError):
        pass
