"""Arguments of ``promote``."""

from __future__ import annotations

import argparse
from typing import Final

_LONGEST_REASON: Final = 500
HOTFIX_USAGE: Final = "reconciler promote --commit SHA ENV --service NAME --reason TEXT"


def add_promote(parser: argparse.ArgumentParser) -> None:
    """All but FROM, which a hotfix does not name."""
    words = "on a branch for review instead; default: promote/TO"
    parser.add_argument("--branch", nargs="?", const="", metavar="NAME", help=words)
    parser.add_argument("--dry-run", action="store_true", help="show it, judge it, and write nothing")
    parser.add_argument("--reason", metavar="TEXT", help="put into the commit")
    parser.add_argument("--again", action="store_true", help="take what a rollback refused")
    parser.add_argument("--rebuilt", action="store_true", help="take other bytes of the same inputs")
    words = "a hotfix past FROM, which is left out then; with --service and --reason"
    parser.add_argument("--commit", metavar="SHA", help=words)
    words = "take what does not contain the hotfix that is pinned"
    parser.add_argument("--drop-hotfix", action="store_true", help=words)


def lacking_of(found: argparse.Namespace) -> str:
    """What a hotfix does not say of which service it is about, and why; empty where it says both."""
    reason = (found.reason or "").strip()
    if len(found.services or ()) != 1:
        return "--commit takes one service past the other environment: name it with --service"
    if not reason or len(reason) > _LONGEST_REASON or not reason.isprintable():
        return f"--commit needs --reason TEXT, one line of at most {_LONGEST_REASON} characters"
    return ""
