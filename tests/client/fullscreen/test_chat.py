from __future__ import annotations

from math import inf

import pytest
from harness.full_screen import CAPS, FullScreen, play

from chatroom.client.fullscreen.app import ChatApp
from chatroom.client.link import Closed, Opened


def test_two_channels_and_a_conversation_are_three_places() -> None:
    """What is said goes where it belongs; what is not in front is counted, and a number key goes there."""

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby", "#tea")
        await screen.hear(
            ":bob!b@h PRIVMSG #lobby :hello all",
            ":bob!b@h PRIVMSG #tea :tea time",
            ":bob!b@h PRIVMSG #tea :alice: come",
            ":carol!c@h PRIVMSG alice :psst",
        )
        assert any(row.endswith("bob hello all") or "bob hello all" in row for row in screen.rows)
        assert not any("tea time" in row or "psst" in row for row in screen.rows)
        assert screen.places == ["host", "1 #lobby", "2 #tea 2!", "3 carol 1!", "+ join"]
        assert screen.prompt.startswith("to #lobby › ")
        await screen.press("alt+2")
        await screen.see("tea time")
        assert any("─ new ─" in row for row in screen.rows)
        await screen.press("alt+a")
        await screen.see("psst")
        assert screen.prompt.startswith("to carol › ")
        await screen.enter("hi")
        assert screen.sent[-1].endswith("PRIVMSG carol :hi")

    play(scene)


def test_what_is_typed_belongs_to_its_place() -> None:
    """A half-typed line stays in its place while the user looks at another one."""

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby", "#tea")
        await screen.type("half a")
        await screen.press("ctrl+n")
        assert screen.prompt.startswith("to #tea › ")
        assert "half a" not in screen.prompt
        await screen.type("other")
        await screen.press("ctrl+p")
        assert screen.prompt.rstrip() == "to #lobby › half a"
        await screen.press("ctrl+n")
        assert screen.prompt.rstrip() == "to #tea › other"

    play(scene)


def test_a_kick_changes_neither_place_nor_text() -> None:
    """Who is kicked stays in front of the channel, with the text; nothing is sent elsewhere."""

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby", "#tea")
        await screen.press("alt+2")
        await screen.type("only for tea")
        await screen.hear(":bob!b@h KICK #tea alice :out")
        await screen.see("#tea: you are not in it › only for tea")
        before = list(screen.sent)
        await screen.press("enter")
        await screen.see("You are not in #tea, so nothing")
        assert screen.prompt.endswith("only for tea")
        assert screen.sent == before

    play(scene)


@pytest.mark.parametrize("why", ["You were kicked by an admin: spam", "You are banned: spam (permanently)"])
def test_who_is_thrown_out_reads_why_and_leaves_later(why: str) -> None:
    """The log and what is typed stay on the screen; nothing connects by itself, and the exit code says it."""

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby")
        await screen.hear(":bob!b@h PRIVMSG #lobby :goodbye")
        await screen.type("half a line")
        await screen.hear(f":srv ERROR :Closing Link: 127.0.0.1 ({why})")
        await screen.post(Closed("gone", was_open=True))
        await screen.see(why)
        await screen.see("/reconnect tries again, /quit")
        await screen.see("bob goodbye")
        assert screen.prompt.startswith("to #lobby, offline › half a line")
        assert len(screen.links) == 1
        await screen.press("ctrl+c")
        await screen.enter("/reconnect")
        assert len(screen.links) == 2
        await screen.welcome("#lobby")
        assert screen.prompt.startswith("to #lobby › ")
        await screen.hear(f":srv ERROR :Closing Link: 127.0.0.1 ({why})")
        await screen.post(Closed("gone", was_open=True))
        await screen.enter("/quit")
        assert screen.app.return_value == 1
        assert screen.app.over is not None
        assert screen.app.over.text == why

    play(scene, columns=120)


