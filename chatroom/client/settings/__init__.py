"""The settings of the terminal client: its keys, the file ``client.toml``, and changes to it from the chat.

``client_sections`` has the sections: the keys with their types, defaults and descriptions. ``client_file`` finds, reads
and writes the file. ``set_command`` is ``/set``. A pipe without such a file loads none of this.
"""
