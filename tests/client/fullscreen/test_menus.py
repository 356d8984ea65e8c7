from __future__ import annotations

from harness.full_screen import CAPS, FullScreen, play

from chatroom.client.link import Closed

ALL_CAPS = f"{CAPS} batch message-tags labeled-response draft/message-redaction"


async def begin(screen: FullScreen) -> None:
    """Put alice into #lobby, where bob has said something; the server is a chatroom, and alice an operator there."""
    await screen.welcome(caps=ALL_CAPS)
    await screen.hear(":srv 004 alice srv chatroom-1 i n")
    await screen.hear(":alice!a@h JOIN #lobby", ":srv 353 alice = #lobby :bob @alice", ":srv 366 alice #lobby :End")
    await screen.hear("@msgid=m1 :bob!b@h PRIVMSG #lobby :who drinks tea?")


def test_a_message_is_answered_and_reacted_to() -> None:
    """Alt-J chooses a message, then what to do with it: a reply names it, and so does a reaction."""

    async def scene(screen: FullScreen) -> None:
        await begin(screen)
        await screen.press("alt+j", "enter", *"reply", "enter")
        await screen.see("Reply to bob:")
        await screen.enter("I do")
        assert "+draft/reply=m1" in screen.sent[-1]
        assert screen.sent[-1].endswith("PRIVMSG #lobby :I do")
        await screen.press("alt+j", *"tea", "enter", *"react", "enter", *"yes", "enter")
        assert "+draft/react=yes" in screen.sent[-1]
        assert screen.sent[-1].endswith("TAGMSG #lobby")
        await screen.hear("@msgid=m2;+draft/reply=m1;+draft/react=yes :alice!a@h TAGMSG #lobby")
        await screen.see("yes alice")

    play(scene)


def test_a_reply_is_not_lost_with_the_connection() -> None:
    """What is typed to the question is a draft of its place, as a line would be."""

    async def scene(screen: FullScreen) -> None:
        await begin(screen)
        await screen.press("alt+j", "enter", *"reply", "enter")
        await screen.see("Reply to bob:")
        await screen.post(Closed("the network failed", was_open=True))
        before = list(screen.sent)
        await screen.enter("I do")
        await screen.see("You are not connected now, so nothing was sent.")
        assert screen.sent == before
        assert screen.prompt.startswith("to #lobby, offline › I do")

    play(scene, columns=120)


def test_a_message_is_deleted_with_a_reason() -> None:
    """An operator deletes a message of another user; Esc at the question deletes nothing."""

    async def scene(screen: FullScreen) -> None:
        await begin(screen)
        before = list(screen.sent)
        await screen.press("alt+j", "enter", *"delete", "enter")
        await screen.see("Delete it. Reason")
        await screen.press("escape")
        assert screen.sent == before
        await screen.press("alt+j", "enter", *"delete", "enter")
        await screen.enter("spam")
        assert screen.sent[-1] == "@label=1 REDACT #lobby m1 :spam"
        await screen.hear(":alice!a@h REDACT #lobby m1 :spam")
        await screen.see("deleted by alice: spam")

    play(scene)


def test_a_message_that_is_deleted_meanwhile_is_left_alone() -> None:
    """Neither an open menu nor a question about it sends anything; the text that was typed is kept."""

    async def scene(screen: FullScreen) -> None:
        for number, action in enumerate(("delete", "reply", "react")):
            if not number:
                await begin(screen)
            await screen.hear(f"@msgid=n{number} :bob!b@h PRIVMSG #lobby :again {number}")
            await screen.press("alt+j", "enter", *action)
            before = list(screen.sent)
            if action != "react":
                await screen.press("enter")
            await screen.hear(f":bob!b@h REDACT #lobby n{number}")
            await screen.enter("oh") if action != "react" else await screen.press("enter")
            await screen.see("That message has been deleted")
            assert screen.sent == before
            if action == "reply":
                assert screen.prompt.startswith("to #lobby › oh")
                await screen.press("ctrl+c")
            await screen.press("ctrl+l")

    play(scene)


def test_a_person_is_muted_for_a_time() -> None:
    """The menu of a person asks for time and reason; what is being typed stays."""

    async def scene(screen: FullScreen) -> None:
        await begin(screen)
        await screen.type("half a line")
        await screen.press("alt+p", *"bob", "enter", *"mute", "enter")
        await screen.see("bob in #lobby. How long?")
        await screen.enter("12h")
        await screen.enter("too loud")
        assert screen.sent[-1].endswith("CBAN #lobby ~m:bob!*@* 12h :too loud")
        assert screen.prompt == "to #lobby › half a line"
        await screen.press("alt+p", *"bob", "enter", *"kick", "enter")
        await screen.enter("")
        assert screen.sent[-1].endswith("KICK #lobby bob")

    play(scene)


