from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.client.fullscreen.line_editor import LineEditor

Key = Callable[[LineEditor], object]


def edit(shown: str, *keys: Key) -> str:
    """Press keys in a text whose cursor is at the bar, and return the text in the same way."""
    editor = LineEditor()
    editor.set(shown.replace("|", ""), shown.index("|"))
    for key in keys:
        key(editor)
    return editor.text[: editor.cursor] + "|" + editor.text[editor.cursor :]


@pytest.mark.parametrize(
    "before,key,after",
    [
        ("one two|", LineEditor.backspace, "one tw|"),
        ("one |two", LineEditor.delete, "one |wo"),
        ("one two|", LineEditor.word_left, "one |two"),
        ("|one two", LineEditor.word_right, "one| two"),
        ("on|e\ntwo", LineEditor.home, "|one\ntwo"),
        ("on|e\ntwo", LineEditor.end, "one|\ntwo"),
        ("one|\ntwo", LineEditor.down, "one\ntwo|"),
        ("one\nt|wo", LineEditor.up, "o|ne\ntwo"),
        ("one t|wo\nx", LineEditor.kill_to_end, "one t|\nx"),
        ("one|\nx", LineEditor.kill_to_end, "one|x"),
        ("a\none t|wo", LineEditor.kill_to_start, "a\n|wo"),
        ("see /a/b-c |d", LineEditor.kill_blank_word, "see |d"),
        ("see /a/b-c|", LineEditor.kill_word_before, "see /a/b-|"),
        ("|see it", LineEditor.kill_word_after, "| it"),
        ("ab|", LineEditor.transpose, "ba|"),
        ("a|bc", LineEditor.transpose, "ba|c"),
        ("|ab", LineEditor.transpose, "|ab"),
        ("e\u0301|", LineEditor.backspace, "|"),
        ("|", LineEditor.kill_blank_word, "|"),
    ],
)
def test_each_key_does_what_it_does_in_a_shell(before: str, key: Key, after: str) -> None:
    """The cursor and the text are where readline has them."""
    assert edit(before, key) == after


def test_killed_words_are_yanked_together() -> None:
    """Several kills in a row are one text; the text before it comes with the next key."""
    kill, yank, older = LineEditor.kill_blank_word, LineEditor.yank, LineEditor.yank_older
    assert edit("one two three|", kill, kill, yank) == "one two three|"
    assert edit("one two three|", kill, LineEditor.home, LineEditor.kill_word_after, yank, older) == "three| two "
    assert edit("one|", older) == "one|"


def test_changes_are_undone_a_word_at_a_time() -> None:
    """Typed letters are one change up to the next blank."""
    editor = LineEditor()
    for char in "one two":
        editor.insert(char)
    editor.undo()
    assert editor.text == "one"
    editor.undo()
    assert editor.text == ""
    editor.undo()


def test_a_sent_text_is_gone() -> None:
    """What was sent cannot come back by undo."""
    editor = LineEditor()
    editor.insert("a secret")
    assert editor.clear() == "a secret"
    editor.undo()
    assert editor.text == ""


KEYS = [
    value
    for name, value in vars(LineEditor).items()
    if callable(value) and not name.startswith("_") and name not in ("set", "insert")
]


@given(st.text("ab \n\u0301", max_size=20), st.lists(st.sampled_from(KEYS), max_size=20))
def test_no_key_leaves_the_text(text: str, keys: list[Key]) -> None:
    """Whatever keys are pressed, the cursor is in the text."""
    editor = LineEditor()
    editor.insert(text)
    for key in keys:
        key(editor)
        assert 0 <= editor.cursor <= len(editor.text)
