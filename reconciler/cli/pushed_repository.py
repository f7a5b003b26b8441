"""A repository as it will be once a push is taken: its objects, and its refs with those of the push."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from providers.git.ref import is_full_id
from providers.git.repository import GitRepository
from reconciler.cli.push_request import TAGS, Update, quarantine_variables
from reconciler.fault import ProviderError
from reconciler.repository import Kinship, Tag


@dataclass(frozen=True)
class PushedRepository(GitRepository):
    """The clone at ``path``, with these refs (full ref -> id). Nothing is written to it."""

    pushed: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path, quarantine: Path | None, pushed: Mapping[str, str]) -> Self:
        """With the objects of a push that lie in quarantine."""
        return cls(folder, quarantine_variables(quarantine, folder), pushed)

    def resolve(self, ref: str) -> str:
        """As ever, but for what was pushed. Raises ProviderError."""
        branch = self.default_branch() if ref == "HEAD" else None
        given = self.pushed.get(f"refs/heads/{branch}" if branch else ref)
        return super().resolve(given or ref)

    def tags(self) -> Mapping[str, Tag]:
        """Those that are there, and those of the push. Raises ProviderError."""
        found = dict(super().tags())
        for ref, oid in self.pushed.items():
            if ref.startswith(TAGS):
                name = ref.removeprefix(TAGS)
                found[name] = Tag(name, oid, self.resolve(oid))
        return found

    def is_rewritten(self, update: Update) -> bool:
        """Whether a branch would lose commits. Raises ProviderError where that cannot be told."""
        if update.is_new or not is_full_id(update.old):
            return False
        kin = self.lineage(update.new, [update.old])[update.old]
        if kin is Kinship.CANNOT_TELL:
            raise ProviderError("GIT007", update.ref, "how it is related to what was there cannot be told")
        return kin not in (Kinship.SAME, Kinship.ANCESTOR)
