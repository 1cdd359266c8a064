"""Who may include whom: holds every #include of the project against layers.json, and follows them to the end.

    layers.py               checks the project
    layers.py --self-test   shows that each kind of violation is found
"""

from __future__ import annotations

import dataclasses
import json
import re
import sys
import tempfile
from fnmatch import fnmatchcase
from pathlib import Path

import project
from project import Finding

RULES = Path(__file__).with_name("layers.json")
INCLUDE = re.compile(r'\s*#\s*include\s*(?:<(?P<external>[^>]+)>|"(?P<ours>[^"]+)")')
GENERATED = ("shared/base/version.h",)  # made from a .in file by CMake


@dataclasses.dataclass(frozen=True)
class Include:
    file: str
    line: int
    header: str
    ours: bool  # written with quotes


def fits(name: str, patterns: list[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def includes_of(root: Path, file: str) -> list[Include]:
    found = []
    for number, line in enumerate((root / file).read_text(encoding="utf-8").splitlines(), 1):
        if match := INCLUDE.match(line):
            ours = match["ours"] is not None
            found.append(Include(file, number, match["ours"] or match["external"], ours))
    return found


class Rules:
    def __init__(self, path: Path):
        rules = json.loads(path.read_text(encoding="utf-8"))
        self.groups: dict[str, list[str]] = rules["header_groups"]
        self.layers: list[dict] = rules["layers"]
        self.exceptions: list[dict] = rules["exceptions"]
        self.nobody_includes: list[dict] = rules["nobody_includes"]
        self.closures: list[dict] = rules["closures"]

    def layer_of(self, file: str) -> dict | None:
        return next((layer for layer in self.layers if fits(file, layer["files"])), None)

    def group_of(self, header: str) -> str | None:
        fitting = (name for name, patterns in self.groups.items() if fits(header, patterns))
        return next(fitting, None)

    def check(self, include: Include, root: Path) -> Finding | None:
        layer = self.layer_of(include.file)
        if layer is None:
            what = "belongs to no layer: add its folder to layers.json"
            return Finding(include.file, 0, what, "layer")
        if include.ours:
            verdict = self.check_ours(include, layer, root)
        else:
            verdict = self.check_external(include, layer)
        return Finding(include.file, include.line, *verdict) if verdict else None

    def check_ours(self, include: Include, layer: dict, root: Path) -> tuple[str, str] | None:
        header = include.header
        if header not in GENERATED and not (root / header).is_file():
            return f'"{header}" is no file of the project, seen from its root', "rooted include"
        for rule in self.nobody_includes:
            if fits(header, rule["files"]) and not fits(include.file, rule["except"]):
                return f'"{header}" is not for others', f"nobody includes {rule['files'][0]}"
        if fits(header, layer["files"]) or fits(header, layer["project"]):
            return None
        allowed = " ".join(layer["project"]) or "nothing else of ours"
        return f'"{header}" is out of reach', f"{layer['name']} may include {allowed}"

    def check_external(self, include: Include, layer: dict) -> tuple[str, str] | None:
        header = include.header
        for rule in self.exceptions:
            if include.file == rule["file"] and fits(header, rule["external"]):
                return None
        group = self.group_of(header)
        if group is None:
            return f"<{header}> is in no header group of layers.json", "known headers"
        if group in layer["external"]:
            return None
        allowed = " ".join(layer["external"])
        return f"<{header}> ({group}) is out of reach", f"{layer['name']} may include {allowed}"


def out_of_reach(header: str, rule: dict) -> bool:
    return fits(header, rule["never"]) if "never" in rule else not fits(header, rule["only"])


def chain_to(start: str, rule: dict, graph: dict[str, list[Include]]) -> list[Include]:
    """The shortest chain of includes from a file to one that it must not reach; empty if there is none."""
    ways: dict[str, list[Include]] = {start: []}
    waiting = [start]
    for file in waiting:  # grows as it goes
        for include in graph.get(file, []):
            if not include.ours or include.header in GENERATED or include.header in ways:
                continue
            way = ways[include.header] = [*ways[file], include]
            if out_of_reach(include.header, rule):
                return way
            waiting.append(include.header)
    return []


def check_closures(rules: Rules, graph: dict[str, list[Include]]) -> list[Finding]:
    findings = []
    for rule in rules.closures:
        for file in graph:
            if fits(file, rule["files"]) and (chain := chain_to(file, rule, graph)):
                what = "reaches " + " -> ".join(include.header for include in chain)
                findings.append(Finding(file, chain[0].line, what, f"closure: {rule['because']}"))
    return findings


def check_tree(rules: Rules, root: Path) -> tuple[list[Finding], int]:
    files = [str(path) for path in project.files(*project.CXX_SUFFIXES, root=root)]
    graph = {file: includes_of(root, file) for file in files}
    verdicts = (rules.check(include, root) for includes in graph.values() for include in includes)
    findings = [verdict for verdict in verdicts if verdict] + check_closures(rules, graph)
    return findings, len(files)


def stale_exceptions(rules: Rules) -> list[Finding]:
    """An exception that is no longer needed is a finding."""
    stale = []
    for rule in rules.exceptions:
        path = project.ROOT / rule["file"]
        used = includes_of(project.ROOT, rule["file"]) if path.is_file() else []
        if not any(fits(include.header, rule["external"]) for include in used):
            what = f"the exception for {rule['file']} is not needed"
            stale.append(Finding("tests/lint/layers.json", 0, what, "exceptions"))
    return stale


def idle_closures(rules: Rules) -> list[Finding]:
    """A pattern that fits no file any more guards nothing."""
    files = [str(path) for path in project.files(*project.CXX_SUFFIXES)]
    patterns = (pattern for rule in rules.closures for pattern in rule["files"] + rule.get("never", []))
    idle = (pattern for pattern in patterns if not any(fits(file, [pattern]) for file in files))
    return [Finding("tests/lint/layers.json", 0, f"no file is {pattern}", "closures") for pattern in idle]


# What must be found: file, its text, and a part of the rule that it breaks (None: it breaks none).
SAMPLES = [
    ("wg4netns/core/a.cc", '#include "wg4netns/crypto/c.h"\n#include <span>\n', None),
    ("wg4netns/core/b.cc", "// theory\n#include <unistd.h>\n", "core may include"),
    ("wg4netns/core/d.cc", "#include <thread>\n", "core may include"),
    ("wg4netns/core/e.cc", '#include "shared/sys/s.h"\n', "core may include"),
    ("wg4netns/core/f.cc", '#include "wg4netns/io/i.h"\n', "core may include"),
    ("wg4netns/core/g.cc", '#include "wg4netns/daemon/serve.h"\n', "core may include"),
    ("wg4netns/core/h.cc", '#include "a.h"\n', "rooted include"),
    ("wg4netns/core/j.cc", "#include <boost/asio.hpp>\n", "known headers"),
    ("wg4netns/crypto/c.h", "  #  include <sodium/utils.h>\n", None),
    ("wg4netns/io/i.h", '#include "wg4netns/core/device.h"\n', "io may include"),
    ("wg4netns/core/device.h", "", None),
    ("wg4netns/daemon/serve.h", '#include "shared/handoff/m.h"\n', None),
    ("wg4netns/main.cc", '#include "wg4netns/daemon/serve.h"\n', None),
    ("wg4netns/dataplane/tunnel.h", "", None),
    ("wg4netns/commands/show.h", '#include "wg4netns/daemon/serve.h"\n', None),
    ("wg4netns/commands/show.cc", '#include "wg4netns/dataplane/tunnel.h"\n', "commands may include"),
    ("wg4netns/commands/check.cc", '#include "wg4netns/doctor/doctor.h"\n', "commands may include"),
    ("wg4netns/commands/reload.cc", '#include "wg4netns/engines/pasta.h"\n', "commands may include"),
    ("wg4netns/commands/wg_command.cc", "#include <CLI/CLI.hpp>\n", "commands may include"),
    ("wg4netns/commands/cli.cc", '#include "wg4netns/commands/show.h"\n', "command line may include"),
    ("wg4netns/commands/parser.cc", "// options\n#include <CLI/CLI.hpp>\n", None),
    ("wg4netns/doctor/doctor.h", "", None),
    ("wg4netns/engines/pasta.h", "", None),
    ("shared/sys/s.h", '#include "shared/handoff/m.h"\n', "sys may include"),
    ("shared/handoff/m.h", '#include "wg4netns/core/device.h"\n', "handoff may include"),
    ("shared/net/n.cc", "#include <arpa/inet.h>\n", "net may include"),
    ("netns-helper/link.cc", '#include "wg4netns/core/device.h"\n', "helper may include"),
    ("netns-helper/tun.cc", '#include "netns-helper/engines/oci.h"\n', "nobody includes"),
    ("netns-helper/engines/oci.h", "#include <nlohmann/json.hpp>\n", None),
    ("netns-helper/json.cc", "#include <nlohmann/json.hpp>\n", "helper may include"),
    ("attic/old.cc", "#include <span>\n", "layer"),
    # A key in the helper's reach: each step is allowed, the whole way is not.
    ("shared/base/keys.h", "", None),
    ("shared/net/owner.h", '#include "shared/base/keys.h"\n', "closure: nothing that the helper"),
    ("shared/link/plan.h", '#include "shared/net/owner.h"\n', "closure: nothing that the helper"),
    ("netns-helper/follow.cc", '// theory\n#include "shared/link/plan.h"\n', "closure: nothing that the helper"),
    ("netns-helper/clean.cc", '#include "shared/net/clean.h"\n', None),
    ("shared/net/clean.h", '#include "shared/net/circle.h"\n', None),
    ("shared/net/circle.h", '#include "shared/net/clean.h"\n', None),
    # What the core reaches by way of a layer below it.
    ("wg4netns/crypto/up.h", '#include "wg4netns/profile/file.h"\n', "crypto may include"),
    ("wg4netns/core/k.cc", '#include "wg4netns/crypto/up.h"\n', "closure: the protocol"),
    ("wg4netns/commands/move.cc", '#include "wg4netns/dataplane/tunnel.h"\n', "commands may include"),
    ("wg4netns/dataplane/tunnel.h", "", None),
    ("wg4netns/profile/file.h", "", None),
]
# ... and the whole of one finding, so that a reader sees the way.
WHOLE = (
    "netns-helper/follow.cc:2: reaches shared/link/plan.h -> shared/net/owner.h -> shared/base/keys.h "
    "[closure: nothing that the helper is made of knows what a key is]"
)


def self_test(rules: Rules) -> int:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for file, text, _ in SAMPLES:
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            (root / file).write_text(text, encoding="utf-8")
        findings = check_tree(rules, root)[0]
    failures = 0 if WHOLE in map(str, findings) else 1
    found = {finding.file: finding for finding in reversed(findings)}  # of a file that has two: the first
    for file, text, rule in SAMPLES:
        finding = found.get(file)
        line = text[: text.index("#")].count("\n") + 1 if "#" in text and rule != "layer" else 0
        expected = rule is not None
        good = (finding is not None) == expected
        if finding and expected:
            good = rule in finding.rule and finding.line == line
        print("ok  " if good else "FAIL", file, "->", finding)
        failures += not good
    return 1 if failures else 0


def main() -> int:
    rules = Rules(RULES)
    if sys.argv[1:] == ["--self-test"]:
        return self_test(rules)
    findings, checked = check_tree(rules, project.ROOT)
    return project.report(findings + stale_exceptions(rules) + idle_closures(rules), checked, "files")


if __name__ == "__main__":
    sys.exit(main())
