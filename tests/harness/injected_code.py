"""Code that a test runs in the process of a real daemon: bugs, and clocks that jump."""

from __future__ import annotations

import os
from pathlib import Path

from harness.daemon import Place, until

_SCRIPT = """
import os, sys, threading

def run_code():
    while True:
        with open(os.environ["INJECTED_CODE"]) as code:  # a FIFO: it waits until a test writes
            text = code.read()
        exec(text, {})
        open(os.environ["INJECTED_CODE"] + "-done", "w").close()

if "serve" in sys.orig_argv:
    threading.Thread(target=run_code, daemon=True).start()
"""
"""Runs in the daemon's process, before its own code: Python imports a module of the name ``sitecustomize`` first."""

_DO_STORE_JOBS = """
import threading
from chatroom.server.job_queue import QueuedJob

worker = next(thread for thread in threading.enumerate() if thread.name == "store")._target.__self__
done = threading.Event()
worker._work.put(QueuedJob(lambda stores: None, lambda outcome: done.set()))
done.wait()
"""


class InjectedCode:
    """A way into the daemon that is started in a place after it was made."""

    def __init__(self, place: Place) -> None:
        folder = place.root / "site"
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(_SCRIPT)
        self._fifo, self._done = place.root / "code", place.root / "code-done"
        os.mkfifo(self._fifo)
        place.environment["PYTHONPATH"] = str(folder)
        place.environment["INJECTED_CODE"] = str(self._fifo)

    def run(self, code: str) -> None:
        """Run code in the daemon, in a thread of its own, and wait until it has run."""
        self._done.unlink(missing_ok=True)
        self._fifo.write_text(code)
        until(self._done.exists, "the code has run")

    def sign(self, name: str) -> Path:
        """A file by which the code can tell that something has happened: the environment's path, ``-`` and the name."""
        return self._fifo.with_name(f"{self._fifo.name}-{name}")


def do_store_jobs(code: InjectedCode) -> None:
    """Have the store worker of a daemon do the jobs that it has."""
    code.run(_DO_STORE_JOBS)
