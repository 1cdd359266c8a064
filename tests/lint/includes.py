"""Each header and source includes what it uses: so each compiles alone, with any standard library.
What a source's own header includes, the source need not.

    includes.py BUILDDIR [FILE...]         all files, or those named; BUILDDIR has compile_commands.json, tests included
    includes.py --edit BUILDDIR [FILE...]  and mends them
    includes.py --self-test                shows that a missing include is found

clang-include-cleaner does the work. The standard library's headers are parsed once for all files; which of them a file
names is seen even so. What it calls unused is not asked for: of templates it sees too little.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import project
from project import Finding

CLEANER = project.require_tool("clang-include-cleaner-19", "clang-tools-19")
CLANG = project.require_tool("clang++-19", "clang-19")
PRECOMPILED = """algorithm array atomic bit cerrno charconv chrono csignal cstddef cstdint cstdio cstdlib cstring deque
expected filesystem fstream functional iterator map memory memory_resource mutex new optional random set span sstream
string string_view system_error thread tuple type_traits unordered_map utility variant vector""".split()
KEPT = ("-D", "-I", "-isystem", "-std", "-m")  # flags that decide what is declared

# The names that C++ has for C's headers are those of the house.
C_HEADERS = "ctype errno limits math signal stddef stdint stdio stdlib string time".split()
CXX_NAMES = {f"<{name}.h>": f"<c{name}>" for name in C_HEADERS}
# The kernel's and the C library's own headers are not judged: which of several has a name is their affair.
OTHERS = """bitset cctype climits cmath compare concepts condition_variable ctime exception future initializer_list ios
iostream limits list numeric ostream queue ranges shared_mutex stdexcept stop_token typeinfo unordered_set""".split()
STANDARD = {f"<{name}>" for name in PRECOMPILED + OTHERS}
# What it does not know to be <algorithm>'s.
NO_ALGORITHMS = r"begin|end|size|empty|data|range_|to\b|views|subrange|[a-z]*_range\b|[a-z_]*_t\b"
RANGES_ALGORITHM = re.compile(rf"\bstd::ranges::(?!{NO_ALGORITHMS})[a-z_]+\(")


def flags_for(file: Path, commands: dict[Path, list[str]]) -> list[str]:
    """Those of the source itself; for a header, of the source that shares most of its path with it."""
    if file in commands:
        return commands[file]
    includes = f'#include "{file}"'

    def kinship(source: Path) -> tuple[int, bool]:
        used = includes in (project.ROOT / source).read_text(encoding="utf-8")
        return used, len(os.path.commonprefix([str(source), str(file)]))

    return commands[max(sorted(commands), key=kinship)]


def deciding(command: str) -> list[str]:
    words = shlex.split(project.flags_of(command))
    kept = []
    while words:
        word = words.pop(0)
        if word.startswith(KEPT):
            kept.append(word)
            if word in KEPT:
                kept.append(words.pop(0))
    return [*kept, "-w"]


class Precompiled:
    """The standard library, once for each set of flags."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.lock = threading.Lock()
        self.made: dict[str, list[str]] = {}

    def flags(self, flags: list[str]) -> list[str]:
        key = shlex.join(flags)
        with self.lock:
            if key not in self.made:
                self.made[key] = [*flags, "-include-pch", str(self.make(flags, key))]
            return self.made[key]

    def make(self, flags: list[str], key: str) -> Path:
        path = self.folder / (hashlib.sha256(key.encode()).hexdigest()[:16] + ".pch")
        text = "".join(f"#include <{name}>\n" for name in PRECOMPILED)
        command = [CLANG, *flags, "-x", "c++-header", "-", "-o", str(path)]
        subprocess.run(command, input=text, text=True, check=True)
        return path


def written(file: Path) -> set[str]:
    """The files that it includes, as <x> or "x"."""
    lines = (line.split() for line in file.read_text(encoding="utf-8").splitlines())
    return {words[1] for words in lines if len(words) > 1 and words[0] == "#include"}


def own_header(file: Path) -> set[str]:
    """The includes of the header with the source's own name, which count as the source's."""
    header = project.ROOT / file.with_suffix(".h")
    return written(header) if file.suffix == ".cc" and header.is_file() else set()


