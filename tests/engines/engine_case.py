"""Assertions of every engine test: the answer, the client's address, DNS, and that nothing is left."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import harness
from beyond import NAME, Beyond
from fixtures import THEIRS, THEIRS6
from processes import descendants, wait_until

# As /proc shows them, cut to 15 characters.
PROGRAMS = ("wireguard4netns", "wg4netns-helper", "rootlessport", "conmon", "slirp4netns", "rootlesskit")
SERVE = "echo inside >/www/index.html; exec httpd -f -p 8080 -h /www"

TARGET = f"http://{NAME}/"  # only the far DNS server knows it

Inside = Callable[..., str]  # runs a command of busybox in the container and gives its output


def free_tcp_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def fetch(port: int, address: str = "127.0.0.1") -> str:
    """The answer of a published port; empty if there is none."""
    connection = http.client.HTTPConnection(address, port, timeout=3)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/index.html")
        return connection.getresponse().read().decode().strip()
    return ""


class EngineCase(harness.TestCase):
    def assert_tunnelled(self, beyond: Beyond, inside: Inside, client: int = 0) -> None:
        """The far server answers on IPv4 and IPv6, by address and by name, and sees the tunnel."""
        own = beyond.addresses[client]
        self.assertEqual(inside("wget", "-q", "-O-", f"http://{THEIRS}/").strip(), f"hello {own}")
        page = inside("wget", "-q", "-O-", f"http://[{THEIRS6}]/").strip()
        self.assertEqual(page, f"hello {beyond.addresses6[client]}")
        self.assert_resolves(beyond, inside, client)

    def assert_resolves(self, beyond: Beyond, inside: Inside, client: int = 0) -> None:
        """Only the far DNS server knows the name, and it was asked from the tunnel's address."""
        page = inside("wget", "-q", "-O-", TARGET).strip()
        self.assertIn(page, (f"hello {a[client]}" for a in (beyond.addresses, beyond.addresses6)))
        own = {beyond.addresses[client], beyond.addresses6[client]}
        self.assertLessEqual(beyond.askers(), own)

    def assert_published(self, port: int) -> None:
        self.assertTrue(wait_until(lambda: fetch(port) == "inside", 5), f"port {port}")

    def pids_of(self, name: str) -> list[int]:
        running = (entry for entry in descendants() if entry.state != "Z")
        return [entry.pid for entry in running if entry.name == name[:15]]

    def our_pid(self) -> int:
        """The one wireguard4netns that runs."""
        (pid,) = self.pids_of("wireguard4netns")
        return pid

    def our_arguments(self) -> list[str]:
        return Path(f"/proc/{self.our_pid()}/cmdline").read_text().split("\0")

    def assert_all_confined(self) -> None:
        """The program, the process that watches its target, and the helper that opens connections there."""
        for pid in [self.our_pid(), *(entry.pid for entry in descendants(self.our_pid()))]:
            self.assert_confined(pid)

    def kill_ours(self) -> None:
        pid = self.our_pid()
        self.scratch.killed = True
        os.kill(pid, signal.SIGKILL)
        self.assertTrue(wait_until(lambda: pid not in self.pids_of("wireguard4netns"), 5))

    def assert_all_ended(self, seconds: float = 5) -> None:
        """No process of the engine's network is left."""

        def left() -> list[str]:
            return [name for name in PROGRAMS if self.pids_of(name)]

        self.assertTrue(wait_until(lambda: not left(), seconds), left())
