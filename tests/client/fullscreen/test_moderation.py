"""What moderators see on the full screen: lists that fill, and what can be done with a row."""

from __future__ import annotations

from harness.full_screen import CAPS, FullScreen, play

OURS = ":srv 004 alice srv chatroom-1 i n"


async def begin(screen: FullScreen, *, rank: str = "@", ours: bool = True, oper: bool = False) -> None:
    """Put alice into #tea, on a chatroom or elsewhere."""
    await screen.welcome(caps=CAPS)
    await screen.hear(
        *([OURS] if ours else []),
        ":srv 005 alice CHANMODES=beI,k,l,imnRst :are supported",
        *([":srv MODE alice +o"] if oper else []),
        ":alice!a@h JOIN #tea",
        f":srv 353 alice = #tea :{rank}alice bob",
        ":srv 366 alice #tea :End",
    )


def test_a_ban_of_a_channel_is_lifted_after_a_question() -> None:
    """The list fills while the server answers; Esc at the question lifts nothing, and the list is back after a yes."""

    async def scene(screen: FullScreen) -> None:
        await begin(screen)
        await screen.choose("alt+g", "bans of")
        assert screen.sent[-1] == "CBAN #tea"
        await screen.see("Add …")
        await screen.hear(
            ":srv NOTE CBAN ENTRY #tea :~m:bob!*@* is banned by ada!a@h since 2030 until 2031: loud",
            ":srv NOTE CBAN ENTRY #tea :eve!*@* is banned by ada!a@h since 2030 without an end",
        )
        await screen.see("~m:bob!*@* (muted)  banned by ada!a@h since 2030 until 2031: loud")
        await screen.hear(":srv NOTE CBAN END #tea :2 bans")
        await screen.press(*"eve", "enter")
        await screen.see("Copy")
        await screen.press(*"take", "enter")
        await screen.see("Take eve!*@* off the list? [y/N]:")
        await screen.press("escape")
        assert screen.sent[-1] == "CBAN #tea"
        await screen.choose("alt+g", "bans of")
        await screen.hear(
            ":srv NOTE CBAN ENTRY #tea :eve!*@* is banned by ada!a@h since 2030 without an end",
            ":srv NOTE CBAN END #tea :1 ban",
        )
        await screen.press(*"eve", "enter", *"take", "enter")
        await screen.enter("y")
        assert screen.sent[-2:] == ["MODE #tea -b eve!*@*", "CBAN #tea"]
        await screen.see("Bans of #tea ›")

    play(scene)


def test_a_ban_is_added_with_time_and_reason() -> None:
    """What is no time is asked again; an empty name adds nothing."""

    async def scene(screen: FullScreen) -> None:
        await begin(screen)
        await screen.choose("alt+g", "bans of", "add")
        await screen.see("Whom?")
        await screen.enter("*!*@evil")
        await screen.enter("soon")
        await screen.see("soon is no time.")
        await screen.enter("12h")
        await screen.enter("spam")
        assert screen.sent[-2:] == ["CBAN #tea *!*@evil 12h :spam", "CBAN #tea"]
        await screen.press(*"add", "enter")
        before = list(screen.sent)
        await screen.enter("")
        assert screen.sent == [*before, "CBAN #tea"]

    play(scene)


