"""The grammar of the verbs about the loop."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Final

LOOPS: Final = ("run", "dev", "history", "suspend", "resume")
FOREVER: Final = ("run", "dev")
"""Verbs that end when they are stopped: they print no result, and choose what they read by themselves."""


def add_loop(verb: str, parser: argparse.ArgumentParser, seconds: Callable[[str], float]) -> None:
    """What one of these verbs takes beyond its environment and source."""
    if verb == "run":
        parser.add_argument("environment", metavar="ENV", nargs="?", help="of --repo; without --config")
        parser.add_argument("--config", metavar="FILE", help="a document of kind Run")
    if verb in {"suspend", "resume"}:
        parser.add_argument("service", metavar="SERVICE", nargs="?", help="default: the whole environment")
        words = "of ENV: then git is not asked at all; its engine is RECONCILER_ENDPOINT_<ENV>, else docker's"
        parser.add_argument("--project", metavar="PROJECT", help=words)
    if verb == "suspend":
        parser.add_argument("--reason", required=True, metavar="TEXT", help="why; shown by status")
        parser.add_argument("--for", dest="until", type=seconds, metavar="TIME", help="such as 30m or 2h")
    if verb == "history":
        parser.add_argument("--limit", type=_count, default=20, metavar="N", help="entries (default: 20)")


def add_steer(parser: argparse.ArgumentParser) -> None:
    """What ``rollout`` says, one word of four."""
    words = {
        "next": "end its step now; at the last step it takes all requests",
        "pause": "stay at its step until --resume or --next",
        "resume": "end a pause: the time of its step begins again",
        "abort": "take it back out and hold it; what was before serves",
    }
    said = parser.add_mutually_exclusive_group(required=True)
    for word, meaning in words.items():
        said.add_argument(f"--{word}", dest="steer", action="store_const", const=word, help=meaning)


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= 1000:
        raise argparse.ArgumentTypeError("expected a number from 1 to 1000")
    return int(text)