def test_a_small_terminal_shows_less() -> None:
    """Below 80 columns there are no names, below 60 the places are one row, below 12 rows there is no topic."""

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby", "#tea")
        await screen.hear(":bob!b@h TOPIC #lobby :We drink tea", ":bob!b@h PRIVMSG #tea :hi")
        await screen.see("#lobby · We drink tea")
        await screen.until(lambda: screen.rows[1].endswith("@bob"))
        await screen.pilot.resize_terminal(79, 24)
        await screen.settle()
        await screen.until(lambda: not any(row.endswith("@bob") for row in screen.rows))
        await screen.pilot.resize_terminal(59, 11)
        await screen.settle()
        await screen.until(lambda: "We drink tea" not in screen.rows[0])
        await screen.until(lambda: screen.rows[-3] == " 1 #lobby 2+")
        await screen.pilot.resize_terminal(120, 40)
        await screen.settle()
        await screen.until(lambda: screen.rows[1].endswith("@bob"))
        await screen.press("alt+n")
        await screen.until(lambda: not any(row.endswith("@bob") for row in screen.rows))

    play(scene)


def test_scrolling_stays_and_counts() -> None:
    """Who reads old messages keeps them in sight; what comes in meanwhile is unread until Esc."""

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby")
        await screen.hear(*(f":bob!b@h PRIVMSG #lobby :line {number}" for number in range(100)))
        await screen.press("pageup")
        shown = [row[14:] for row in screen.rows if "line" in row]
        await screen.hear(":bob!b@h PRIVMSG #lobby :news", ":bob!b@h PRIVMSG #lobby :alice: news")
        assert [row[14:] for row in screen.rows if "line" in row] == shown
        assert "1 #lobby 2!" in screen.places
        assert any("older messages" in row for row in screen.rows)
        await screen.press("escape")
        await screen.see("alice: news")
        assert any("─ new ─" in row for row in screen.rows)
        assert "1 #lobby 2!" not in screen.places

    play(scene)


def test_no_message_writes_an_escape_or_rings() -> None:
    """Escapes in nicks, topics, reasons and messages are not on the screen, and every row has its width."""

    async def scene(screen: FullScreen) -> None:
        evil = "\x02\x0304,04a\x1b[2Jb\x07c\x9b31md\u202ee\x0f" + "\u0301" * 30 + "\U0001f468\u200d\U0001f469" * 9
        await screen.welcome("#lobby")
        await screen.hear(
            f":{evil}!b@h JOIN #lobby",
            f":{evil}!b@h PRIVMSG #lobby :{evil}",
            f":bob!b@h TOPIC #lobby :{evil}",
            f":bob!b@h PART #lobby :{evil}",
            f":{evil}!b@h PRIVMSG alice :{evil}",
        )
        await screen.paste(evil)
        await screen.settle()
        strips = screen.app.screen._compositor.render_strips(screen.app.size)
        assert all(strip.cell_length == 80 for strip in strips)
        text = "".join(strip.text for strip in strips)
        assert text.isprintable()

    play(scene)


def test_a_nick_is_asked_for() -> None:
    """Without a nick the user is asked; Enter takes the login name."""

    async def scene(screen: FullScreen) -> None:
        assert screen.prompt.startswith("Nickname [guest]:")
        await screen.press("enter")
        await screen.welcome("#lobby")
        assert screen.sent[:2] == ["CAP LS 302", "NICK guest"]

    play(scene, nick="")


def test_a_long_paste_is_asked_about() -> None:
    """More than five lines are sent after a question; the answer edit keeps them."""

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby")
        text = "\n".join(f"line {number}" for number in range(7))
        await screen.paste(text)
        await screen.press("enter")
        await screen.see("7 lines to #lobby? (s)end, (e)dit, (c)ancel:")
        await screen.enter("e")
        assert screen.app.chat.composer.editor.text == text
        await screen.press("enter")
        await screen.enter("s")
        assert screen.sent[-1] == "PRIVMSG #lobby :line 0"
        assert screen.app.chat.composer.editor.text == ""

    play(scene)


def test_lists_are_chosen_from() -> None:
    """Ctrl-K goes to a place by a part of its name, F2 finds a command, Ctrl-R what was typed."""

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby", "#tea")
        await screen.enter("/nosuch thing")
        await screen.press("ctrl+k", "t", "e", "enter")
        assert screen.prompt.startswith("to #tea › ")
        await screen.press("f2", *"stop reading")
        await screen.see("/ignore [NAME]")
        await screen.press("enter")
        assert screen.prompt.rstrip().endswith("/ignore")
        await screen.press("ctrl+u", "ctrl+r", *"such")
        await screen.see("/nosuch thing")
        await screen.press("enter")
        assert screen.prompt.endswith("/nosuch thing")
        await screen.press("ctrl+u", "f1")
        await screen.see("show the keys")
        await screen.press("escape")
        await screen.press("up")
        assert screen.prompt.endswith("/nosuch thing")

    play(scene)


