"""Two tunnels of one user, and clients of their control sockets."""

from __future__ import annotations

import base64
import contextlib
import socket
import subprocess
import threading
from pathlib import Path
from typing import Self

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


class FakeTunnel:
    """A tunnel that somebody has taken over: its control socket gives answers of theirs to what `reload` asks."""

    def __init__(self, path: Path, config: Path | str, private: str) -> None:
        self.heard = b""
        self._status = f"private_key={base64.b64decode(private).hex()}\nlisten_port=1\nerrno=0\n\n"
        self._own = f"config={config}\nmtu=1420\naddress=\ntable=off\nlink_set_up_by=others\nerrno=0\n\n"
        self._listener = socket.socket(socket.AF_UNIX)
        self._path = path
        self._listener.bind(str(path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        self._path.unlink()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection = self._listener.accept()[0]
                with connection, contextlib.suppress(OSError):
                    self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        request = b""
        while not request.endswith(b"\n\n"):
            part = connection.recv(65536)
            if not part:
                return
            request += part
        self.heard += request
        answers = {b"get=1\n\n": self._status, b"wg4netns=1\n\n": self._own}
        connection.sendall(answers.get(request, "errno=0\n\n").encode())


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
