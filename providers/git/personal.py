"""git as the person who asks runs it, and not as what reads and fetches for us."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from providers.git.command import GitCommand

_PLACES = frozenset(
    f"GIT_{name}"
    for name in (
        *("DIR", "WORK_TREE", "INDEX_FILE", "OBJECT_DIRECTORY", "ALTERNATE_OBJECT_DIRECTORIES", "COMMON_DIR"),
        *("NAMESPACE", "PREFIX", "CEILING_DIRECTORIES", "QUARANTINE_PATH"),
    )
)
"""Variables that name another repository than ours; a hook that calls us has them set."""
_OPTIONS = ("core.hooksPath=/dev/null", "core.quotePath=false", "gc.auto=0", "maintenance.auto=false")


@dataclass(frozen=True, slots=True)
class PersonalGit(GitCommand):
    """git as its user runs it: with that user's configuration, login and key."""

    def _line(self, arguments: Sequence[str]) -> list[str]:
        return ["git", *(part for option in _OPTIONS for part in ("-c", option)), *arguments]

    def _variables(self) -> dict[str, str]:
        kept = {name: text for name, text in os.environ.items() if name not in _PLACES}
        quiet = {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_REPLACE_OBJECTS": "1"}
        return {**kept, **quiet, **dict(self.quarantine)}
