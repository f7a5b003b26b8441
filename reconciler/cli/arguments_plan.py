"""The grammar of ``plan``: of one live environment, or of every one between two commits."""

from __future__ import annotations

import argparse
from typing import Final, Protocol

VERB: Final = "plan"


class Refuse(Protocol):
    """Ends with a message about usage."""

    def __call__(self, message: str) -> object: ...


def add_plan(parser: argparse.ArgumentParser) -> None:
    """What ``plan`` alone takes."""
    words = "the name of an Environment document; with --base several, or none for every one"
    parser.add_argument("environments", metavar="ENV", nargs="*", help=words)
    words = "compare two commits, and ask nobody: where --ref parted from this ref is what runs"
    parser.add_argument("--base", metavar="REF", help=words)
    words = "say where each value comes from that an action is about"
    parser.add_argument("--explain", action="store_true", help=words)


def check_plan(found: argparse.Namespace, refuse: Refuse) -> None:
    """What argparse cannot say: which words go together."""
    if found.verb != VERB:
        return
    if found.base is None:
        if len(found.environments) != 1:
            refuse("one ENV is wanted; with --base REF several, or none for every one")
        found.environment = found.environments[0]
    elif found.worktree:
        refuse("--base compares two commits: leave out --worktree, or commit first")