def test_buffer_goes_to_a_place() -> None:
    """/buffer takes a number of the list, or a name."""

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby", "#tea")
        await screen.enter("/buffer 2")
        assert screen.prompt.startswith("to #tea › ")
        await screen.enter("/b #lobby")
        assert screen.prompt.startswith("to #lobby › ")
        await screen.enter("/buffer 9")
        await screen.see("There is no place 9.")

    play(scene)


def test_tab_completes_who_spoke() -> None:
    """Tab completes the nick that spoke last, again the next, and shows all once."""

    async def scene(screen: FullScreen) -> None:
        await screen.welcome()
        await screen.join("#lobby", "bea")
        await screen.hear(":bea!b@h PRIVMSG #lobby :me last")
        await screen.press("b", "tab")
        assert screen.prompt.endswith("› bea:")
        assert any("── bea  bob ──" in row for row in screen.rows)
        await screen.press("tab")
        assert screen.prompt.endswith("› bob:")

    play(scene)


def test_two_servers_are_in_one_list() -> None:
    """/connect adds a server; what is typed is for that of the place in front, and /disconnect closes its places."""

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby")
        await screen.enter("/connect other")
        assert screen.places == ["host", "1 #lobby", "other ×", "+ join"]
        await screen.post(Opened(), server="other")
        await screen.hear(
            f":srv CAP * LS :{CAPS}",
            f":srv CAP * ACK :{CAPS}",
            ":srv 001 alice :Hi",
            ":srv 422 alice :No",
            ":alice!a@h JOIN #lobby",
            server="other",
        )
        assert screen.places == ["host", "1 #lobby", "other", "2 #lobby", "+ join"]
        await screen.press("alt+2")
        await screen.enter("hello there")
        assert "PRIVMSG #lobby :hello there" in screen.links[1].sent
        await screen.press("alt+1")
        await screen.enter("hello here")
        assert "PRIVMSG #lobby :hello here" in screen.links[0].sent
        await screen.press("alt+2")
        await screen.enter("/disconnect")
        await screen.post(Closed("bye", was_open=True), server="other")
        assert screen.places == ["host", "1 #lobby", "+ join"]
        await screen.press("escape")
        assert screen.prompt.startswith("to #lobby › ")

    play(scene)


def test_with_an_invite_a_password_is_chosen() -> None:
    """Who comes with an invite types a new password twice; if the two differ, again."""

    async def scene(screen: FullScreen) -> None:
        for answer in ("secret one", "other", "secret one", "secret one"):
            await screen.until(lambda: "password" in screen.prompt)
            await screen.enter(answer)
            assert not any("secret" in row or "other" in row for row in screen.rows)
        await screen.until(lambda: bool(screen.links))
        assert screen.options.password == "secret one"

    play(scene, invite="1-abc")


def test_formatting_is_typed_and_shown() -> None:
    """Alt-C and a letter type a code, which the composer shows as a letter; messages are shown without codes."""

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby")
        await screen.press("alt+c")
        await screen.see("b bold · i italic")
        await screen.press("b", *"loud", "alt+c", "o", *" or ", "alt+c", "c")
        await screen.see("04 red")
        await screen.press(*"04red", "alt+c", "x")
        assert screen.prompt.rstrip() == "to #lobby › BloudO or C04red"
        styles = [part.style for part in screen.app.chat.composer.render_line(0) if part.text == "loud"]
        assert [style.bold for style in styles if style is not None] == [True]
        await screen.press("enter")
        assert screen.sent[-1] == "PRIVMSG #lobby :\x02loud\x0f or \x0304red"
        await screen.hear(":bob!b@h PRIVMSG #lobby :\x02loud\x0f or \x1dslanted")
        await screen.see("bob loud or slanted")

    play(scene)


def test_the_lists_are_whole_after_bare_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """After Alt-L twice, places and names are painted for the width that they have, without waiting for a tick."""
    monkeypatch.setattr(ChatApp, "_tick", lambda self: inf)

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby", "#tea-and-cakes")
        before, names = screen.places, screen.rows[1]
        assert "2 #tea-and…" in before and names.endswith("@bob")
        await screen.press("alt+l")
        await screen.until(lambda: not any("#tea" in row for row in screen.rows))
        await screen.press("alt+l")
        await screen.until(lambda: screen.places == before and screen.rows[1] == names)

    play(scene)
