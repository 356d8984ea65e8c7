"""The words that the full-text index has of a message, and the query for the words of a search.

Besides the words of its text, the index has made-up words for a message: one for its conversation and one or two for
its sender. With them a search in one channel, or for one sender, is as quick as any other. They begin with characters
from Unicode's private use area, which FTS5's tokenizer takes for letters. A sender can put the same characters into a
text, so a search checks conversation and sender again in the rows it finds.
"""

from __future__ import annotations

import re

from chatroom.errors import InvalidValue
from chatroom.irc.names import casefold

_CONVERSATION, _SENDER = "\ue010", "\ue011"
_MOST_WORDS = 32
"""The most words and phrases of a search."""
_PIECES = re.compile(r'"([^"]*)"|([^\s"]+)')
_PLAIN_WORD = re.compile("[a-z0-9]+")
# A search must not name a made-up word, and FTS5 ends a query at a NUL.
_PRIVATE = re.compile("[\ue000-\ue0ff\0]")


def words_of(conversation_id: int, source: str, account: str, body: str) -> str:
    """The text to index for a message. The same arguments must always give the same text (``history_index.remove``)."""
    nick = source.partition("!")[0]
    senders = sender_word(nick)
    if account and casefold(account) != casefold(nick):
        senders += f" {sender_word(account)}"
    return f"{body}\n{conversation_word(conversation_id)} {senders}"


def conversation_word(conversation_id: int) -> str:
    """The word that the index has for every message of a conversation."""
    return f"{_CONVERSATION}{conversation_id}"


def sender_word(name: str) -> str:
    """The word that the index has for every message of a nick or an account."""
    # In hexadecimal, because the tokenizer would split a name at its punctuation.
    return _SENDER + casefold(name).encode(errors="replace").hex()


def parse_words(text: str) -> list[str]:
    """The words and the phrases in double quotes of ``text``, as terms of an FTS5 query.

    Nothing else in ``text`` is syntax. Raises ``InvalidValue`` if it has no letter or digit, or too many words.
    """
    terms = []
    for phrase, word in _PIECES.findall(_PRIVATE.sub(" ", text)):
        piece = phrase or word
        if any(char.isalnum() for char in piece):
            # In quotes, so that FTS5 finds no operator in it. A piece holds no quote.
            terms.append(f'"{piece}"')
    if not terms:
        raise InvalidValue("a search needs a word: there is no letter or digit in it")
    if len(terms) > _MOST_WORDS:
        raise InvalidValue(f"a search may have {_MOST_WORDS} words at most")
    return terms


def plain_words(terms: list[str]) -> list[str]:
    """Words that every ASCII text with these terms (``parse_words``) contains, in any case.

    A text with other letters can match without containing them, because the index ignores accents. A term with other
    letters gives no word.
    """
    return [word for term in terms if term.isascii() for word in _PLAIN_WORD.findall(term.lower())]
