"""Rules for every text of the project: C++, scripts, data and prose.

    texts.py               checks the project
    texts.py --self-test   shows that each rule finds what it forbids
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import project
from project import Finding

MAX_LINES = 700
MAX_COLUMNS = 120
WRAPPED_BY_HAND = (".py", ".sh", ".cmake")  # C++ is clang-format's matter

# Shell scripts are indented with tabs, so that <<- can take them off again.
TABS = {True: re.compile(r"[^\t]\t"), False: re.compile(r"\t")}

# Patterns that no line may contain, and their rules. They do not match themselves.
LINE_RULES = [
    (re.compile(r"[ \t\r]+$"), "no trailing space"),
    (re.compile(r"\b(?:TO[D]O|FIX[M]E|X{3})\b(?!\([a-z]+\))"), "open ends have an owner"),
    (re.compile(r"(?<![\w.])/(?:home/[a-z]|work/|ro[o]t/)"), "no paths of one machine"),
    # The name of a namespace of XML is no address.
    (re.compile(r'(?<!xmlns=")http:/{2}[a-z][\w-]*\.[a-z]'), "no host without TLS"),
]


def check_lines(path: Path, text: str) -> list[Finding]:
    name = str(path)
    findings = []
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        for pattern, rule in LINE_RULES:
            if match := pattern.search(line):
                findings.append(Finding(name, number, repr(match[0]), rule))
        if TABS[path.suffix == ".sh"].search(line):
            findings.append(Finding(name, number, "a tab: use spaces", "no tabs"))
        if path.suffix in WRAPPED_BY_HAND and len(line) > MAX_COLUMNS:
            what = f"{len(line)} columns"
            findings.append(Finding(name, number, what, f"at most {MAX_COLUMNS}"))
    if text and (not text.endswith("\n") or text.endswith("\n\n")):
        findings.append(Finding(name, len(lines), "not exactly one line end", "last line"))
    if len(lines) - 1 > MAX_LINES:
        what = f"{len(lines) - 1} lines: it is more than one thing"
        findings.append(Finding(name, 0, what, f"at most {MAX_LINES} lines"))
    return findings


def check_kind(path: Path, root: Path, text: str) -> list[Finding]:
    """Rules for files of one kind."""
    name = str(path)
    first = text.partition("\n")[0]
    findings = []
    if path.suffix == ".h" and "#pragma once" not in text:
        findings.append(Finding(name, 1, "no #pragma once", "headers guard themselves"))
    if path.suffix == ".py":
        try:
            ast.parse(text, name)
        except SyntaxError as error:
            findings.append(Finding(name, error.lineno or 0, f"{error.msg}", "python compiles"))
    executable = bool((root / path).stat().st_mode & 0o100)
    if executable != first.startswith("#!"):
        what = "executable without #!" if executable else "has #! and is not executable"
        findings.append(Finding(name, 1, what, "scripts run"))
    if first.startswith("#!") and re.search(r"\b(?:ba|da)?sh\b", first):
        findings.extend(shellcheck(path, root))
    return findings


def shellcheck(path: Path, root: Path) -> list[Finding]:
    tool = project.require_tool("shellcheck", "shellcheck")
    command = [tool, "--format=gcc", "--external-sources", str(path)]
    output = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False).stdout
    findings = []
    for line in output.splitlines():
        file, number, _, what = line.split(":", 3)
        findings.append(Finding(file, int(number), what.strip(), "shellcheck"))
    return findings


def check_tree(root: Path) -> tuple[list[Finding], int]:
    findings = []
    paths = project.files(root=root)
    for path in paths:
        try:
            text = (root / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            findings.append(Finding(str(path), 0, "is not UTF-8", "text"))
            continue
        findings += check_lines(path, text) + check_kind(path, root, text)
    return findings, len(paths)


def self_test() -> int:
    samples = {
        "tab.cc": ("int a;\n\tint b;\n", "no tabs"),
        "tabs.sh": ("if true; then\n\ttrue\nfi\n", None),
        "tab.sh": ("true\tthat\n", "no tabs"),
        "space.md": ("a \n", "no trailing space"),
        "note.py": ("# TO" "DO: later\n", "open ends have an owner"),
        "owned.py": ("# TO" "DO(anna): later\n", None),
        "home.md": ("cd /ho" "me/anna/src\n", "no paths of one machine"),
        "plain.sh": ("curl htt" "p://registry.example.org/x\n", "no host without TLS"),
        "address.md": ("curl htt" "p://10.0.0.1/\n", None),
        "end.md": ("a", "last line"),
        "twice.md": ("a\n\n", "last line"),
        "long.h": ("#pragma once\n" + "//\n" * MAX_LINES, f"at most {MAX_LINES} lines"),
        "wide.py": ("#" + "-" * MAX_COLUMNS + "\n", f"at most {MAX_COLUMNS}"),
        "guard.h": ("int a();\n", "headers guard themselves"),
        "broken.py": ("def f(:\n", "python compiles"),
        "script.sh": ("#!/bin/sh\ntrue\n", "scripts run"),
        "quotes": ("#!/bin/sh\nrm $1\n", "shellcheck"),
        "fine.cc": ("int a;\n", None),
    }
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, (text, _) in samples.items():
            (root / name).write_text(text, encoding="utf-8")
        (root / "quotes").chmod(0o755)
        found: dict[str, set[str]] = {name: set() for name in samples}
        for finding in check_tree(root)[0]:
            found[finding.file].add(finding.rule)
    for name, (_, rule) in samples.items():
        good = found[name] == ({rule} if rule else set())
        print("ok  " if good else "FAIL", name, "->", *found[name])
        failures += not good
    return 1 if failures else 0


def main() -> int:
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    findings, checked = check_tree(project.ROOT)
    return project.report(findings, checked, "files")


if __name__ == "__main__":
    sys.exit(main())
