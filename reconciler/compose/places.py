"""Where files are: paths from the repository's root, whatever folder a Compose file lies in."""

from __future__ import annotations

import posixpath
from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from reconciler.compose.tree import ComposeError


class Files(Protocol):
    """The repository's files, by paths from its root."""

    def read(self, path: str) -> bytes | None:
        """A file's bytes; None where there is none. Raises ComposeError for a symlink, or one too large."""
        ...

    def kept(self) -> Collection[str]:
        """The paths of the files that git tracks or would add; what it ignores is not among them."""
        ...


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What an engine that Compose ran on knows; ``reached`` tells whether one answered."""

    reached: bool = False
    volumes: frozenset[str] = frozenset()
    containers: tuple[tuple[str, str], ...] = ()
    """(Compose's service, container name) of what runs."""
    mounted: tuple[tuple[str, str, str], ...] = ()
    """(Compose's service, target, volume) of every volume that is mounted."""
    declared: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """(image reference, its VOLUME paths) of the images that are there."""


def located(folder: str, path: str) -> str:
    """A path of a Compose file in ``folder``, from the repository's root; absolute and home paths stay."""
    if path.startswith(("/", "~")):
        return path
    return posixpath.normpath(posixpath.join(folder, path))


def is_outside(path: str) -> bool:
    """Whether a located path is not below the repository's root."""
    return path.startswith(("/", "~", "../")) or path == ".." or "\0" in path


def read_file(files: Files, path: str, what: str) -> bytes:
    """A file of the repository. Raises ComposeError when it lies outside or is absent."""
    if is_outside(path):
        raise ComposeError(f"{what}: the file lies outside of this repository, where nothing is read")
    content = files.read(path)
    if content is None:
        raise ComposeError(f"{what}: {path} is not there")
    return content
