"""What the pages name is there: files, headings, commands, options, settings."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from harness.doc_calls import OURS, find_words, split_calls
from harness.doc_pages import CHECKOUT, PAGES, Block, name_of, read_anchors, read_blocks, read_code, read_links

import chatroom.commands  # noqa: F401  # enters every verb into the table
from chatroom.client.actions import Context, Line, Print
from chatroom.client.chat_state import State
from chatroom.client.settings.client_file import load as load_client
from chatroom.client.slash_commands import find_command, interpret
from chatroom.commands.command_table import COMMANDS
from chatroom.config import load as load_server
from chatroom.irc.message import parse

LANGUAGES = {
    "sh": "typed into a shell: tests/docs/test_commands.py runs it",
    "chat": "typed in the terminal client: tests/docs/test_chat_lines.py types it; behind two blanks is what it does",
    "console": "a dialogue with a terminal: tests/e2e/test_tutorial.py follows it",
    "toml": "a part of chatroom.toml, or of the file that is named behind it",
    "json": "a document",
    "yaml": "a document",
    "python": "a program, or a part of one",
    "nginx": "a part of the configuration of another program, with which tests/docs/test_proxies.py runs it",
    "haproxy": "the same",
    "stunnel": "the same",
    "weechat": "typed into WeeChat: tests/docs/test_clients_page.py types it",
    "irssi": "the same, for irssi",
    "logrotate": "a file of logrotate, which no test reads",
    "mermaid": "a picture",
    "text": "what is shown, or a link: nothing to run",
}
"""What a block of code can be, and what tries it."""
BLOCKS = [block for page in PAGES for block in read_blocks(page)]
CODE = [(where, code) for page in PAGES for where, code in read_code(page)]


def of_language(language: str) -> list[Block]:
    """Return the blocks of one language."""
    return [block for block in BLOCKS if block.language == language]


def test_every_block_says_what_it_is() -> None:
    """A block without a language, such as one that is only indented, would be tried by no test."""
    assert len(BLOCKS) > 60
    assert [block.where for block in BLOCKS if block.language not in LANGUAGES] == []


def test_every_link_leads_somewhere() -> None:
    """Links are to files of the checkout and to headings in them, or to addresses that begin with https."""
    dead = []
    for page in PAGES:
        for link in read_links(page):
            file, _, anchor = link.partition("#")
            target = (page.parent / file).resolve() if file else page
            if "://" in link:
                is_there = link.startswith("https://")
            else:
                is_there = target.is_file() and (not anchor or anchor in read_anchors(target))
            if not is_there:
                dead.append(f"{name_of(page)}: {link}")
    assert dead == []


def test_every_page_is_linked() -> None:
    """A reader comes from the README to each page of docs/, with one click."""
    linked = {(CHECKOUT / link.partition("#")[0]).resolve() for link in read_links(CHECKOUT / "README.md")}
    assert [name_of(page) for page in PAGES if page.parent.name == "docs" and page not in linked] == []


def test_anchors_are_those_of_forges(tmp_path: Path) -> None:
    """Code and punctuation in a heading, and headings that are there twice."""
    page = tmp_path / "page.md"
    page.write_text("# A `code.py`, (and) more_of it\n\n## Twice\n\n## Twice\n\n    # no heading\n")
    assert read_anchors(page) == {"a-codepy-and-more_of-it", "twice", "twice-1"}


def calls_in_sentences() -> Iterator[tuple[str, list[str]]]:
    """Yield the calls of our programs between backquotes, each with its place."""
    for where, code in CODE:
        if re.match(r"(sudo -u chatroom )?(chatroomctl|chatroom) [^.]", code):
            yield from ((where, words) for words in split_calls(code.replace("…", "")) if words[0] in OURS)


def test_the_commands_and_options_in_sentences_are_there() -> None:
    """``chatroomctl ban import --comments`` in a sentence names a command and an option of it."""
    calls = list(calls_in_sentences())
    assert len(calls) > 80
    for where, words in calls:
        try:
            find_words(words)
        except LookupError as error:
            pytest.fail(f"{where}: {error}")


@pytest.mark.parametrize("words", ["ban add mallory --fro 7d", "bann add mallory", "db backup --gzip x", "--colour"])
def test_an_unknown_option_would_be_found(words: str) -> None:
    """So that the test above can fail."""
    with pytest.raises(LookupError):
        find_words(["chatroomctl", *words.split()])


def test_the_slash_commands_in_sentences_are_there() -> None:
    """``/ban --ip mallory`` is a command of the terminal client; a path begins with a slash, too."""
    typed = [(where, code.split()[0]) for where, code in CODE if re.match(r"/[a-z-]+( |$)", code)]
    named = [(where, word) for where, word in typed if not (Path(word).exists() or where.startswith("bench/"))]
    assert len(named) > 60
    assert [(where, word) for where, word in named if find_command(word[1:]) is None] == []


def test_what_is_typed_in_the_chat_is_understood() -> None:
    """The client makes something of each line; a verb behind ``/quote`` is there and has its parameters."""
    state = State()
    state.reset("alice", set())
    state.feed(parse(":srv 004 alice srv chatroom-0.1.0 iow bkl"))
    state.feed(parse(":alice!a@h JOIN #lobby"))
    lines = [line for block in of_language("chat") for line in block.text.splitlines() if line.strip()]
    assert len(lines) > 10
    for line in lines:
        typed = re.split(r"  +", line.strip())[0]
        for action in interpret(typed, Context(state, "#lobby")):
            assert not (isinstance(action, Print) and action.wrong), typed
            if isinstance(action, Line):
                message = parse(action.line)
                verb = COMMANDS[message.verb]
                assert len(message.params) >= verb.arity, typed


@pytest.mark.parametrize("block", of_language("toml"), ids=lambda block: block.where)
def test_configurations_are_read(block: Block, tmp_path: Path) -> None:
    """The program that the block is for takes it as its whole configuration file."""
    path = tmp_path / (block.name or "chatroom.toml")
    path.write_text(block.text)
    if path.name == "client.toml":
        assert load_client(path).sources
    else:
        assert path.name == "chatroom.toml"
        assert load_server(path, {}) != load_server(None, {})


def test_documents_are_read() -> None:
    """JSON and YAML are whole documents."""
    for block in of_language("json"):
        assert isinstance(json.loads(block.text), dict), block.where
    for block in of_language("yaml"):
        assert isinstance(yaml.safe_load(block.text), dict), block.where
    for block in of_language("python"):
        compile(block.text, block.where, "exec")


def test_settings_in_sentences_are_there() -> None:
    """`limits.burst_lines` in a sentence is a setting of the server or of the client."""
    from chatroom.client.settings.client_sections import SCHEMA as OF_CLIENT
    from chatroom.config.settings import SCHEMA as OF_SERVER

    sections = {*OF_CLIENT.sections, *OF_SERVER.sections}
    found = 0
    unknown = []
    for where, code in CODE:
        match = re.fullmatch(r"([a-z]+)\.([a-z0-9_]+)( = .*)?", code)
        if match is None or match[1] not in sections or match[2] in ("py", "jsonl"):
            continue
        found += 1
        path = f"{match[1]}.{match[2]}"
        if not any(schema.find_key(path) for schema in (OF_CLIENT, OF_SERVER)):
            unknown.append(f"{where}: {path}")
        elif match[3]:
            tomllib.loads(f"key{match[3]}")
    assert found > 60
    assert unknown == []
