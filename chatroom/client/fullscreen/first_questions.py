"""What the user is asked before the connection: the nick, and the password of the account."""

from __future__ import annotations

from dataclasses import replace

from chatroom.client.fullscreen.questions import Questions
from chatroom.client.options import Options
from chatroom.client.text import well_formed


async def ask_user(questions: Questions, options: Options, default_nick: str) -> Options:
    """Ask for what the options lack, and return them with it. Raises Refused if the user does not answer."""
    if not options.nick:
        typed = await questions.ask(f"Nickname [{default_nick}]: ")
        options = replace(options, nick=well_formed(typed.strip()) or default_nick)
    if options.asks_new_password:
        name = options.account if options.reset else options.nick
        return replace(options, password=well_formed(await questions.choose_password(name)))
    if options.asks_password:
        password = await questions.ask(f"Password for {options.account}: ", secret=True)
        return replace(options, password=well_formed(password))
    return options
