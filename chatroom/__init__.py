"""chatroom: a chat daemon for a team, a club or a LAN, speaking IRC."""

__version__ = "0.1.0"
