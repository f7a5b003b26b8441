"""What lies in the volumes of files, against the commit: ``drift --deep``. Pure, but for the protocol.

A look at an engine shows that a volume is mounted and what it is called, never what is in it: somebody who
mounts it elsewhere can change a file, and no label tells. So the bytes themselves are read, when asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from reconciler.difference import Diff
from reconciler.drift import ServiceDrift
from reconciler.files import FileLine
from reconciler.observed import Handle


@dataclass(frozen=True, slots=True)
class Seen:
    """One file as it lies at a path of an instance; ``link`` is a symbolic link's target."""

    path: str
    mode: int
    uid: int
    gid: int
    content: bytes
    link: str | None = None


class Contents(Protocol):
    """What a runtime can say of the files in an instance."""

    async def contents(self, handle: Handle, path: str) -> Sequence[Seen]:
        """The files and links at and below a path, by their paths from there; a file itself is called ``.``.
        Nothing is there: none. Raises ProviderError."""
        ...


@dataclass(frozen=True, slots=True)
class Damage:
    """A Config of a service whose files are not those of the commit any more."""

    service_name: str
    target: str
    volume: str
    paths: tuple[str, ...]
    """The files that differ, each with how."""


def differences(lines: Iterable[FileLine], found: Iterable[Seen], is_file: bool) -> tuple[str, ...]:
    """Which files differ from those that were published, in words."""
    wanted = {"." if is_file else line.path: line for line in lines}
    seen = {file.path: file for file in found}
    words = [f"{path} is gone" for path in wanted.keys() - seen.keys()]
    words += [f"{path} is new" for path in seen.keys() - wanted.keys()]
    for path in wanted.keys() & seen.keys():
        line, file = wanted[path], seen[path]
        if (file.link is not None) != line.link or not _is_content(line, file):
            words.append(f"{line.path} has other content")
        elif not line.link and (file.mode, file.uid, file.gid) != (line.mode, line.uid, line.gid):
            words.append(f"{line.path} has another owner or mode")
    return tuple(sorted(words))


def _is_content(line: FileLine, file: Seen) -> bool:
    content = file.content if file.link is None else file.link.encode("utf-8", "surrogateescape")
    if line.content.startswith("sha256:"):
        return line.content == f"sha256:{hashlib.sha256(content).hexdigest()}"
    blob = b"blob %d\0" % len(content) + content
    # A blob id is git's own: SHA-1, or SHA-256 in a repository of that format.
    made = hashlib.sha256(blob) if len(line.content) == 64 else hashlib.sha1(blob, usedforsecurity=False)
    return line.content == made.hexdigest()


def with_damage(drifts: Sequence[ServiceDrift], damages: Iterable[Damage]) -> tuple[ServiceDrift, ...]:
    """The drift with what was found in the volumes."""
    found: Mapping[str, list[Damage]] = {drift.service_name: [] for drift in drifts}
    for damage in damages:
        found[damage.service_name].append(damage)
    return tuple(_with(drift, found[drift.service_name]) for drift in drifts)


def _with(drift: ServiceDrift, damages: Sequence[Damage]) -> ServiceDrift:
    if not damages:
        return drift
    diffs = [Diff(f"configs.{d.target}", "live", d.volume, d.volume, ", ".join(d.paths)) for d in damages]
    return replace(drift, result="drifted", diffs=(*drift.diffs, *diffs))
