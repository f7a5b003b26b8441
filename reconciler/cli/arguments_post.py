"""What ``post`` takes on the command line."""

from __future__ import annotations

import argparse


def add_post(parser: argparse.ArgumentParser) -> None:
    """What it is posted as, the files, and what the job's environment does not say."""
    words = (
        "comment: plan or drift on a pull request; issue: open while there is drift; pull-request: promote"
    )
    parser.add_argument("what", choices=("comment", "issue", "pull-request"), help=words)
    help_words = "what --json printed; its name tells the environment where the output does not"
    parser.add_argument("files", nargs="+", metavar="FILE", help=help_words)
    parser.add_argument("--forge", choices=("github", "gitlab"), help="default: whose job this is")
    help_words = "of the pull request; default: the one of the job's event"
    parser.add_argument("--number", type=_number, metavar="N", help=help_words)
    parser.add_argument("--dry-run", action="store_true", help="print what would be posted")


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        raise argparse.ArgumentTypeError("expected a number")
    return int(text)
