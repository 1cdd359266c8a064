"""A shell at a terminal, as a person has it: keys in, a screen out."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Sequence

from processes import PATIENCE_S

CTRL_C, CTRL_D, CTRL_Z, CTRL_BACKSLASH = "\x03", "\x04", "\x1a", "\x1c"
PROMPT = r"outer:\d+> "


class Shell:
    """An interactive bash on a pseudo-terminal of its own, or another program in its place."""

    BASH = ("bash", "--norc", "--noprofile", "--noediting", "-i")

    def __init__(self, environment: dict[str, str], folder: str, command: Sequence[str] = BASH) -> None:
        self.screen = ""
        self._seen = 0
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            with contextlib.suppress(OSError):
                signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it
                os.chdir(folder)
                os.execvpe(command[0], list(command), environment | {"PS1": r"outer:$?> ", "TERM": "dumb"})
            os._exit(127)
        self.resize(24, 80)

    def __enter__(self) -> Shell:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)

    def close(self) -> None:
        """The terminal's window is closed."""
        if self._terminal >= 0:
            os.close(self._terminal)
            self._terminal = -1

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def foreground_group(self) -> int:
        return os.tcgetpgrp(self._terminal)

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def see(self, pattern: str) -> str:
        """Waits until this is on the screen, below what was waited for before; returns what is above and itself."""
        deadline = time.monotonic() + PATIENCE_S
        while not (found := re.compile(pattern).search(self.screen, self._seen)):
            ready, _, _ = select.select([self._terminal], [], [], max(0, deadline - time.monotonic()))
            more = b""
            with contextlib.suppress(OSError):  # nobody has the terminal any more
                more = os.read(self._terminal, 65536) if ready else b""
            if not more:
                seen, rest = self.screen[: self._seen], self.screen[self._seen :]
                raise AssertionError(f"no {pattern!r} below {seen!r}: {rest!r}")
            self.screen += more.decode(errors="surrogateescape")
        text = self.screen[self._seen : found.end()]
        self._seen = found.end()
        return text

    def run(self, line: str, until: str = PROMPT) -> str:
        """Types a line; returns the screen from there to the next prompt."""
        self.type(line + "\n")
        self.see(re.escape(line.rpartition("\n")[2]) + r"\r\n")
        return self.see(until)
