"""The grammar of the verbs around pushes straight to a loop."""

from __future__ import annotations

import argparse
from typing import Final

HIDDEN: Final = ("judge", "receive-ssh")
"""Verbs that programs run; in no help, since no person types them."""


def add_hidden(verb: str, parser: argparse.ArgumentParser) -> None:
    """What one of these takes."""
    if verb == "receive-ssh":
        add_config(parser)
        parser.add_argument("--pusher", metavar="NAME", required=True)


def add_config(parser: argparse.ArgumentParser) -> None:
    """The Run file."""
    parser.add_argument("--config", metavar="FILE", required=True, help="a document of kind Run")
