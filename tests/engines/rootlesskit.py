"""RootlessKit with our program as its slirp4netns."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Self

from processes import PATIENCE_S, wait_until
from program import bindir
from scratch import Scratch

SERVE = "mkdir -p {www}; echo inside >{www}/index.html; exec busybox httpd -f -p 8080 -h {www}"


class RootlessKit:
    """A child in new namespaces that serves a page on port 8080, until the end of the block."""

    def __init__(self, scratch: Scratch, config: str, *options: str) -> None:
        self._scratch = scratch
        self.config = scratch.file("vpn.conf", config)
        self.log = scratch.file("rootlesskit.log")
        self.state = scratch.folder / "00-rootlesskit"
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        www = self._scratch.folder / "00-www"
        command = [
            "rootlesskit",
            "--net=slirp4netns",
            f"--slirp4netns-binary={bindir() / 'wireguard4netns'}",
            "--copy-up=/etc",
            "--disable-host-loopback",
            f"--state-dir={self.state}",
            *self._options,
            *("sh", "-c", SERVE.format(www=www)),
        ]
        with self.log.open("w") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={
                    "PATH": os.environ["PATH"],
                    "HOME": str(self._scratch.folder),
                    "XDG_RUNTIME_DIR": str(self._scratch.folder),
                    "WIREGUARD4NETNS_CONFIG": str(self.config),
                },
            )
        # The child does not wait for RootlessKit, which writes its files when all is set up.
        files = (www / "index.html", self.state / "child_pid")
        served = wait_until(lambda: all(map(Path.exists, files)), 10)
        if not served:
            self.kill()
            raise AssertionError(f"RootlessKit did not start:\n{self.log.read_text()}")
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(PATIENCE_S)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL of RootlessKit itself."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def command(self, *argv: str) -> list[str]:
        """`argv` as it must be started to run in the child's namespaces."""
        child = (self.state / "child_pid").read_text()
        return ["nsenter", "-t", child, "-U", "-n", "-m", "--preserve-credentials", *argv]

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """A command of busybox in the child's namespaces."""
        done = subprocess.run(
            self.command("busybox", *command),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(
                f"{command}: status {done.returncode}\n{done.stdout}{done.stderr}"
                f"{self.log.read_text()}"
            )
        return done

    def inside(self, *command: str) -> str:
        return self.run(*command).stdout
