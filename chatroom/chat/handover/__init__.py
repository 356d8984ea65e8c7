"""What the world has in memory only, as a document: one daemon writes it and the one that takes over reads it.

Pure rules, without sockets. ``world_state`` is the entrance; the other modules have the parts. The document has only
what JSON has (objects with text keys, lists, texts, whole numbers, true, false, null), so it can be read by a later
version of the program. ``document.VERSION`` is its version.
"""
