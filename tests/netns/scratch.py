"""A folder of its own for each test."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path


class Scratch:
    """The test's folder: configs and logs, readable by the test's user alone."""

    def __init__(self) -> None:
        # Short, for the paths of sockets in folders of engines: 107 bytes are possible.
        self.folder = Path(tempfile.mkdtemp(prefix="wg4-"))
        self.killed = False  # a program, which could not clear away its socket
        self._count = 0

    def file(self, name: str, text: str = "", mode: int = 0o600) -> Path:
        self._count += 1
        path = self.folder / f"{self._count:02d}-{name}"
        path.write_text(text)
        path.chmod(mode)
        return path

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
