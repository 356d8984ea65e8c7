"""The place store: what a screen shows, without a screen. No input, output or clock.

A *place* is a channel, a conversation with one user, or what a server itself says. This is the contract between the
store and a screen; all of it is called in the screen's one thread.

- ``Places`` (``open_places``) is the ordered list of all places on all servers. ``front`` is the one that the screen
  shows. Nothing that a server sends changes it, but for the first channel of the first server. ``turn_to``,
  ``turn_by``, ``turn_back``, ``close`` and ``move`` do; ``next_unread`` and ``next_mention`` say where to turn.
  ``watch(False)`` when the user cannot see what comes in.
- ``Place`` (``place``) has what the screen draws of one: ``kind``, ``name``, ``server``, ``topic``, ``members``,
  ``is_joined``, ``unread``, ``mentions``, ``level``, ``draft``, ``typists.nicks``. ``first_unread`` is the entry under
  the line "new". The screen reads all and writes ``draft`` alone.
- ``PlaceLog`` (``place_log``) has ``entries``, sorted. Its ``revision`` says if anything has changed since a look;
  ``is_read_back`` and ``settle`` say that the user reads old entries, and no longer does.
- ``Entry`` (``log_entry``) is an event of ``chat_events`` with what has become of it: ``delivery``, ``reactions``,
  ``redaction``, ``mention``. What was painted of an entry can be kept under its ``serial`` and ``revision``.
- ``ServerPlaces`` (``server_places``) puts the events of one server into places. The session calls it, a screen does
  not.

The screen hands each report of the link to the session, then asks ``Places.take_changes`` which places to paint anew,
and compares ``Places.revision`` to see if the list has changed.
"""
