"""The words that the full-text index has of a message, and the query for the words of a search.

Besides the words of its text, the index has made-up words for a message: one for its conversation and one or two for
its sender. With them a search in one channel, or for one sender, is as quick as any other. They begin with characters
from Unicode's private use area, which the tokenizer takes for letters. A sender can put the same characters into a
text, so a search checks conversation and sender again in the rows it finds.

The tokenizer takes an emoji for a space between words. So each stands as a made-up word in its place in the text, and
in the same way in a search.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from chatroom.errors import InvalidValue
from chatroom.irc.names import casefold

_CONVERSATION, _SENDER, _SYMBOL = "\ue010", "\ue011", "\ue012"
_MOST_WORDS = 32
"""The most words and phrases of a search."""
_PIECES = re.compile(r'"([^"]*)"|([^\s"]+)')
# A character that could be a symbol. What follows it only chooses between a coloured and a black picture of it.
_PERHAPS_SYMBOL = re.compile("([^\\w\\s\0-\x7f])[\ufe0e\ufe0f]*")
_SHORTEST_PREFIX = 2
"""How many letters a prefix of ASCII letters needs. With a single one, a search would read most of the index."""
_PLAIN_WORD = re.compile("[a-z0-9]+")
# A search must not name a made-up word, and an FTS5 query ends at a NUL.
_PRIVATE = re.compile("[\ue000-\ue0ff\0]")


def words_of(conversation_id: int, source: str, account: str, body: str) -> str:
    """The text to index for a message. The same arguments must always give the same text (``history_index.remove``)."""
    nick = source.partition("!")[0]
    senders = sender_word(nick)
    if account and casefold(account) != casefold(nick):
        senders += f" {sender_word(account)}"
    return f"{_with_symbols(body)}\n{conversation_word(conversation_id)} {senders}"


def conversation_word(conversation_id: int) -> str:
    """The word that the index has for every message of a conversation."""
    return f"{_CONVERSATION}{conversation_id}"


def sender_word(name: str) -> str:
    """The word that the index has for every message of a nick or an account."""
    # In hexadecimal, because the tokenizer would split a name at its punctuation.
    return _SENDER + casefold(name).encode(errors="replace").hex()


class Term(NamedTuple):
    """A word, or a phrase of several: what the tokenizer of the index makes of ``text``, next to each other."""

    text: str
    is_prefix: bool = False
    """True if the last word only has to begin like this."""


def parse_words(text: str) -> list[Term]:
    """The words and the phrases in double quotes of ``text``.

    A word that ends in ``*`` is a prefix. Nothing else in ``text`` is syntax. Raises ``InvalidValue`` if it has no
    letter, digit or symbol, if a prefix is too short, or if there are too many words.
    """
    terms = []
    for phrase, word in _PIECES.findall(_PRIVATE.sub(" ", text)):
        piece = _with_symbols(phrase or word)
        if any(char.isalnum() or char == _SYMBOL for char in piece):
            terms.append(Term(piece, _is_prefix(piece)))
    if not terms:
        raise InvalidValue("a search needs a word: there is no letter, digit or emoji in it")
    if len(terms) > _MOST_WORDS:
        raise InvalidValue(f"a search may have {_MOST_WORDS} words at most")
    return terms


def _is_prefix(piece: str) -> bool:
    if not piece.endswith("*"):
        return False
    last = re.split(r"\W", piece.rstrip("*"))[-1]
    if last.isascii() and 0 < len(last) < _SHORTEST_PREFIX:
        raise InvalidValue(f"a prefix needs {_SHORTEST_PREFIX} letters at least, such as ca*")
    return bool(last)


def _with_symbols(text: str) -> str:
    """``text`` with a made-up word for each emoji or other symbol that is not ASCII."""
    return text if text.isascii() else _PERHAPS_SYMBOL.sub(_symbol_word, text)


def _symbol_word(match: re.Match[str]) -> str:
    return f" {_SYMBOL}{ord(match[1]):x} " if _is_symbol(match[1]) else match[0]


@lru_cache(maxsize=4096)
def _is_symbol(char: str) -> bool:
    return unicodedata.category(char).startswith("S")


def plain_words(terms: Iterable[Term]) -> list[str]:
    """Words that every ASCII text with these terms (``parse_words``) contains, in any case.

    A text with other letters can match without containing them, because the index ignores accents. A term with other
    letters gives no word.
    """
    return [word for term in terms if term.text.isascii() for word in _PLAIN_WORD.findall(term.text.lower())]
