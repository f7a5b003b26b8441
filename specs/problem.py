"""What is wrong with a spec repository: where, seen, expected, remedy, and a stable code."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

CODES = {
    "SPEC001": "A limit on files, bytes, documents, depth, nodes or the length of a value is exceeded.",
    "SPEC002": "The bytes are not plain UTF-8 text (a byte order mark, control characters, tabs).",
    "SPEC003": "The text is not YAML.",
    "SPEC004": "A feature of YAML that the language does without: anchor, alias, merge key, tag, directive.",
    "SPEC005": "A key stands twice in one mapping.",
    "SPEC006": "A key is not text.",
    "SPEC007": "A plain scalar that readers of YAML disagree about: quote it, or write true or false.",
    "SPEC008": "Null, which only a patch may use (there it deletes).",
    "SPEC009": "A symbolic link or a submodule where a spec file is expected.",
    "SPEC010": "The file or document has no apiVersion of ours, or its envelope is broken.",
    "SPEC011": "The kind or the apiVersion is unknown.",
    "SPEC012": "A field is unknown.",
    "SPEC013": "A required field is missing.",
    "SPEC014": "A value has the wrong type.",
    "SPEC015": "A value is not allowed.",
    "SPEC016": "A word of Compose that the language refuses, and what to write instead.",
    "SPEC017": "This version does not support the field or value yet.",
    "SPEC018": "A short form cannot be read.",
    "SPEC019": "A path leaves the repository, or is not in its plain form.",
    "SPEC020": "Two documents have the same kind and name, or one map has two entries for one thing.",
    "SPEC021": "Two file names differ only in case or Unicode form.",
    "SPEC022": "The Environments under one path do not have the same project.",
    "SPEC023": "A name is not declared.",
    "SPEC024": "Names refer to one another in a circle.",
    "SPEC025": "A service depends on a service that the environment leaves out.",
    "SPEC026": "A pattern matches no service.",
    "SPEC027": "A dependency can never meet the condition.",
    "SPEC028": "The rollout's order contradicts something else that is written.",
    "SPEC029": "A job has other than one replica, a rollout order, or hooks.",
    "SPEC030": "Two services publish the same port.",
    "SPEC031": "A Config or a Service names a file that is not in the commit.",
    "SPEC032": "There is no document at all.",
    "SPEC033": "A variable is not declared, or a dollar sign is neither $$ nor ${NAME}.",
    "SPEC034": "A patch is for something that is absent.",
    "SPEC035": "The environment's allow does not name what the service asks for.",
    "SPEC036": "One spec path lies inside another.",
    "SPEC037": "There is no Environment of that name.",
    "SPEC038": "An image reference cannot be read.",
    "SPEC039": "A Lock lies elsewhere than in lock.yaml under the spec path, or bears another name.",
    "SPEC040": "Two services are routed under one address.",
    "SPEC041": "A route, or its strategy, cannot work with what else is written.",
    "SPEC045": "A Release lies elsewhere than in releases/<environment>.yaml under the spec path.",
    "SPEC046": "An entry of a Release does not say what it has to.",
}
"""Every code and what it means. Codes are stable: none is ever given another meaning."""


class Place(NamedTuple):
    """A position in a file, 1-based. ``patch`` tells a value that an Environment's patch has put there."""

    file: str
    line: int = 1
    column: int = 1
    patch: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. No part of it ever holds a value from a document, only names."""

    code: str
    severity: Literal["error", "warning"]
    file: str | None
    line: int | None
    column: int | None
    subject: str | None
    seen: str
    expected: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        where = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        parts = [part for part in (where, self.subject) if part]
        expected = f", expected {self.expected}" if self.expected else ""
        remedy = f" ({self.remedy})" if self.remedy else ""
        return ": ".join([*parts, f"{self.seen}{expected}{remedy}  [{self.code}]"])


MAX_PROBLEMS: Final = 1_000
"""More than anybody reads; a file that is nothing but mistakes must not cost more than a good one."""


@dataclass(slots=True)
class Report:
    """Collects the problems of one subject."""

    subject: str | None = None
    problems: list[Problem] = field(default_factory=list)

    def add(
        self,
        code: str,
        place: Place | None,
        seen: str,
        *,
        expected: str = "",
        remedy: str = "",
        severity: Literal["error", "warning"] = "error",
    ) -> None:
        """Record one problem; those beyond the limit are dropped, with a last word about it."""
        if len(self.problems) >= MAX_PROBLEMS:
            if len(self.problems) == MAX_PROBLEMS:
                seen = f"more than {MAX_PROBLEMS} problems; the rest is not shown"
                self.problems.append(Problem("SPEC001", "error", None, None, None, None, seen))
            return
        file, line, column = place[:3] if place else (None, None, None)
        problem = Problem(code, severity, file, line, column, self.subject, seen, expected, remedy)
        self.problems.append(problem)

    @property
    def is_full(self) -> bool:
        """Nothing more is taken: no need to look for hints."""
        return len(self.problems) > MAX_PROBLEMS

    def about(self, subject: str) -> Report:
        """A report on another subject that collects into the same list."""
        return Report(subject, self.problems)


def in_order(problems: list[Problem]) -> list[Problem]:
    """Sorted by place, each once. Where an alias stands, nothing else is said of the missing value."""
    aliases = {(p.file, p.line, p.column) for p in problems if p.code == "SPEC004"}
    return sorted(
        {p for p in problems if p.code == "SPEC004" or (p.file, p.line, p.column) not in aliases},
        key=lambda p: (p.file or "", p.line or 0, p.column or 0, p.code, p.subject or "", p.seen),
    )


def has_errors(problems: list[Problem]) -> bool:
    """Whether anything is worse than a warning."""
    return any(problem.severity == "error" for problem in problems)
