"""What can be wrong with an image's inputs: one frozen value, so that all problems are told together."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class ImageProblem:
    """One reason why an image cannot be built from its commit.

    ``file`` is a path from the repository's root, ``line`` counts from 1 (None: the whole file), ``code``
    is stable. The other fields are the three remaining parts of every message of ours.
    """

    file: str
    line: int | None
    code: str
    seen: str
    expected: str
    remedy: str

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{where}: {self.seen}; expected {self.expected}; {self.remedy}  [{self.code}]"