def test_exceptions_are_lists_too_and_where_there_is_no_time_none_is_asked() -> None:
    """Elsewhere the lists of MODE are read, and a ban has no time; there is no mute, and no audit."""

    async def scene(screen: FullScreen) -> None:
        await begin(screen, ours=False)
        await screen.choose("alt+g", "bans of")
        assert screen.sent[-1] == "MODE #tea b"
        await screen.hear(":srv 367 alice #tea *!*@evil bob!b@h 1900000000", ":srv 368 alice #tea :End")
        await screen.see("*!*@evil  by bob since 2030-03-1")
        await screen.press(*"add", "enter")
        await screen.enter("eve")
        await screen.see("Ban eve from #tea? [y/N]:")
        await screen.enter("y")
        assert "MODE #tea +b eve!*@*" in screen.sent
        await screen.hear(":srv 368 alice #tea :End")
        await screen.press("escape")
        await screen.choose("alt+g", "standing")
        assert screen.sent[-1] == "MODE #tea I"
        await screen.hear(":srv 482 alice #tea :You're not an operator")
        await screen.see("You're not an operator.")
        await screen.press("escape")
        await screen.choose("alt+g", "exceptions", "add")
        await screen.enter("mo")
        assert "MODE #tea +e mo" in screen.sent
        await screen.press("escape", "alt+g")
        assert not any("of the server" in row for row in screen.rows)
        await screen.press("escape", "alt+p", *"bob", "enter")
        await screen.see("Ban from #tea")
        assert not any("Mute" in row for row in screen.rows)

    play(scene)


def test_who_may_not_change_a_list_reads_it() -> None:
    """Without a right there is nothing to add or to lift, and no lockdown."""

    async def scene(screen: FullScreen) -> None:
        await begin(screen, rank="")
        await screen.press("alt+g")
        assert not any("Lockdown" in row for row in screen.rows)
        await screen.press(*"bans of", "enter")
        await screen.see("Asking the server …")
        await screen.hear(
            ":srv NOTE CBAN ENTRY #tea :eve!*@* is banned by ada since 2030 without an end",
            ":srv NOTE CBAN END #tea :1 ban",
        )
        await screen.press("enter")
        await screen.see("Copy")
        assert not any("Take" in row or "Lift" in row for row in screen.rows)
        await screen.press("escape", "alt+0", "alt+g")
        await screen.see("There is nothing to moderate.")

    play(scene)


def test_a_channel_is_locked_down_in_one_row() -> None:
    """The rows say what is on; one row sets all that the server has, another ends it."""

    async def scene(screen: FullScreen) -> None:
        await begin(screen)
        await screen.choose("alt+g", "lockdown")
        assert screen.sent[-1] == "MODE #tea"
        await screen.hear(":srv 324 alice #tea +int")
        await screen.see("Only who is invited comes in  on: Enter ends it")
        await screen.press(*"all of", "enter")
        assert screen.sent[-2:] == ["MODE #tea +mR", "MODE #tea"]
        await screen.hear(":srv 324 alice #tea +imnRt")
        await screen.press(*"nothing", "enter")
        assert screen.sent[-2:] == ["MODE #tea -miR", "MODE #tea"]
        await screen.hear(":srv 324 alice #tea +nt")
        await screen.press(*"voiced", "enter")
        assert screen.sent[-2:] == ["MODE #tea +m", "MODE #tea"]

    play(scene)


def test_the_server_is_locked_down_for_a_time() -> None:
    """The state that is set is marked, with the server's words; the end is asked for."""

    async def scene(screen: FullScreen) -> None:
        await begin(screen, rank="", oper=True)
        await screen.choose("alt+g", "lockdown of the server")
        assert screen.sent[-1] == "LOCKDOWN"
        await screen.hear(":srv NOTE LOCKDOWN LOCKDOWN on :Lockdown on: closed")
        await screen.see("(now: Lockdown on: closed)")
        await screen.press(*"guests", "enter")
        await screen.enter("1h")
        assert screen.sent[-1] == "LOCKDOWN accounts-only 1h"
        await screen.choose("alt+g", "lockdown of the server")
        await screen.hear(":srv NOTE LOCKDOWN LOCKDOWN on :Lockdown on: closed")
        await screen.press(*"let", "enter")
        assert screen.sent[-1] == "LOCKDOWN off"

    play(scene)


