from __future__ import annotations

from harness.client_stage import Stage
from harness.full_screen import FullScreen, play

from chatroom.client.chat_events import ChannelRenamed, Denied
from chatroom.client.rendering import render

RENAME = ":bob!b@h RENAME #tea #coffee :we moved on"


def test_a_renamed_channel_is_the_same_place() -> None:
    """Log, draft, topic, members and what is typed stay with it; it is left and joined again by the new name."""

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby", "#tea")
        await screen.press("alt+2")
        await screen.hear(":bob!b@h TOPIC #tea :We drink", ":bob!b@h PRIVMSG #tea :before")
        await screen.type("half a line")
        await screen.hear(RENAME, ":bob!b@h PRIVMSG #coffee :after")
        await screen.see("bob renamed #tea to #coffee: we")
        assert screen.places == ["host", "1 #lobby", "2 #coffee", "+ join"]
        assert screen.rows[0].startswith(" #coffee · We drink")
        assert any("bob before" in row for row in screen.rows) and any("bob after" in row for row in screen.rows)
        assert screen.prompt.rstrip() == "to #coffee › half a line"
        await screen.press("enter")
        assert screen.sent[-1] == "PRIVMSG #coffee :half a line"
        await screen.hear(":carol!c@h JOIN #coffee")
        await screen.until(lambda: any(row.endswith("carol") for row in screen.rows))

    play(scene)


def test_the_new_name_is_remembered() -> None:
    """After a lost connection the channel is joined by its new name, with its key; what is typed goes there."""
    stage = Stage()
    stage.welcome("#lobby", caps="server-time message-tags")
    stage.session.enter("/join #tea secret")
    stage.hear(":alice!a@h JOIN #tea", ":srv 353 alice = #tea :bob alice", ":srv 366 alice #tea :End")
    stage.session.talk.typed("hm")
    (event,) = stage.hear(RENAME)
    assert event == ChannelRenamed("#tea", "#coffee", "bob", "we moved on")
    assert render(event)[0].text == "bob renamed #tea to #coffee: we moved on"
    stage.session.talk.typed("")
    assert not any("#tea" in line for line in stage.link.lines if "TAGMSG" in line and "done" in line)
    assert list(stage.session.navigation.open_places.values()) == ["#lobby"]  # those with a key are left out
    assert stage.session.state.find_channel("#tea") is None
    stage.lose()
    stage.welcome()
    assert "JOIN #coffee secret" in stage.link.lines


def test_a_name_of_a_channel_that_was_left() -> None:
    """The place of a channel that the user was thrown out of gives way; its draft is not lost."""
    stage = Stage()
    stage.welcome("#coffee", "#tea")
    stage.session.enter("/query #coffee")
    stage.hear(":bob!b@h KICK #coffee alice :out")
    stage.session.enter("kept")
    assert stage.session.target == "#coffee"
    stage.hear(RENAME)
    names = [place.name for place in stage.session.places if place.kind == "channel"]
    assert names == ["#coffee"] and stage.session.target == "#coffee"
    assert stage.session.navigation.take_draft() == "kept"
    stage.session.enter("now it is said")
    assert stage.link.lines[-1] == "PRIVMSG #coffee :now it is said"


def test_a_change_of_case_and_a_channel_of_others() -> None:
    """A new case of the name is a new name; a channel that the user is not in is nothing to follow."""
    stage = Stage()
    stage.welcome("#tea")
    assert stage.hear(":bob!b@h RENAME #tea #TEA :") == [ChannelRenamed("#tea", "#TEA", "bob")]
    assert stage.session.target == "#TEA"
    assert stage.hear(":bob!b@h RENAME #other #third :", ":bob!b@h RENAME #TEA") == []
    assert stage.session.target == "#TEA"


def test_renaming() -> None:
    """/rename means the channel in front, unless two channels are named."""
    stage = Stage()
    stage.welcome("#tea")
    for typed, line in [
        ("/rename #coffee", "RENAME #tea #coffee"),
        ("/rename #coffee we move on", "RENAME #tea #coffee :we move on"),
        ("/rename #a #b  why", "RENAME #a #b :why"),
        ("/rename coffee", "RENAME #tea coffee"),  # the server says what is wrong with it
    ]:
        stage.session.enter(typed)
        assert stage.link.lines[-1] == line
    (denied,) = stage.session.enter("/rename")
    assert isinstance(denied, Denied) and denied.text.startswith("/rename: Usage: /rename")
    (failed,) = stage.hear(":srv FAIL RENAME CHANNEL_NAME_IN_USE #tea #coffee :A channel of that name exists already")
    assert isinstance(failed, Denied)
