"""The operator's command line, ``chatroomctl``: parse, call, print; no rules."""
