"""The outcome as tables of Markdown."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class Cell:
    """What a reader made of the clips of one source.

    Attributes:
        clips: How many it read.
        faults: What was wrong, by clip, of those where anything was.
        source_faults: What it gets wrong in the source itself.
    """

    clips: int = 0
    faults: dict[str, list[str]] = field(default_factory=dict)
    source_faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        if not self.clips:
            return "-"
        return f"**{len(self.faults)}**/{self.clips}" if self.faults else f"0/{self.clips}"


Outcome = Mapping[str, Mapping[str, Cell]]
"""By kind of source, then by reader."""


def summary(outcome: Outcome, versions: Mapping[str, str]) -> Iterator[str]:
    """A row for each reader: clips, wrong ones, and of what kind their first fault is."""
    yield "| reader | version | clips | wrong | what was wrong first | cannot read the source |"
    yield "|---|---|---|---|---|---|"
    for name, version in versions.items():
        cells = {kind: row[name] for kind, row in outcome.items() if name in row}
        read = [cell for cell in cells.values() if cell.clips]
        faults = [texts for cell in read for texts in cell.faults.values()]
        first = Counter(texts[0].partition(":")[0] for texts in faults)
        kinds = ", ".join(f"{count} {kind}" for kind, count in first.most_common())
        example = f" (such as: {faults[0][0]})" if faults else ""
        unread = ", ".join(kind for kind, cell in cells.items() if not cell.clips)
        clips = sum(cell.clips for cell in read) or ""
        wrong = len(faults) if read else ""
        yield f"| {name} | {version} | {clips} | {wrong} | {kinds}{example} | {unread} |"


def matrix(outcome: Outcome, versions: Mapping[str, str]) -> Iterator[str]:
    """A row for each kind of source, a column for each reader: wrong clips of how many."""
    names = [name for name in versions if any(name in cells for cells in outcome.values())]
    yield f"| source | {' | '.join(names)} |"
    yield "|---" * (len(names) + 1) + "|"
    for kind, cells in outcome.items():
        row = " | ".join(str(cells[name]) if name in cells else "" for name in names)
        yield f"| {kind} | {row} |"


def details(outcome: Outcome) -> Iterator[str]:
    """Every fault of every clip."""
    for kind, cells in outcome.items():
        for name, cell in cells.items():
            for text in cell.source_faults:
                yield f"{kind} / {name}: the source itself: {text}"
            for clip, texts in cell.faults.items():
                yield f"{kind} / {name}: {clip}: {'; '.join(texts)}"
