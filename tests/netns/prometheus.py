"""Prometheus's text format as its own tools would read it, and the rules of `promtool check metrics`."""

from __future__ import annotations

import dataclasses
import re
import urllib.request

from processes import PATIENCE_S

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"(?:,|$)')
SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)")
TYPES = ("counter", "gauge", "histogram", "summary", "untyped")
# Units that have a base unit, and types that have no business in a name.
NOT_BASE = re.compile(
    r"(?:_|^)(?:milli|micro|nano|kilo|mega|kibi|mebi)?(?:minutes|hours|days|bits|ms|us|ns|kb|mb|kib|mib"
    r"|milliseconds|microseconds|nanoseconds|kilobytes|megabytes)(?:_|$)"
)
TYPE_WORDS = re.compile(r"(?:_|^)(?:counter|gauge|histogram|summary)(?:_|$)")


@dataclasses.dataclass
class Family:
    name: str
    type: str = ""
    help: str = ""
    samples: dict[tuple[str, frozenset[tuple[str, str]]], float] = dataclasses.field(
        default_factory=dict
    )


def unescape(value: str) -> str:
    return re.sub(r"\\(.)", lambda match: {"n": "\n"}.get(match[1], match[1]), value)


def parse_labels(text: str) -> dict[str, str]:
    labels, at = {}, 0
    while at < len(text):
        match = LABEL.match(text, at)
        assert match, f"labels {text!r}"
        assert match[1] not in labels, f"label {match[1]} twice"
        labels[match[1]] = unescape(match[2])
        at = match.end()
    return labels


def parse(text: str) -> dict[str, Family]:
    """Families by name; an AssertionError for everything that a strict reader would refuse."""
    assert text.endswith("\n"), "no line end at the end"
    families: dict[str, Family] = {}
    current = Family("")
    for line in text[:-1].split("\n"):
        if line.startswith("# "):
            _, word, name, *rest = line.split(" ", 3)
            assert word in ("HELP", "TYPE") and NAME.fullmatch(name), line
            if name != current.name:
                assert name not in families, f"{name} is in two places"
                current = families[name] = Family(name)
            assert not getattr(current, word.lower()), f"{word} of {name} twice"
            assert not current.samples, f"{word} of {name} behind its samples"
            setattr(current, word.lower(), rest[0] if rest else "")
            continue
        match = SAMPLE.fullmatch(line)
        assert match, f"line {line!r}"
        name, labels = match[1], parse_labels(match[2] or "")
        suffixes = ("_bucket", "_sum", "_count") if current.type == "histogram" else ("",)
        assert name in [current.name + suffix for suffix in suffixes], f"{name} in {current.name}"
        key = (name, frozenset(labels.items()))
        assert key not in current.samples, f"twice: {line}"
        current.samples[key] = float(match[3])
    return families


def lint(families: dict[str, Family]) -> list[str]:
    """The faults that promtool would find."""
    told = []
    for family in families.values():
        name = family.name
        if not family.help:
            told.append(f"{name}: no HELP")
        if family.type not in TYPES:
            told.append(f"{name}: type {family.type!r}")
        if not family.samples and not name.startswith("wireguard_"):
            told.append(f"{name}: no samples")
        if (family.type == "counter") != name.endswith("_total"):
            told.append(f"{name}: _total is for counters, and for all of them")
        if name.endswith(("_bucket", "_sum", "_count", "_info_total")):
            told.append(f"{name}: a suffix of another type")
        if NOT_BASE.search(name):
            told.append(f"{name}: not a base unit")
        if TYPE_WORDS.search(name):
            told.append(f"{name}: the type is in the name")
        if re.search("[A-Z:]", name):
            told.append(f"{name}: capitals or colons")
        if family.type == "counter" and any(value < 0 for value in family.samples.values()):
            told.append(f"{name}: a counter below 0")
        if family.type == "histogram":
            told += lint_histogram(family)
    return told


def lint_histogram(family: Family) -> list[str]:
    told = []
    series: dict[frozenset[tuple[str, str]], list[tuple[float, float]]] = {}
    for (name, labels), value in family.samples.items():
        if name.endswith("_bucket"):
            bound = float(dict(labels)["le"])
            rest = frozenset(label for label in labels if label[0] != "le")
            series.setdefault(rest, []).append((bound, value))
    for labels, buckets in series.items():
        ordered = sorted(buckets)
        if [count for _, count in ordered] != sorted(count for _, count in ordered):
            told.append(f"{family.name}: buckets are not cumulative")
        if ordered[-1][0] != float("inf"):
            told.append(f"{family.name}: no bucket +Inf")
        if family.samples.get((family.name + "_count", labels)) != ordered[-1][1]:
            told.append(f"{family.name}: _count is not that of +Inf")
        if (family.name + "_sum", labels) not in family.samples:
            told.append(f"{family.name}: no _sum")
    return told


def value(families: dict[str, Family], name: str, **labels: str) -> float:
    """The only sample of that name whose labels include these."""
    family = families.get(name) or families[name.rpartition("_")[0]]
    found = [
        number
        for (sample, has), number in family.samples.items()
        if sample == name and set(labels.items()) <= has
    ]
    assert len(found) == 1, f"{len(found)} samples of {name} {labels}"
    return found[0]


def scrape(url: str) -> dict[str, Family]:
    with urllib.request.urlopen(url, timeout=PATIENCE_S) as response:
        assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        return parse(response.read().decode("utf-8"))