def test_the_menu_on_oneself_has_nothing_for_others_only() -> None:
    """The user can be looked up, and neither talked to, ignored nor kicked by the same user."""

    async def scene(screen: FullScreen) -> None:
        await begin(screen)
        await screen.hear(":srv MODE alice +o")
        await screen.press("alt+p", *"alice", "enter")
        await screen.see("Look up")
        for words in ("Speak to", "Talk in private", "Ignore", "Kick", "Mute", "Ban"):
            assert not any(words in row for row in screen.rows)
        await screen.press("enter")
        assert screen.sent[-1].endswith("WHOIS alice")

    play(scene)


def test_a_question_of_a_command_follows_its_user_to_another_nick() -> None:
    """The prompt names the new nick, and what is typed there already stays."""

    async def scene(screen: FullScreen) -> None:
        await begin(screen)
        await screen.hear(":srv MODE alice +o")
        await screen.enter("/kick bob spam")
        await screen.see("disconnect bob from the whole server?")
        await screen.type("r")
        await screen.hear(":bob!b@h NICK bobby")
        await screen.see("bob is bobby now: disconnect bobby from the whole server?")
        assert screen.prompt.rstrip().endswith("r for #lobby only: r")
        await screen.press("enter")
        assert screen.sent[-1].endswith("KICK #lobby bobby :spam")

    play(scene, columns=120)


def test_a_question_that_is_closed_by_itself_sends_nothing_to_the_room() -> None:
    """bob leaves while the answer is typed: the rest of it is not said, nor is the line that waits in the prompt."""

    async def scene(screen: FullScreen) -> None:
        await begin(screen)
        await screen.hear(":srv MODE alice +o")
        await screen.enter("/kick bob spam")
        await screen.see("disconnect bob from the whole server?")
        before = list(screen.sent)
        await screen.type("y")
        await screen.hear(":bob!b@h QUIT :bye")
        await screen.see("/kick bob spam: bob has left, so nothing was done.")
        await screen.see("That question needs no answer any more. Enter goes on:")
        await screen.press("e", "s", "enter")
        assert screen.prompt.startswith("to #lobby ›") and screen.app.chat.composer.editor.text == ""
        assert screen.sent == before

    play(scene, columns=120)


def test_a_menu_follows_its_user_to_another_nick() -> None:
    """Somebody else may have the nick by then; also while the questions are open."""

    async def scene(screen: FullScreen) -> None:
        await begin(screen)
        await screen.press("alt+p", *"bob", "enter")
        await screen.hear(":bob!b@h NICK rob", ":eve!e@h NICK bob")
        await screen.see("rob, before bob")
        await screen.press(*"kick", "enter")
        await screen.see("Kick rob. Reason")
        await screen.hear(":rob!b@h NICK robert")
        await screen.enter("spam")
        assert screen.sent[-1].endswith("KICK #lobby robert :spam")

    play(scene)


def test_a_menu_is_empty_if_its_user_leaves() -> None:
    """Whoever has the nick next is not meant, not even in the same moment."""

    async def scene(screen: FullScreen) -> None:
        await begin(screen)
        gone = (":bob!b@h QUIT :bye", ":bob!other@h JOIN #lobby")
        await screen.press("alt+p", *"bob", "enter")
        await screen.hear(*gone)
        await screen.see("bob has left, so there is nothing to do. Esc closes the menu.")
        assert not any("Talk in private" in row for row in screen.rows)
        await screen.press(*"talk", "enter")  # was under way to the menu, and is for no room
        assert screen.prompt.startswith("to #lobby ›") and "talk" not in screen.prompt
        assert not any("talk" in line for line in screen.sent)
        for action, questions in (("kick", 1), ("mute", 2)):
            await screen.press("alt+p", *"bob", "enter", *action, "enter")
            before = list(screen.sent)
            await screen.hear(*gone)
            for _ in range(questions):
                await screen.enter("1h")
            await screen.see("bob has left meanwhile, so")
            assert screen.sent == before

    play(scene)


def test_a_ban_of_the_server_shows_who_would_be_hit_first() -> None:
    """A moderator sees the server's answer before the questions; without a yes nothing is banned."""

    async def scene(screen: FullScreen) -> None:
        await begin(screen)
        await screen.hear(":srv MODE alice +o")
        await screen.press("alt+p", *"bob", "enter", *"address", "enter")
        assert screen.sent[-1].endswith("UBAN INFO --ip bob")
        await screen.enter("7d")
        await screen.enter("spam")
        await screen.see("Ban the address of bob from the whole server, 7d? [y/N]:")
        await screen.enter("n")
        await screen.see("Nothing was done.")
        await screen.press("alt+p", *"bob", "enter", *"address", "enter")
        for answer in ("7d", "spam", "y"):
            await screen.enter(answer)
        assert screen.sent[-1].endswith("UBAN ADD --ip bob 7d spam") or screen.sent[-1].endswith("bob 7d :spam")

    play(scene)


def test_who_may_not_moderate_is_not_offered_it() -> None:
    """Without the right there is no row for it in the menu of a person."""

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby")
        await screen.press("alt+p", *"bob", "enter")
        await screen.see("Talk in private")
        assert not any("Kick" in row or "Ban" in row for row in screen.rows)
        await screen.press(*"talk", "enter")
        assert screen.prompt.startswith("to bob › ")

    play(scene)
