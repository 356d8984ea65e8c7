"""A bot on the library miniirc (pip install miniirc). It greets who joins, and answers "!ping".

python3 irc_bot.py HOST PORT NICK CHANNEL
"""

import sys

import miniirc

host, port, nick, channel = sys.argv[1:]
# It connects when the handlers are there, with TLS on port 6697, and reconnects by itself. Mode +B marks a bot.
irc = miniirc.IRC(host, int(port), nick, channels=[channel], connect_modes="+B", auto_connect=False)


@irc.Handler("JOIN", colon=False)
def greet(irc, who, args):
    """Greet everyone but ourselves."""
    if who[0] != irc.current_nick:
        irc.msg(args[0], f"Welcome, {who[0]}!")


@irc.Handler("PRIVMSG", colon=False)
def answer(irc, who, args):
    """Answer a command in the channel."""
    if args == [channel, "!ping"]:
        irc.msg(channel, f"{who[0]}: pong")


irc.connect()
irc.wait_until_disconnected()
