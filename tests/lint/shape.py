"""The shape of the programs as a whole: which folder leans on which, and how big each part is.

    shape.py               checks the project
    shape.py --draw        prints each folder with its share of the lines and the folders that it includes
    shape.py --self-test   shows that each rule finds what it forbids
"""

from __future__ import annotations

import collections
import dataclasses
import sys
import tempfile
from pathlib import Path

import layers
import project
from project import Finding

PROGRAMS = ("shared/", "wg4netns/", "netns-helper/")
MAX_SHARE = 0.20  # of all lines, in one folder
MAX_LINES = 500  # of a file; longer is more than one noun


@dataclasses.dataclass
class Shape:
    lines: dict[str, int]  # of each file
    leans_on: dict[str, set[str]]  # folder -> the folders that its files include

    def folder_lines(self) -> dict[str, int]:
        total: collections.Counter[str] = collections.Counter()
        for file, count in self.lines.items():
            total[folder_of(file)] += count
        return total

    def circle(self) -> list[str] | None:
        """Folders that lean on each other, the first one again at the end."""
        done: set[str] = set()

        def walk(folder: str, path: list[str]) -> list[str] | None:
            if folder in path:
                return [*path[path.index(folder) :], folder]
            if folder in done:
                return None
            for below in sorted(self.leans_on.get(folder, ())):
                if found := walk(below, [*path, folder]):
                    return found
            done.add(folder)
            return None

        return next((found for folder in sorted(self.leans_on) if (found := walk(folder, []))), None)


def folder_of(file: str) -> str:
    return file.rpartition("/")[0]


def shape_of(root: Path) -> Shape:
    shape = Shape({}, collections.defaultdict(set))
    for path in project.files(*project.CXX_SUFFIXES, root=root):
        file = str(path)
        if not file.startswith(PROGRAMS):
            continue
        shape.lines[file] = (root / path).read_text(encoding="utf-8").count("\n")
        for include in layers.includes_of(root, file):
            if include.ours and folder_of(include.header) != folder_of(file):
                shape.leans_on[folder_of(file)].add(folder_of(include.header))
    return shape


def check(shape: Shape) -> list[Finding]:
    findings = []
    if circle := shape.circle():
        findings.append(Finding(circle[0], 0, "a circle: " + " -> ".join(circle), "arrows between folders go one way"))
    total = sum(shape.lines.values())
    for folder, lines in shape.folder_lines().items():
        if lines > MAX_SHARE * total:
            findings.append(Finding(folder, 0, f"{lines} of {total} lines", f"at most {MAX_SHARE:.0%} in one folder"))
    for file, lines in shape.lines.items():
        if lines > MAX_LINES:
            findings.append(Finding(file, 0, f"{lines} lines", f"at most {MAX_LINES} lines in a source"))
    return findings


def draw(shape: Shape) -> None:
    total = sum(shape.lines.values())
    for folder, lines in sorted(shape.folder_lines().items(), key=lambda entry: -entry[1]):
        print(f"{lines:6} {lines / total:4.0%}  {folder}: {' '.join(sorted(shape.leans_on.get(folder, ())))}")


# Trees, and the rule that each breaks (None: it breaks none).
SAMPLES: list[tuple[dict[str, str], str | None]] = [
    (
        {f"wg4netns/{name}/x.h": "\n" for name in "abcde"} | {"wg4netns/f/x.cc": '#include "wg4netns/a/x.h"\n'},
        None,
    ),
    (
        {f"wg4netns/{name}/x.h": "\n" for name in "cde"}
        | {
            "wg4netns/a/x.h": '#include "wg4netns/b/x.h"\n',
            "wg4netns/b/x.h": '#include "shared/f/x.h"\n',
            "shared/f/x.h": '#include "wg4netns/a/x.h"\n',
        },
        "arrows between folders go one way",
    ),
    ({"shared/a/x.cc": "\n" * 30, "shared/b/x.cc": "\n"}, "at most 20% in one folder"),
    ({f"shared/{name}/x.cc": "\n" * 501 for name in "abcdef"}, "at most 500 lines in a source"),
]


def self_test() -> int:
    failures = 0
    for tree, rule in SAMPLES:
        with tempfile.TemporaryDirectory() as folder:
            for file, text in tree.items():
                (Path(folder) / file).parent.mkdir(parents=True, exist_ok=True)
                (Path(folder) / file).write_text(text, encoding="utf-8")
            found = {finding.rule for finding in check(shape_of(Path(folder)))}
        good = rule in found if rule else not found
        print("ok  " if good else "FAIL", rule, "->", found)
        failures += not good
    return 1 if failures else 0


def main() -> int:
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    shape = shape_of(project.ROOT)
    if sys.argv[1:] == ["--draw"]:
        draw(shape)
        return 0
    return project.report(check(shape), len(shape.lines), "files")


if __name__ == "__main__":
    sys.exit(main())
