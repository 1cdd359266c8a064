"""The pure layers do no I/O and know no clock, chance or thread: nm(1) says so.

    purity.py LIBRARY...              checks static libraries
    purity.py --self-test COMPILER    shows that each kind of call is found

Headers are layers.py's matter; this finds what comes in without one: a forward declaration, a
library's inline code.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from fnmatch import fnmatchcase
from pathlib import Path

import project
from project import Finding

RULES = json.loads(Path(__file__).with_name("purity.json").read_text(encoding="utf-8"))


def plain(symbol: str) -> str:
    """open64 and __open64_2 are open, __fprintf_chk is fprintf."""
    symbol = re.sub(r"^__(\w+?)_(chk|2)$", r"\1", symbol)
    return re.sub(r"(?<=[a-z])64(v\d)?$", "", symbol) if not symbol.startswith("_Z") else symbol


def verdict(symbol: str, member: str) -> str | None:
    """Why a symbol is denied to an object file."""
    name = plain(symbol)
    if any(fnmatchcase(name, pattern) for rule in RULES["allowed"] for pattern in rule["symbols"]):
        return None
    for rule in RULES["denied"]:
        if member not in rule.get("only_in", []) and any(fnmatchcase(name, pattern) for pattern in rule["symbols"]):
            return rule["why"]
    return None


def undefined_symbols(library: Path) -> list[tuple[str, str]]:
    """(object file, symbol) of everything that the library wants from elsewhere."""
    run = subprocess.run(["nm", "-A", "-u", library], check=True, capture_output=True, text=True)
    rows = []
    for line in run.stdout.splitlines():
        place, _, symbol = line.rpartition(" ")
        rows.append((place.split(":")[1], symbol))
    return rows


def check(library: Path) -> list[Finding]:
    symbols = undefined_symbols(library)
    if not symbols:
        return [Finding(library.name, 0, "nm sees no symbols in it", "purity")]
    return [
        Finding(f"{library.name}({member})", 0, f"{symbol} {why}", "purity")
        for member, symbol in symbols
        if (why := verdict(symbol, member))
    ]


# Name, text, and whether it must be found.
SAMPLES = [
    ("pure", '#include <cstring>\nauto f(const char* a) { return std::strlen(a); }', False),
    ("check", '#include "shared/base/check.h"\nvoid f(int a) { CHECK(a == 1); }', False),
    ("file", '#include <fcntl.h>\nint f() { return open64("x", O_RDONLY); }', True),
    ("network", '#include <sys/socket.h>\nint f() { return socket(1, 2, 3); }', True),
    ("print", '#include <iostream>\nvoid f() { std::cout << 1; }', True),
    ("clock", '#include <chrono>\nauto f() { return std::chrono::steady_clock::now(); }', True),
    ("wall clock", '#include <ctime>\nauto f() { return std::time(nullptr); }', True),
    ("chance", '#include <sys/random.h>\nauto f(char* a) { return getrandom(a, 1, 0); }', True),
    ("no header", 'extern "C" int randombytes_random();\nauto f = randombytes_random();', True),
    ("thread", '#include <thread>\nvoid f() { std::thread([] {}).join(); }', True),
    ("code", '#include <dlfcn.h>\nauto f() { return dlopen("a", RTLD_NOW); }', True),
    ("environment", '#include <cstdlib>\nauto f() { return std::getenv("A"); }', True),
]


def self_test(compiler: str) -> int:
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, text, expected in SAMPLES:
            stem = Path(folder) / name.replace(" ", "_")
            stem.with_suffix(".cc").write_text(text, encoding="utf-8")
            flags = ["-std=c++23", "-O2", f"-I{project.ROOT}"]
            subprocess.run([compiler, *flags, "-c", "-o", f"{stem}.o", f"{stem}.cc"], check=True)
            subprocess.run(["ar", "qc", f"{stem}.a", f"{stem}.o"], check=True)
            findings = check(stem.with_suffix(".a"))
            good = bool(findings) == expected
            print("ok  " if good else "FAIL", name, "->", *findings)
            failures += not good
    return 1 if failures else 0


def main() -> int:
    arguments = sys.argv[1:]
    if arguments[:1] == ["--self-test"]:
        return self_test(arguments[1])
    libraries = [Path(argument) for argument in arguments]
    findings = [finding for library in libraries for finding in check(library)]
    return project.report(findings, len(libraries), "libraries")


if __name__ == "__main__":
    sys.exit(main())
