"""What can be wrong with an image's inputs: one frozen value, so that all problems are told together."""

from __future__ import annotations

from dataclasses import dataclass

CODES = {
    "IMG001": "There is no Dockerfile at that path, or it is a symbolic link.",
    "IMG002": "The Dockerfile cannot be read.",
    "IMG003": "The value of an image reference depends on more than the commit.",
    "IMG004": "An image reference cannot be read.",
    "IMG005": "An ADD of something remote has no checksum.",
    "IMG006": "A build argument is not declared by an ARG, or replaces the frontend.",
    "IMG007": "The target is no stage of the Dockerfile.",
    "IMG008": "The build context has no file.",
    "IMG009": "A submodule lies in the build context.",
    "IMG011": "Git attributes change the bytes of a file of the build context on checkout (git-lfs too).",
    "IMG013": "A rule of a .dockerignore cannot be read.",
    "IMG014": "The build context or the Dockerfile lies outside the repository.",
    "IMG015": "A stage has the name of an additional context.",
    "IMG016": "An additional context names no Image.",
}
"""Every code and what it means. Codes are stable: none is ever given another meaning."""


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
