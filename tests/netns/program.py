"""The program under test: started as engines start it, watched until nothing of it is left."""

from __future__ import annotations

import contextlib
import os
import select
import shlex
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from namespaces import Namespace
from processes import LEEWAY_S, descendants, status_field, wait_until
from processes import SANITIZED as SANITIZED  # the tests ask here
from scratch import Scratch
from wireguard import Config

def bindir() -> Path:
    folder = os.environ.get("WG4_BINDIR")
    if not folder or not (Path(folder) / "wireguard4netns").exists():
        raise AssertionError(
            f"no wireguard4netns in '{folder}': set WG4_BINDIR to the folder of the built programs"
        )
    return Path(folder)


def program_environment(scratch: Scratch, **more: str) -> dict[str, str]:
    """A user's environment, with homes of its own."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(scratch.folder),
        "XDG_RUNTIME_DIR": str(scratch.folder),
    }
    environment |= {
        name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")
    }
    return environment | more


class Wg4:
    """Our program on a target namespace.

    where     the Namespace that plays its host; None: the test's own network, as a plain user
    by_path   name the target by its netns path (a process otherwise)
    prefix    a command that the program is started through (strace)
    config    a Config, its text, or the path of a file
    """

    def __init__(
        self,
        scratch: Scratch,
        target: Namespace,
        config: Config | str | Path,
        *,
        where: Namespace | None = None,
        ifname: str = "wg0",
        by_path: bool = False,
        options: Sequence[str] = (),
        prefix: Sequence[str] = (),
        program: Path | None = None,
    ) -> None:
        self.target, self.where, self.ifname = target, where, ifname
        self.scratch = scratch
        if isinstance(config, Path):
            self.config_path = config
        else:
            text = config if isinstance(config, str) else config.for_wg_quick()
            self.config_path = scratch.file("wg0.conf", text)
        self.log = scratch.file("wireguard4netns.log")
        self._traced = "strace" in prefix
        self._before = ""
        self._exit_fd = -1
        self._process: subprocess.Popen[bytes] | None = None
        which = ["--netns-type=path", target.path] if by_path else [str(target.pid)]
        self._argv = [
            *prefix,
            str(program or bindir() / "wireguard4netns"),
            "--config",
            str(self.config_path),
            *shlex.split(os.environ.get("WG4_OPTIONS", "")),
            *options,
        ]
        self._target_argv = [*which, ifname]

    def __enter__(self) -> Self:
        self.start()
        try:
            self.wait_ready()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._exit_fd >= 0:
            self.stop()

    def start(self) -> None:
        """Starts the program; does not wait."""
        self._before = self.target.snapshot()
        exit_read, self._exit_fd = os.pipe()
        self._ready_fd, ready_write = os.pipe()
        argv = [
            *self._argv,
            f"--exit-fd={exit_read}",
            f"--ready-fd={ready_write}",
            *self._target_argv,
        ]
        with self.log.open("w") as log:
            self.started = time.monotonic()
            self._process = subprocess.Popen(
                self.where.command(*argv) if self.where else argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(exit_read, ready_write),
                env=program_environment(self.scratch),
            )
        os.close(exit_read)
        os.close(ready_write)

    def wait_ready(self, seconds: float = 10) -> None:
        """Exactly `1`, then the end of the file: for which strace, whose file it is too, would have to end."""
        deadline, said = time.monotonic() + seconds + LEEWAY_S, b""
        while not (said and self._traced) and self._ready_in(deadline - time.monotonic()):
            part = os.read(self._ready_fd, 64)
            if not part:
                break
            said += part
        if said != b"1":
            raise AssertionError(
                f"ready-fd said {said!r}, status {self.process.poll()}:\n{self.log.read_text()}"
            )

    def _ready_in(self, seconds: float) -> bool:
        return bool(select.select([self._ready_fd], [], [], max(0, seconds))[0])

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process

    @property
    def pid(self) -> int:
        return self.process.pid

    def part(self, name: str) -> int:
        """One of its processes: wg4netns-`name`."""
        (found,) = (entry for entry in descendants(self.pid) if entry.name == f"wg4netns-{name}")
        return found.pid

    def status_field(self, name: str) -> str:
        """A field of /proc/PID/status."""
        return status_field(self.pid, name)

    def write_exit_fd(self, data: bytes) -> None:
        os.write(self._exit_fd, data)

    def close_fds(self) -> None:
        """HUP on the exit-fd."""
        for fd in (self._exit_fd, self._ready_fd):
            if fd >= 0:
                os.close(fd)
        self._exit_fd = self._ready_fd = -1

    def stop(self) -> None:
        """The end by exit-fd."""
        self.close_fds()
        self.expect_end(0)

    def kill(self, victim: int | None = None) -> None:
        """kill -9 of the program, or of another process of it; no word on how it ends. What it leaves is tidied up a
        moment later.
        """
        self.scratch.killed = True
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim or self.pid, signal.SIGKILL)
        if victim is None:
            self.process.wait()
            self.close_fds()

    def kill_with_janitor(self) -> None:
        """kill -9 of the program and of the process that would tidy up behind it: its sockets stay."""
        self.kill(self.part("tidy"))
        self.kill()

    def expect_end(self, status: int, seconds: float = 5) -> None:
        """It ends by itself with this status and leaves the namespace as it was."""
        try:
            actual = self.process.wait(seconds + LEEWAY_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(
                f"still running after {seconds + LEEWAY_S} s:\n{self.log.read_text()}"
            ) from None
        self.close_fds()
        if actual != status:
            raise AssertionError(f"status {actual}, not {status}:\n{self.log.read_text()}")
        self.assert_no_trace(0)

    def assert_no_trace(self, seconds: float = 3) -> None:
        """The target namespace is as it was before the start."""
        after = ""

        def restored() -> bool:
            nonlocal after
            after = self.target.snapshot()
            return after == self._before

        if not wait_until(restored, seconds):
            raise AssertionError(
                f"namespace before:\n{self._before}\nand after:\n{after}\n{self.log.read_text()}"
            )
