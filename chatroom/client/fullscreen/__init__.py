"""The full screen: places at the left, the log in the middle, names at the right, and the composer below.

Only this package imports Textual, and ``chats`` imports this package only at a terminal.

- ``app`` is the program: the link's reports come in, the session and the places change, the screen is painted.
- ``chat_screen`` and the widgets (``log_widget``, ``composer``, ``side_widgets``, ``chooser``) paint.
- ``key_map`` has the keys in force, ``key_actions``, ``choosing`` and ``found_messages`` do what they say.
- All else is pure: which rows a log has and which are shown (``shown_log``, ``log_view``), how text is drawn and broken
  (``cells``, ``row_breaks``), what is typed (``line_editor``, ``typed_history``, ``tab_cycle``).
"""
