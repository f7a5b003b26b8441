"""Where two histories parted, as far as a clone can tell: a shallow one may find an answer, not the answer.

What lies behind a cut may join the two histories later than what is found. It cannot, if all that is cut off
comes before what is found, or if one of the two commits is itself what is found.
"""

from __future__ import annotations

from pathlib import Path

from providers.git.command import GitCommand
from reconciler.fault import ProviderError


def merge_bases(git: GitCommand, one: str, other: str) -> tuple[str, ...]:
    """All best merge bases, the one that git prefers first; none where the histories have nothing in common.
    Both commits must be in the clone. Raises ProviderError (GIT007) where it cannot tell."""
    answer = git.ask("merge-base", "--all", "--end-of-options", one, other)
    if answer.status not in (0, 1):
        raise git.failure("merge-base", answer)
    found = tuple(answer.text.split())
    cuts = _cuts(git)
    if cuts and one not in found and other not in found and cuts & _since(git, (one, other), found):
        raise ProviderError(
            "GIT007",
            str(git.folder),
            "the clone is shallow: where the two commits parted cannot be told",
            "the history that decides",
            unshallow(git),
        )
    return found


def unshallow(git: GitCommand, *refs: str) -> str:
    """The command that fetches the whole history, and these refs with it."""
    listed = git.ask("remote").text.split()
    remote = "origin" if "origin" in listed or not listed else listed[0]
    return " ".join(["git fetch", *(["--unshallow"] if _cuts(git) else []), remote, *refs])


def _cuts(git: GitCommand) -> frozenset[str]:
    """The commits whose parents a shallow clone leaves out."""
    place = Path(git.read("rev-parse", "--git-path", "shallow").text)
    file = place if place.is_absolute() else git.folder / place
    try:
        return frozenset(file.read_text("ascii").split())
    except FileNotFoundError:
        return frozenset()
    except (OSError, UnicodeDecodeError) as error:
        raise ProviderError("GIT004", str(file), f"it cannot be read: {error}", "a list of commits") from None


def _since(git: GitCommand, tips: tuple[str, ...], bases: tuple[str, ...]) -> frozenset[str]:
    """The commits that the tips have and the bases have not."""
    without = [f"^{base}" for base in bases]
    return frozenset(git.read("rev-list", *tips, *without, "--").text.split())
