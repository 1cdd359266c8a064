"""clang-tidy has nothing to say about the programs' sources; .clang-tidy has the checks.

    tidy.py BUILDDIR [FILE...]    all sources, or those named; made with the `lint` preset
    tidy.py --self-test BUILDDIR  shows that a violation is found in the middle of a batch

Sources are looked at in batches (batches.py). What was clean is remembered by all that clang-tidy looks at, in
$XDG_CACHE_HOME: a second run, in a fresh clone too, looks at what has changed.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import batches
import project
from batches import Batch

FOLDERS = ("shared", "wg4netns", "netns-helper")
TIDY = project.require_tool("clang-tidy-19", "clang-tidy-19")
# A batch includes sources on purpose; includes.py checks the includes.
NOT_IN_BATCHES = "-bugprone-suspicious-include,-misc-include-cleaner"
# Else the analyzer would pass over all that is not in the main file.
ANALYZE_ALL = ("--extra-arg=-Xclang", "--extra-arg=-analyzer-opt-analyze-headers")
BROKEN = "clang-diagnostic-error"


def configure(build: Path) -> dict[Path, str]:
    """The flags of each source file, by its path from the root."""
    command = ["cmake", "--preset", "lint", "-B", str(build), "-DBUILD_TESTING=OFF"]
    run = subprocess.run(command, cwd=project.ROOT, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        sys.exit(f"{shlex.join(command)} failed:\n{run.stdout}{run.stderr}")
    entries = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    return {
        Path(entry["file"]).relative_to(project.ROOT): project.flags_of(entry["command"])
        for entry in entries
        if Path(entry["file"]).is_relative_to(project.ROOT)
    }


@functools.cache
def settings() -> bytes:
    version = subprocess.run([TIDY, "--version"], check=True, capture_output=True).stdout
    return version + (project.ROOT / ".clang-tidy").read_bytes() + Path(__file__).read_bytes()


@functools.cache
def memory() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "wireguard4netns" / "tidy"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def fingerprint(batch: Batch, main: Path) -> str | None:
    """Of sources, their headers and flags, the checks and the tool; nothing if they are broken."""
    words = ["clang++-19", *shlex.split(batch.flags), "-E", "-C", "-P", str(main)]
    run = subprocess.run(words, capture_output=True, check=False)
    if run.returncode != 0:
        return None
    flags = batch.flags.replace(str(project.ROOT), ".").replace(str(main.parents[1]), "build")
    names = " ".join(map(str, batch.sources))
    return hashlib.sha256(settings() + f"{flags} {names}".encode() + run.stdout).hexdigest()


def look(batch: Batch, main: Path) -> str:
    """clang-tidy's findings; empty if there are none."""
    config = f"--config-file={project.ROOT / '.clang-tidy'}"
    command = [TIDY, "--quiet", config, f"--checks={NOT_IN_BATCHES}", *ANALYZE_ALL]
    run = subprocess.run(
        ["nice", *command, str(main), "--", *shlex.split(batch.flags)],
        cwd=project.ROOT, capture_output=True, text=True, check=False,
    )
    return (run.stdout or run.stderr) if run.returncode != 0 else ""


def check(batch: Batch, folder: Path) -> str:
    main = folder / (hashlib.sha256(batch.text().encode()).hexdigest()[:16] + ".cc")
    main.write_text(batch.text(), encoding="utf-8")
    key = fingerprint(batch, main)
    if key and (memory() / key).exists():
        return ""
    said = look(batch, main)
    if BROKEN in said and len(batch.sources) > 1:
        # Names clash that batches.py does not see: each alone.
        alone = (Batch(batch.flags, batch.folder, [source], set()) for source in batch.sources)
        return "\n".join(filter(None, (check(single, folder) for single in alone)))
    if key and not said:
        (memory() / key).touch()
    return said


def check_all(flags: dict[Path, str], sources: list[Path], build: Path) -> list[str]:
    folder = build / "batches"
    folder.mkdir(exist_ok=True)
    made = batches.make(flags, sources)
    made.sort(key=lambda batch: -len(batch.sources))  # long ones first: none is left alone at the end
    print(f"{len(made)} batches")
    return [said for said in project.in_parallel(functools.partial(check, folder=folder), made) if said]


SAMPLES = {
    "samples.h": "#pragma once\nint a();\nint b();\nint* c();\nint d();\n",
    "good.cc": "namespace {\nint two() { return 2; }\n}  // namespace\nint a() { return two(); }\n",
    "clash.cc": "namespace {\nint two() { return 1 + 1; }\n}  // namespace\nint b() { return two(); }\n",
    "null.cc": "int* c() { return 0; }\n",  # modernize-use-nullptr
    "leak.cc": "int d() {\n  int* n = new int(3);\n  return *n;\n}\n",  # the static analyzer
    "linkage.cc": "int e() { return 1; }\n",  # misc-use-internal-linkage
}


def self_test(build: Path) -> int:
    samples = build / "wg4netns"  # a folder that HeaderFilterRegex knows
    samples.mkdir(parents=True, exist_ok=True)
    for name, text in SAMPLES.items():
        (samples / name).write_text(text, encoding="utf-8")
    flags = {samples / name: f"-std=c++23 -include {samples}/samples.h" for name in SAMPLES if ".cc" in name}
    said = "\n".join(check_all(flags, list(flags), build))
    found = {name: f"{name}:" in said for name in SAMPLES}
    print(found)
    return 0 if [name for name in SAMPLES if found[name]] == ["null.cc", "leak.cc", "linkage.cc"] else 1


def main() -> int:
    if sys.argv[1] == "--self-test":
        return self_test(Path(sys.argv[2]).resolve())
    build = Path(sys.argv[1]).resolve()
    flags = configure(build)
    wanted = [Path(name) for name in sys.argv[2:]] or [
        path for path in project.files(".cc") if path.parts[0] in FOLDERS
    ]
    if missing := [str(source) for source in wanted if source not in flags]:
        sys.exit(f"not built, so not checked: {' '.join(missing)}. Add them to a CMakeLists.txt")
    said = check_all(flags, wanted, build)
    print(*(text.strip() for text in said), sep="\n\n")
    print(f"{len(wanted)} files, {len(said)} batches with findings")
    return 1 if said or not wanted else 0


if __name__ == "__main__":
    sys.exit(main())
