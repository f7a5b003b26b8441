"""The folder that a builder reads: the context's tar unpacked, and beside it the pinned Dockerfile.

A folder, not a tar on standard input, because the Dockerfile then lies outside the context (``COPY .``
copies exactly the manifest's files), and a ``.dockerignore`` in the context is a file like any other:
``Dockerfile.dockerignore`` takes precedence, on every BuildKit.
"""

from __future__ import annotations

import io
import os
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

from specs.context import MODIFIED_AT

_NO_RULES = b"# The context holds exactly what the build may see.\n"


class Stopped(Exception):
    """Unpacking was asked to stop."""


def fill_folder(
    folder: Path, dockerfile: bytes, context: Iterator[bytes], stop: threading.Event
) -> tuple[Path, Path]:
    """Write Dockerfile and context below the new ``folder``; paths of both. Blocking.

    The context's folder has the name of ``folder`` in its own: BuildKit keeps what it received under that
    name, and would take a changed file of the same size and time for the old one.
    """
    root = folder / f"context-{folder.name}"
    root.mkdir(mode=0o755)
    path = folder / "Dockerfile"
    path.write_bytes(dockerfile)
    (folder / "Dockerfile.dockerignore").write_bytes(_NO_RULES)
    _unpack(root, context, stop)
    return path, root


def _unpack(root: Path, context: Iterator[bytes], stop: threading.Event) -> None:
    """Files first, links last, so that nothing is written through a link."""
    links: list[tarfile.TarInfo] = []
    with tarfile.open(fileobj=io.BufferedReader(_Pieces(context)), mode="r|", encoding="utf-8") as archive:
        for member in archive:
            if stop.is_set():
                raise Stopped
            target = _target(root, member.name)
            if member.issym():
                links.append(member)
            elif content := archive.extractfile(member):
                _write(target, content.read(), member.mode)
    for link in links:
        target = _target(root, link.name)
        target.symlink_to(link.linkname)
        os.utime(target, (MODIFIED_AT, MODIFIED_AT), follow_symlinks=False)
    for folder, _, _ in os.walk(root, topdown=False):
        Path(folder).chmod(0o755)
        os.utime(folder, (MODIFIED_AT, MODIFIED_AT))


def _target(root: Path, name: str) -> Path:
    if any(part in ("", ".", "..") for part in name.split("/")):
        raise ValueError(f"{name!r} leaves the context")
    target = root / name
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def _write(target: Path, content: bytes, mode: int) -> None:
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)
        os.fchmod(file.fileno(), mode)
    os.utime(target, (MODIFIED_AT, MODIFIED_AT))


class _Pieces(io.RawIOBase):
    """The pieces of the tar as a file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # what CPython passes
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = piece
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size
