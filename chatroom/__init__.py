"""chatroom: a chat daemon for a team, a club or a LAN, speaking IRC."""
