"""Processes of a test, and a record of those that it leaves behind."""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path


SANITIZED = bool(os.environ.get("WG4_SANITIZED"))

# A busy machine may delay anything. A longer limit costs nothing if the event comes.
LEEWAY_S = 60 if SANITIZED else 20
PATIENCE_S = 10 + LEEWAY_S  # for events that take a moment


def wait_until(condition: Callable[[], object], seconds: float, pause: float = 0.01) -> bool:
    """`seconds`: the time that it may take on an idle machine."""
    deadline = time.monotonic() + seconds + LEEWAY_S
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True


def adopt_orphans() -> None:
    """Processes that a program leaves behind become our children: so they are found without their names."""
    pr_set_child_subreaper = 36
    if ctypes.CDLL(None, use_errno=True).prctl(pr_set_child_subreaper, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


@dataclasses.dataclass(frozen=True)
class ProcessEntry:
    pid: int
    parent: int
    name: str
    state: str


def process_table() -> list[ProcessEntry]:
    table = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):  # it may end while we read
                head, _, tail = (folder / "stat").read_text().rpartition(")")
                state, parent = tail.split()[:2]
                table.append(
                    ProcessEntry(int(folder.name), int(parent), head.partition("(")[2], state)
                )
    return table


def descendants(root: int | None = None) -> list[ProcessEntry]:
    """All processes below `root` (ourselves when not given)."""
    table = process_table()
    found, parents = [], {root or os.getpid()}
    while parents:
        level = [entry for entry in table if entry.parent in parents]
        found += level
        parents = {entry.pid for entry in level}
    return found


def bury_orphans(known: set[int]) -> list[ProcessEntry]:
    """Reaps adopted children that have ended; returns those that run and are not `known`."""
    strangers = [entry for entry in descendants() if entry.pid not in known]
    for entry in strangers:
        if entry.state == "Z" and entry.parent == os.getpid():
            with contextlib.suppress(ChildProcessError):
                os.waitpid(entry.pid, os.WNOHANG)
    return [entry for entry in strangers if entry.state != "Z"]


def assert_only(known: set[int], seconds: float = 3) -> None:
    """Nothing but the `known` processes remains below us, or remains for long."""
    left: list[ProcessEntry] = []

    def alone() -> bool:
        left[:] = bury_orphans(known)
        return not left

    if not wait_until(alone, seconds):
        names = ", ".join(f"{entry.name} (pid {entry.pid})" for entry in left)
        for entry in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(entry.pid, signal.SIGKILL)
        raise AssertionError(f"processes left behind: {names}")


def read_line(process: subprocess.Popen[bytes], seconds: float = 10) -> str:
    """One line of an unbuffered stdout, or an AssertionError when none comes."""
    ready, _, _ = select.select([process.stdout], [], [], seconds + LEEWAY_S)
    line = process.stdout.readline() if ready else b""
    if not line:
        raise AssertionError(f"{process.args}: no answer (status {process.poll()})")
    return line.decode()


def says_nothing(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Not one line within exactly these seconds."""
    return not select.select([process.stdout], [], [], seconds)[0]


def cpu_seconds(pid: int) -> float:
    """The processor time of a process, with all of its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def is_idle(pid: int, seconds: float = 0.5) -> bool:
    """Whether it works for less than a fifth of these seconds: a loop that spins would take all of them."""
    before = cpu_seconds(pid)
    time.sleep(seconds)
    return cpu_seconds(pid) - before < seconds / 5


def status_field(pid: int, name: str) -> str:
    """A field of /proc/PID/status."""
    text = Path(f"/proc/{pid}/status").read_text()
    found = re.search(rf"^{name}:\s*(.*)$", text, re.MULTILINE)
    assert found, f"no {name} in /proc/{pid}/status"
    return found[1]


@contextlib.contextmanager
def background(command: Sequence[str], **options) -> Iterator[subprocess.Popen[bytes]]:
    """A process for the time of the `with` block; read_line() reads its stdout."""
    process = subprocess.Popen(
        command, bufsize=0, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, **options
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