def test_bans_of_the_server_are_lifted_and_added() -> None:
    """A ban that is added has its preview first."""

    async def scene(screen: FullScreen) -> None:
        await begin(screen, oper=True)
        await screen.choose("alt+g", "bans of the server")
        assert screen.sent[-1] == "UBAN LIST"
        await screen.hear(
            ":srv NOTE UBAN ENTRY mallory :7: mallory is banned: spam (permanently), by ada since 2030",
            ":srv NOTE UBAN END * :1 ban in force",
        )
        await screen.press(*"mall", "enter", *"lift", "enter")
        await screen.enter("y")
        assert screen.sent[-2:] == ["UBAN DEL mallory", "UBAN LIST"]
        await screen.press(*"add", "enter")
        await screen.enter("10.0.0.0/8")
        assert screen.sent[-1] == "UBAN INFO 10.0.0.0/8"
        for answer in ("", "", "y"):
            await screen.enter(answer)
        assert screen.sent[-2:] == ["UBAN ADD 10.0.0.0/8", "UBAN LIST"]
        await screen.press("escape", "alt+p", *"bob", "enter", *"both name", "enter")
        await screen.press("escape", "alt+p", *"bob", "enter", *"name and", "enter")
        assert screen.sent[-2:] == ["UBAN INFO bob", "UBAN INFO --ip bob"]
        for answer in ("1d", "", "y"):
            await screen.enter(answer)
        assert screen.sent[-2:] == ["UBAN ADD --ip bob 1d", "UBAN ADD bob 1d"]

    play(scene)


def audited(number: int, action: str, target: str, detail: str = "") -> str:
    """A line of the audit."""
    return f":srv NOTE AUDIT ENTRY {number} {action} ada {target} :2030 ada (::) {action} {target}: {detail}"


def test_the_audit_goes_on_at_its_end_and_its_entries_can_be_acted_on() -> None:
    """Going down at the last row asks for older ones, and what is chosen stays chosen."""

    async def scene(screen: FullScreen) -> None:
        await begin(screen, rank="", oper=True)
        await screen.choose("alt+g", "audit")
        assert screen.sent[-1] == "AUDIT 100"
        entries = [
            audited(9, "ban.add", "mallory", "spam"),
            audited(8, "channel.mode", "#tea", "+b eve!*@* for 1h: loud"),
            audited(7, "kick", "trent", "flood"),
        ]
        await screen.hear(*entries, ":srv NOTE AUDIT END 3 3 :3 entries")
        await screen.press("down", "down")
        assert screen.sent[-1] == "AUDIT 100 7"
        more = [audited(6, "ban.remove", "victor"), audited(5, "server.lockdown", "on"), audited(4, "announce", "*")]
        await screen.hear(*more, ":srv NOTE AUDIT END 3 100 :3 entries")
        await screen.press("down", "down", "down", "down")
        assert screen.sent[-1] == "AUDIT 100 7"  # there is nothing older
        await screen.press("up", "up", "up", "enter")
        await screen.see("Look up trent")
        await screen.press(*"back", "enter")
        for target, wanted in (
            ("mallory", "Lift the ban on mallory"),
            ("eve!", "Lift the ban on eve!*@* in #tea"),
            ("victor", "Ban victor again …"),
            ("lockdown", "Lockdown of the server …"),
            ("announce", "Copy"),
        ):
            await screen.hear(*entries, *more, ":srv NOTE AUDIT END 6 100 :6 entries")
            await screen.press(*target, "enter")
            await screen.see(wanted)
            await screen.press(*"back", "enter")
        await screen.hear(*entries, ":srv NOTE AUDIT END 3 100 :3 entries")
        await screen.press(*"eve!", "enter", *"lift", "enter")
        await screen.enter("y")
        assert "MODE #tea -b eve!*@*" in screen.sent

    play(scene)


def test_without_a_connection_a_list_says_so() -> None:
    """The server is not asked."""

    async def scene(screen: FullScreen) -> None:
        await begin(screen, oper=True)
        screen.app.session.online = False  # type: ignore[union-attr]
        await screen.choose("alt+g", "audit")
        await screen.see("You are not connected.")

    play(scene)
