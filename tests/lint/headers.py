"""Each header compiles alone, and twice in one file: it includes what it uses and guards itself.

    headers.py COMPILE_COMMANDS_JSON    with the flags of a source file that includes it, else of one that is nearest
    headers.py --self-test COMPILER     shows that a header that leans on others is found
"""

from __future__ import annotations

import functools
import json
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import project
from project import Finding


def flags_of(command: str) -> list[str]:
    """"ccache g++ -Wall -o x.o -c x.cc" without its launcher, its input and its output."""
    words = shlex.split(command)
    while Path(words[0]).name in ("ccache", "sccache", "distcc"):
        words.pop(0)
    source = words.index("-c")
    del words[source : source + 2]
    output = words.index("-o")
    del words[output : output + 2]
    return words


def nearest(header: Path, commands: dict[Path, list[str]]) -> list[str]:
    """Flags of a source file that includes the header, and shares most of its path with it."""
    include = f'#include "{header}"'

    def kinship(source: Path) -> tuple[bool, int]:
        includes = include in (project.ROOT / source).read_text(encoding="utf-8")
        return includes, len(Path(os.path.commonpath([source, header])).parts)

    return commands[max(sorted(commands), key=kinship)]


def compile_alone(header: Path, command: list[str]) -> Finding | None:
    twice = f'#include "{header}"\n' * 2
    check = [*command, "-fsyntax-only", "-x", "c++", "-"]
    run = subprocess.run(check, input=twice, capture_output=True, text=True, check=False)
    if run.returncode == 0:
        return None
    print(run.stderr, file=sys.stderr)
    errors = [line for line in run.stderr.splitlines() if "error" in line]
    return Finding(str(header), 0, errors[0] if errors else "fails", "compiles alone")


def self_test(compiler: str) -> int:
    samples = {
        "good.h": "#pragma once\n#include <vector>\ninline std::vector<int> a() { return {}; }\n",
        "leans.h": "#pragma once\ninline std::vector<int> leans() { return {}; }\n",
        "unguarded.h": "inline int unguarded() { return 1; }\n",
    }
    with tempfile.TemporaryDirectory() as folder:
        found = []
        for name, text in samples.items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
            command = [compiler, "-std=c++23", f"-I{folder}"]
            found.append(compile_alone(Path(name), command) is not None)
    print(dict(zip(samples, found)))
    return 0 if found == [False, True, True] else 1


def main() -> int:
    if sys.argv[1] == "--self-test":
        return self_test(sys.argv[2])
    entries = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    commands = {}
    for entry in entries:
        source = Path(entry["directory"], entry["file"])
        if source.is_relative_to(project.ROOT):
            commands[source.relative_to(project.ROOT)] = flags_of(entry["command"])
    headers = project.files(".h")
    check = functools.partial(check_header, commands=commands)
    findings = [finding for finding in project.in_parallel(check, headers) if finding]
    return project.report(findings, len(headers), "headers")


def check_header(header: Path, commands: dict[Path, list[str]]) -> Finding | None:
    return compile_alone(header, nearest(header, commands))


if __name__ == "__main__":
    sys.exit(main())
