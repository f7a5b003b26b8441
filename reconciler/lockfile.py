"""``lock.yaml`` as text, and what became of each of its entries. Pure."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from specs.document import API_VERSION
from specs.lock import LOCK_NAME
from specs.reference import Digest

_HEAD: Final = f"""\
# Written by `reconciler lock`: the digest that each reference from outside means. It decides what runs, and
# what images are built on. To renew an entry: reconciler lock --update REFERENCE
apiVersion: {API_VERSION}
kind: Lock
metadata: {{name: {LOCK_NAME}}}
spec:
"""

Fate = Literal["added", "updated", "kept", "removed", "failed"]


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One reference: the digest that the lock names now, and the one before; None where it names none."""

    reference: str
    digest: str | None
    before: str | None
    failed: bool = False

    @property
    def fate(self) -> Fate:
        """What became of it. A failed one keeps the digest that it had."""
        if self.failed:
            return "failed"
        if self.digest is None:
            return "removed"
        if self.before is None:
            return "added"
        return "kept" if self.before == self.digest else "updated"


def lock_text(digests: Mapping[str, Digest]) -> str:
    """The file: sorted, one entry a line, so that two people's changes seldom meet in git."""
    if not digests:
        return f"{_HEAD}  images: {{}}\n"
    pairs = [(json.dumps(text), json.dumps(str(digest))) for text, digest in sorted(digests.items())]
    lines = [f"    {text}: {digest}\n" for text, digest in pairs]
    return f"{_HEAD}  images:\n{''.join(lines)}"


def to_resolve(wanted: Collection[str], locked: Collection[str], renewed: Collection[str]) -> list[str]:
    """The references whose registry is to be asked: those without an entry, and those to be renewed."""
    return sorted(text for text in wanted if text not in locked or text in renewed)


def entries_after(
    wanted: Collection[str], locked: Mapping[str, Digest], found: Mapping[str, Digest | None]
) -> list[Entry]:
    """Every reference that is wanted or was locked. ``found`` holds what was asked for; None is a failure.
    What nothing names any more goes."""
    entries = []
    for text in sorted({*wanted, *locked}):
        before = locked.get(text)
        if text not in wanted:
            entries.append(Entry(text, None, str(before)))
            continue
        now = found.get(text, before) or before
        failed = text in found and found[text] is None
        entries.append(Entry(text, str(now) if now else None, str(before) if before else None, failed))
    return entries


def digests_of(entries: Collection[Entry]) -> dict[str, Digest]:
    """What the file is to name."""
    return {entry.reference: Digest(entry.digest) for entry in entries if entry.digest is not None}
