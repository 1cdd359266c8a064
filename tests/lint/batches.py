"""Sources put together so that what they include is parsed once: compiled one by one, nine tenths of the time goes
into the standard library's headers, again and again.

A batch is a file that includes a few sources of one folder. Names of unnamed namespaces, private to a source, meet in
it: sources that would clash are kept apart.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from pathlib import Path

import project

MOST = 16  # sources in a batch: there are enough batches for all processors, and each fits into memory
UNNAMED = re.compile(r"^namespace \{$(.*?)^\}  // namespace$", re.MULTILINE | re.DOTALL)
TYPE = re.compile(r"^(?:struct|class|union|enum(?: class)?|using(?! namespace))\s+(\w+)", re.MULTILINE)
VALUE = re.compile(r"^(?!using|static_assert)\w[\w:<>,*& \[\]]*?[ *&](\w+)(?:\(| =|\{|;|\[)", re.MULTILINE)


@dataclasses.dataclass
class Batch:
    flags: str
    folder: Path
    sources: list[Path]
    names: set[str]

    def text(self) -> str:
        return "".join(f'#include "{project.ROOT / source}"\n' for source in self.sources)


def types(text: str) -> set[str]:
    return set(TYPE.findall(text))


def private_names(text: str) -> set[str]:
    """The names that the source defines in unnamed namespaces."""
    parts = UNNAMED.findall(text)
    return {name for part in parts for name in [*TYPE.findall(part), *VALUE.findall(part)]}


def make(flags_of: dict[Path, str], sources: Iterable[Path]) -> list[Batch]:
    """Every source in one batch; alone where a private type has the name of one in a header."""
    public: set[str] = set()
    for header in project.files(".h"):
        public |= types((project.ROOT / header).read_text(encoding="utf-8"))
    batches: list[Batch] = []
    for source in sources:
        names = private_names((project.ROOT / source).read_text(encoding="utf-8"))
        alone = Batch(flags_of[source], source.parent, [source], names)
        fitting = (batch for batch in batches if fits(batch, alone)) if not names & public else ()
        if batch := next(iter(fitting), None):
            batch.sources.append(source)
            batch.names |= names
        else:
            batches.append(alone)
            if names & public:
                alone.folder = source  # nothing else is in that folder: it stays alone
    return batches


def fits(batch: Batch, other: Batch) -> bool:
    return (
        (batch.flags, batch.folder) == (other.flags, other.folder)
        and len(batch.sources) < MOST
        and not batch.names & other.names
    )
