"""What the full-text index knows of a message, and how a question becomes one that the index understands.

Beside its text a message is found by words that nobody can say: where it was said, and by whom. With them a search in
one channel, or for one person, is as quick as any other. They begin with letters of Unicode's private use, which the
tokenizer takes for letters; what somebody writes of these is not trusted, the rows themselves decide.
"""

from __future__ import annotations

import re

from chatroom.errors import InvalidValue
from chatroom.irc.names import casefold

_PLACE, _SENDER = "\ue010", "\ue011"
_MOST_WORDS = 32
_PIECES = re.compile(r'"([^"]*)"|([^\s"]+)')
_PLAIN_WORD = re.compile("[a-z0-9]+")
_PRIVATE = re.compile("[\ue000-\ue0ff\0]")


def words_of(conversation_id: int, source: str, account: str, body: str) -> str:
    """All that one message is found by."""
    nick = source.partition("!")[0]
    senders = sender_word(nick)
    if account and casefold(account) != casefold(nick):
        senders += f" {sender_word(account)}"
    return f"{body}\n{place_word(conversation_id)} {senders}"


def place_word(conversation_id: int) -> str:
    """The word that all messages of a conversation have."""
    return f"{_PLACE}{conversation_id}"


def sender_word(name: str) -> str:
    """The word that all messages of a nick or an account have; of letters and digits only, whatever the name has."""
    return _SENDER + casefold(name).encode(errors="replace").hex()


def parse_words(text: str) -> list[str]:
    """What is looked for, as terms of an FTS5 query: words, and phrases that stood in double quotes.

    Nothing in ``text`` is syntax but the quotes. Raises ``InvalidValue`` where it has no letter or digit, or too many
    words.
    """
    terms = []
    for phrase, word in _PIECES.findall(_PRIVATE.sub(" ", text)):
        piece = phrase or word
        if any(char.isalnum() for char in piece):
            terms.append(f'"{piece}"')
    if not terms:
        raise InvalidValue("a search needs a word: there is no letter or digit in it")
    if len(terms) > _MOST_WORDS:
        raise InvalidValue(f"a search may have {_MOST_WORDS} words at most")
    return terms


def plain_words(terms: list[str]) -> list[str]:
    """What stands, in whatever case, in every text of ASCII alone that these terms (``parse_words``) are found in.

    A text of other letters may have them otherwise: with accents, for one. A term of other letters tells nothing.
    """
    return [word for term in terms if term.isascii() for word in _PLAIN_WORD.findall(term.lower())]
