"""The machine and the versions that figures come from, as results show them."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

from cases import OURS, PEERS
from peers import missing, version

import chatroom


def describe() -> dict[str, str]:
    """Return what matters about this machine, in the order in which it is shown."""
    told = {
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "kernel": f"{platform.system()} {platform.release()}",
        "Python": f"{platform.python_version()}, {_whose()}",
        OURS: chatroom.__version__,
    }
    for name in PEERS:
        told[name] = "not installed: left out" if missing(name.lower()) else version(name.lower())
    return told


def _whose() -> str:
    """Return whose build of Python this is. The system's own may be a fifth quicker than one made without profiling."""
    return "the system's own" if sys.base_prefix == "/usr" else "not the system's own"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return platform.machine()
