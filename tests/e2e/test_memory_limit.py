"""A burst that needs more memory than there is costs those who sent it, and nobody else."""

from __future__ import annotations

import resource
import signal

from harness.daemon import Daemon, running

SPARE_BYTES = 8 * 1024 * 1024
"""How much memory the daemon may take beside what it has."""


def limit_memory(daemon: Daemon) -> None:
    """Let the daemon take only a little more memory than it has."""
    with open(f"/proc/{daemon.process.pid}/status") as status:
        size = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmSize"))
    resource.prlimit(daemon.process.pid, resource.RLIMIT_AS, (size + SPARE_BYTES,) * 2)


def test_a_burst_that_does_not_fit_into_the_memory() -> None:
    """A crowd asks for a long list again and again, all at once. A bystander's talk goes on.

    The log says so in a few lines, and the daemon ends in order.
    """
    with running(limits__enabled=False, server__io_threads=1) as daemon, daemon.connect("ann") as ann:
        for number in range(400):
            ann.ask(f"JOIN #{number}", f"TOPIC #{number} :{'t' * 300}")
        crowd = [daemon.connect(f"c{number}") for number in range(32)]
        limit_memory(daemon)
        daemon.process.send_signal(signal.SIGSTOP)  # so that one tick reads all of it
        for client in crowd:
            client.send(*["LIST"] * 64)
        daemon.process.send_signal(signal.SIGCONT)
        ann.ask("PING x")
        for client in crowd:
            client.sock.close()
        with daemon.connect("new") as new:
            ann.send("PRIVMSG new :still here")
            new.expect("still here")
        assert daemon.stop() == 0
        assert len(daemon.log_lines("Traceback")) < 30
        assert not daemon.log_lines("died")
        daemon.stderr.clear()  # ``running`` looks for tracebacks, and one is right here
