"""Shared by all lint scripts: the project's root, its files, and the output of findings.

A finding is one line, "FILE:LINE: what is wrong [rule]", so that an editor can jump to it.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CXX_SUFFIXES = (".h", ".cc")
FUZZ_CORPUS = "tests/fuzz/corpus/"  # bytes that came from a fuzzer: no text of ours


@dataclasses.dataclass(frozen=True, order=True)
class Finding:
    """One thing that is wrong; line 0 means the file as a whole."""

    file: str
    line: int
    text: str
    rule: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.text} [{self.rule}]"


def files(*suffixes: str, root: Path = ROOT) -> list[Path]:
    """The project's files relative to `root`, sorted; with one of `suffixes` if any are named.

    What git would commit. A tree that is no repository (a release archive) is walked instead.
    """
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        run = subprocess.run(listing, cwd=root, capture_output=True, check=True)
        found = run.stdout.decode().split("\0")
    except (OSError, subprocess.CalledProcessError):
        found = list(walk(root))
    paths = (Path(name) for name in found if name and not name.startswith(FUZZ_CORPUS))
    wanted = (path for path in paths if not suffixes or path.suffix in suffixes)
    return sorted(path for path in wanted if (root / path).is_file())


def walk(root: Path) -> Iterable[str]:
    for folder, below, names in os.walk(root):
        below[:] = [name for name in below if name not in (".git", "__pycache__", "build")]
        for name in names:
            yield str((Path(folder) / name).relative_to(root))


def require_tool(name: str, package: str) -> str:
    """The path of a program that a check cannot do without."""
    path = shutil.which(name)
    if path is None:
        sys.exit(f"{name} is not installed. On Debian: apt install {package}")
    return path


def flags_of(command: str) -> str:
    """"ccache g++ -Wall -o x.o -c x.cc" without its launcher, its compiler, its input and its output."""
    words = shlex.split(command)
    while Path(words[0]).name in ("ccache", "sccache", "distcc"):
        words.pop(0)
    for option in ("-c", "-o"):
        place = words.index(option)
        del words[place : place + 2]
    return shlex.join(words[1:])


def in_parallel(action: Callable, items: Iterable) -> list:
    """action(item) for each item, as many at a time as there are processors, in their order."""
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        return list(pool.map(action, items))


def report(findings: Iterable[Finding], checked: int, things: str) -> int:
    """Prints the outcome and returns the exit status.

    Nothing checked is a failure, too: a rule must not pass because it looked at nothing.
    """
    findings = sorted(set(findings))
    for finding in findings:
        print(finding)
    if checked == 0:
        print(f"no {things} found: nothing was checked")
    else:
        print(f"{checked} {things} checked, {len(findings)} findings")
    return 1 if findings or checked == 0 else 0
