"""The corpus of Compose projects through ``init``: what becomes of each, in a form that a table can hold."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from compose_reference import FILES, copy_corpus
from reconciler.cli import initialise
from reconciler.cli.envelope import Report, Stop
from reconciler.cli.options import Options

FINE = {"data", "route"}
"""Topics that say nothing of a difference: where Compose's own data lies, what a route would do as well."""


@dataclass(frozen=True, slots=True)
class Converted:
    """One project after ``init``. ``report`` is None where it was refused."""

    name: str
    root: Path
    report: Report | None
    codes: tuple[str, ...]
    reasons: tuple[str, ...] = ()

    @property
    def topics(self) -> dict[str, int]:
        """What the lines are about, with their numbers."""
        remarks = self.report.members["remarks"] if self.report else []
        assert isinstance(remarks, list)
        return dict(sorted(Counter(str(r["topic"]) for r in remarks if isinstance(r, dict)).items()))

    @property
    def outcome(self) -> str:
        """``unchanged``, ``notes`` or ``refused``."""
        if self.codes:
            return "refused"
        return "notes" if set(self.topics) - FINE else "unchanged"

    def row(self) -> dict[str, object]:
        """The project's row of the table."""
        found: dict[str, object] = {"outcome": self.outcome}
        if self.codes:
            found["codes"] = list(self.codes)
        if self.topics:
            found["notes"] = self.topics
        return found


def give_secrets(converted: Converted, folder: Path) -> None:
    """Put every secret where it is looked up; one that the files hold no value for gets one."""
    assert converted.report is not None
    options = Options(
        "init", repo=str(converted.root), files=FILES.get(converted.name, ()), secrets=str(folder)
    )
    initialise.run(options)
    place = folder / converted.root.name / initialise.ENVIRONMENT
    names = converted.report.members["secrets"]
    assert isinstance(names, list)
    for name in names:
        path = place / str(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text("given")


def written(converted: Converted) -> str:
    """Everything that ``init`` wrote and printed."""
    files = sorted((converted.root / "specs").glob("*"))
    return "".join(path.read_text() for path in files) + (converted.report.text if converted.report else "")


def convert(name: str, folder: Path) -> Converted:
    """``init`` in a copy of a corpus project."""
    root = copy_corpus(name, folder)
    try:
        report = initialise.run(Options("init", repo=str(root), files=FILES.get(name, ())))
    except Stop as stop:
        codes = tuple(sorted({p.code for p in stop.problems}))
        return Converted(name, root, None, codes, tuple(str(p) for p in stop.problems))
    errors = [p for p in report.problems if p.severity == "error"]
    return Converted(
        name, root, report, tuple(sorted({p.code for p in errors})), tuple(str(p) for p in errors)
    )
