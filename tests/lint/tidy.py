"""clang-tidy has nothing to say about the programs' sources; .clang-tidy has the checks.

    tidy.py BUILDDIR [FILE...]    all sources, or those named; made with the `lint` preset

A file takes many seconds, so what was clean is remembered in BUILDDIR: by a hash of all that
clang-tidy looks at.
"""

from __future__ import annotations

import collections
import functools
import hashlib
import json
import shlex
import subprocess
import sys
from pathlib import Path

import project

FOLDERS = ("shared", "wg4netns", "netns-helper")
TIDY = project.require_tool("clang-tidy-19", "clang-tidy-19")


def configure(build: Path) -> dict[str, str]:
    """The compile command of each source file, by its path from the root."""
    command = ["cmake", "--preset", "lint", "-B", str(build), "-DBUILD_TESTING=OFF"]
    run = subprocess.run(command, cwd=project.ROOT, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        sys.exit(f"{shlex.join(command)} failed:\n{run.stdout}{run.stderr}")
    entries = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    paths = ((Path(entry["file"]), entry["command"]) for entry in entries)
    return {
        str(path.relative_to(project.ROOT)): command
        for path, command in paths
        if path.is_relative_to(project.ROOT)
    }


@functools.cache
def settings() -> bytes:
    version = subprocess.run([TIDY, "--version"], check=True, capture_output=True).stdout
    return version + (project.ROOT / ".clang-tidy").read_bytes()


def fingerprint(command: str) -> str | None:
    """Of a source, its headers and flags, the checks and the tool; nothing if it is broken."""
    words = shlex.split(command)
    output = words.index("-o")
    words[output + 1] = "-"
    words[words.index("-c")] = "-E"
    run = subprocess.run([*words, "-C"], cwd=project.ROOT, capture_output=True, check=False)
    if run.returncode != 0:
        return None
    return hashlib.sha256(settings() + command.encode() + run.stdout).hexdigest()


def check(item: tuple[str, str], build: Path) -> tuple[str, str]:
    """(outcome, what clang-tidy said) about one file."""
    file, command = item
    key = fingerprint(command)
    stamp = build / "clean" / str(key)
    if key and stamp.exists():
        return "unchanged", ""
    tidy = [TIDY, "--quiet", "-p", str(build), file]
    run = subprocess.run(tidy, cwd=project.ROOT, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        return "findings", run.stdout or run.stderr
    if key:
        stamp.touch()
    return "clean", ""


def main() -> int:
    build = Path(sys.argv[1]).resolve()
    commands = configure(build)
    (build / "clean").mkdir(exist_ok=True)
    sources = [str(path) for path in project.files(".cc") if path.parts[0] in FOLDERS]
    wanted = sys.argv[2:] or sources
    if missing := [file for file in wanted if file not in commands]:
        sys.exit(f"not built, so not checked: {' '.join(missing)}. Add them to a CMakeLists.txt")
    items = [(file, commands[file]) for file in wanted]
    outcomes = project.in_parallel(functools.partial(check, build=build), items)
    texts = [text.strip() for _, text in outcomes if text]
    print(*texts, sep="\n\n")
    counts = collections.Counter(outcome for outcome, _ in outcomes)
    print(len(wanted), "files:", ", ".join(f"{counts[name]} {name}" for name in sorted(counts)))
    return 1 if texts or not wanted else 0


if __name__ == "__main__":
    sys.exit(main())