def changes(file: Path, flags: list[str]) -> list[str]:
    """The headers that are missing, as <x> or "x"."""
    command = ["nice", CLEANER, "--print=changes", str(file), "--", "-x", "c++", *flags]
    run = subprocess.run(command, cwd=project.ROOT, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        return [f"does not compile: {run.stderr}"]
    there = written(project.ROOT / file)
    known = there | own_header(file)
    found = set()
    for line in run.stdout.splitlines():
        header = line[2:].partition("@")[0].strip()
        header = CXX_NAMES.get(header, header)
        judged = header in STANDARD or header.startswith('"')
        if line.startswith("+") and judged and header not in known:
            found.add(header)
    if RANGES_ALGORITHM.search((project.ROOT / file).read_text(encoding="utf-8")) and "<algorithm>" not in known:
        found.add("<algorithm>")
    return sorted(found)


def edit(file: Path, found: list[str]) -> None:
    """Adds the headers; clang-format puts each block in order."""
    path = project.ROOT / file
    lines = path.read_text(encoding="utf-8").split("\n")
    for header in found:
        place, text = block_for(header, lines, file.suffix == ".cc" and path.with_suffix(".h").is_file())
        lines[place:place] = text
    path.write_text("\n".join(lines), encoding="utf-8")


def block_for(header: str, lines: list[str], has_own: bool) -> tuple[int, list[str]]:
    """Where an include goes, and its line; with an empty one where it begins a block: C++'s headers, then ours."""
    included = [(number, line.split()[1]) for number, line in enumerate(lines) if line.startswith("#include ")]
    others = included[has_own:]
    if header[0] == '"':
        alike = [number for number, name in others if name[0] == '"']
    else:
        alike = [number for number, name in others if name in STANDARD]
    if alike:
        return alike[0], [f"#include {header}"]
    before = [number for number, name in others if name[0] == "<"] or [number for number, _ in included[:has_own]]
    if not before:
        before = [number for number, line in enumerate(lines) if line.startswith("#pragma once")]
    if not before:
        return 0, [f"#include {header}", ""]
    return before[-1] + 1, ["", f"#include {header}"]


def check(file: Path, commands: dict[Path, list[str]], precompiled: Precompiled) -> tuple[Path, list[str]]:
    flags = flags_for(file, commands)
    if not any(flag.startswith("-m") for flag in flags):  # clang takes no precompiled header of another processor
        flags = precompiled.flags(flags)
    return file, changes(file, flags)


def check_all(files: list[Path], commands: dict[Path, list[str]]) -> list[tuple[Path, list[str]]]:
    with tempfile.TemporaryDirectory() as folder:
        one = functools.partial(check, commands=commands, precompiled=Precompiled(Path(folder)))
        return [outcome for outcome in project.in_parallel(one, files) if outcome[1]]


SAMPLES = {
    "good.h": "#pragma once\n#include <vector>\ninline std::vector<int> a() { return {}; }\n",
    "leans.h": "#pragma once\ninline std::vector<int> leans() { return {}; }\n",
    "ranges.h": "#pragma once\ninline int* first(int (&a)[3]) { return std::ranges::find(a, 1); }\n",
}


def self_test() -> int:
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in SAMPLES]
        for file in files:
            file.write_text(SAMPLES[file.name], encoding="utf-8")
        found = {file.name: said for file, said in check_all(files, dict.fromkeys(files, ["-std=c++23", "-w"]))}
    print(found)
    wanted = {"leans.h": ["<vector>"], "ranges.h": ["<algorithm>"]}
    return 0 if found == wanted else 1


def main() -> int:
    words = sys.argv[1:]
    if words == ["--self-test"]:
        return self_test()
    mends = words[0] == "--edit"
    build, *named = words[mends:]
    entries = json.loads((Path(build) / "compile_commands.json").read_text(encoding="utf-8"))
    commands = {}
    for entry in entries:
        source = Path(entry["file"])
        if source.is_relative_to(project.ROOT):
            commands[source.relative_to(project.ROOT)] = deciding(entry["command"])
    files = [Path(name) for name in named] or project.files(*project.CXX_SUFFIXES)
    outcomes = check_all(files, commands)
    for file, found in outcomes if mends else ():
        edit(file, found)
    findings = [
        Finding(str(file), 0, f"{header} is not included", "includes what it uses")
        for file, found in outcomes
        for header in found
    ]
    return project.report(findings, len(files), "files")


if __name__ == "__main__":
    sys.exit(main())
