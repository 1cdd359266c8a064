"""An engine's place of our own: namespaces held as Podman holds them, and our program called as pasta."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Self

from namespaces import PYTHON
from processes import PATIENCE_S, background, read_line
from program import bindir, program_environment
from scratch import Scratch


class Engine:
    """A user and a mount namespace on the test's own network; uid 0 in there, as Podman is.

    It keeps network namespaces by name, as mounts that only show in here.
    """

    def __init__(self, scratch: Scratch) -> None:
        self.scratch = scratch
        self.folder = scratch.folder / "00-engine"
        self._holder: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        (self.folder / "netns").mkdir(parents=True)
        (self.folder / "bin").mkdir()
        self.pasta = self.folder / "bin" / "pasta"
        self.pasta.symlink_to(bindir() / "wireguard4netns")
        self._holder = subprocess.Popen(
            ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", "echo up; exec cat"],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        read_line(self._holder)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._holder is not None
        self._holder.communicate()

    @property
    def holder_pid(self) -> int:
        assert self._holder is not None
        return self._holder.pid

    def command(self, *argv: str) -> list[str]:
        """`argv` as it must be started to run in here."""
        flags = ["-U", "-m", f"--wd={self.folder}", "--preserve-credentials"]
        return ["nsenter", "-t", str(self.holder_pid), *flags, *argv]

    def run(
        self, *argv: str, seconds: float = 20, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """To the end of the program *and* of its stdout and stderr, as engines wait."""
        return subprocess.run(
            self.command(*argv),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            check=False,
            stdin=subprocess.DEVNULL,
            cwd=self.folder,
            env=program_environment(self.scratch, **environment),
        )

    def netns(self, name: str) -> Netns:
        path = self.folder / "netns" / name
        path.touch()
        made = self.run("unshare", f"--net={path}", "ip", "link", "set", "lo", "up")
        assert made.returncode == 0, made.stdout
        return Netns(self, path)


class Netns:
    """A network namespace with a name, and no process in it."""

    def __init__(self, engine: Engine, path: Path) -> None:
        self.engine, self.path = engine, path
        self.resolv_conf = engine.scratch.file("resolv.conf")

    def delete(self) -> None:
        """As Podman does when the container has gone."""
        self.engine.run("umount", str(self.path))
        self.path.unlink()

    def command(self, *argv: str) -> list[str]:
        """`argv` in here, with a resolv.conf of its own."""
        mount = f'mount --bind {self.resolv_conf} /etc/resolv.conf && exec "$@"'
        enter = ["nsenter", f"--net={self.path}", "unshare", "--mount", "sh", "-c", mount, "sh"]
        return self.engine.command(*enter, *argv)

    def run(self, *argv: str, check: bool = True) -> str:
        done = subprocess.run(
            self.command(*argv), capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{argv}: status {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def inside(self, *command: str) -> str:
        return self.run("busybox", *command)

    def serve(self, *argv: str):
        """A Python script in here that says a line when it listens."""
        return background(self.command(PYTHON, *argv), env={"PATH": os.environ["PATH"]})

    def links(self) -> list[str]:
        return [line.split(":")[1].strip() for line in self.run("ip", "-o", "link").splitlines()]
