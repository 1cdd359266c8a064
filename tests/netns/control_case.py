"""Two tunnels of one user, and clients of their control sockets."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import harness
from fixtures import THEIRS, THEIRS6, Pair, pair_on_loopback
from processes import PATIENCE_S
from program import Wg4, bindir, program_environment


class Client:
    """A connection to a control socket."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE_S)
        self.socket.connect(str(path))

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def hear(self) -> str:
        """One answer."""
        text = b""
        while not text.endswith(b"\n\n"):
            part = self.socket.recv(65536)
            if not part:
                raise EOFError(text)
            text += part
        return text.decode()

    def ask(self, request: str) -> str:
        self.socket.sendall(request.encode())
        return self.hear()


class ControlCase(harness.TestCase):
    """A tunnel called `ours` to one called `theirs`, of the same user."""

    def setUp(self) -> None:
        super().setUp()
        self.pair: Pair = pair_on_loopback(self)
        self.theirs = self.wg4(
            self.pair.other, self.pair.other_config, options=["--control=theirs", "--sandbox=on"]
        )
        self.folder = self.scratch.folder / "wireguard"
        self.path = self.folder / "ours.sock"
        self.peer = self.pair.config.peers[0].public

    def start(self, *options: str) -> Wg4:
        options = ("--control=ours", "--sandbox=on", *options)
        return self.wg4(self.pair.one, self.pair.config, options=options)

    def run_program(self, *arguments: str, text: str = "", **environment: str):
        return subprocess.run(
            [bindir() / "wireguard4netns", *arguments],
            input=text,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
            env=program_environment(self.scratch, **environment),
        )

    def wg(self, *arguments: str, text: str = "") -> str:
        done = self.run_program("wg", *arguments, text=text)
        self.assertEqual((done.returncode, done.stderr), (0, ""), arguments)
        return done.stdout

    def file(self, text: str) -> str:
        return str(self.scratch.file("set.conf", text))

    def assert_session_kept(self, change) -> None:
        """`change` costs no ping and no new handshake."""
        self.assert_pings(self.pair.one, THEIRS, count=1)
        handshake = self.handshake_line()
        self.assertNotEqual(handshake, f"{self.peer}\t0")
        change()
        self.assert_pings(self.pair.one, THEIRS, THEIRS6, count=2)
        self.assertEqual(self.handshake_line(), handshake)

    def handshake_line(self) -> str:
        lines = self.wg("show", "ours", "latest-handshakes").splitlines()
        return next(line for line in lines if line.startswith(self.peer))
