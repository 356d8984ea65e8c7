"""Threads of a real daemon that die as if of a bug, when a test says so."""

from __future__ import annotations

import os
from pathlib import Path

from harness.daemon import Place

_SCRIPT = """
import ctypes, os, sys, threading

def kill():
    while True:
        with open(os.environ["KILL_THREAD"]) as names:  # a FIFO: it waits until a test writes a name
            for name in names.read().split():
                for thread in threading.enumerate():
                    if thread.name == name:
                        ident, death = ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit)
                        ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, death)

if "serve" in sys.orig_argv:
    threading.Thread(target=kill, daemon=True).start()
"""
"""Runs in the daemon's process, before its own code: Python imports a module of the name ``sitecustomize`` first."""


class Killer:
    """Kills threads of the daemons that are started in a place after it was made."""

    def __init__(self, place: Place) -> None:
        folder = place.root / "site"
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(_SCRIPT)
        self._fifo = Path(place.root) / "kill"
        os.mkfifo(self._fifo)
        place.environment["PYTHONPATH"] = str(folder)
        place.environment["KILL_THREAD"] = str(self._fifo)

    def kill(self, name: str) -> None:
        """Have the thread of that name end by a ``SystemExit`` at the next line of Python that it runs."""
        self._fifo.write_text(name)
