"""What a fetch that failed leaves in a clone of the cache, and clones that are broken."""

from __future__ import annotations

import shutil
from pathlib import Path

from providers.git.command import GitCommand
from reconciler.fault import ProviderError


def drop_leftovers(folder: Path) -> None:
    """Remove the packs that were not written to their end. Another fetch of this moment begins again."""
    for path in (folder / "objects" / "pack").glob("tmp_*"):
        path.unlink(missing_ok=True)


def is_sound(git: GitCommand) -> bool:
    """Whether the folder is a repository in which everything is there that its refs lead to.

    Takes as long as the history is large: for when something has failed. True where it cannot be told.
    """
    return _can_list(git, "--all")


def has_tips(git: GitCommand) -> bool:
    """The same of the newest commit of each branch alone, whatever its history: quick."""
    return _can_list(git, "--no-walk", "--branches")


def _can_list(git: GitCommand, *which: str) -> bool:
    own = GitCommand(git.folder, quarantine=(("GIT_DIR", str(git.folder)),))
    try:
        return own.ask("rev-list", "--objects", "--quiet", *which).status == 0
    except ProviderError:
        return True


def set_aside(folder: Path) -> None:
    """Move a clone out of the way, for a person to look at; the one before it goes."""
    if folder.exists():
        aside = folder.with_suffix(".broken")
        shutil.rmtree(aside, ignore_errors=True)
        folder.rename(aside)
