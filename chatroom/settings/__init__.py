"""The machinery of settings, for the daemon's and for the terminal client's.

A program declares its sections as dataclasses whose fields are made by ``keys.setting``, and puts them together in a
``schema.Schema``. From that come the reader with its errors (``reading``), the file that explains every key
(``file_template``), and changes to one key that keep the comments (``editing``).
"""
