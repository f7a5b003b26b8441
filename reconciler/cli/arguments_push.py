"""The grammar of the verbs that sshd and programs run."""

from __future__ import annotations

import argparse
from typing import Final

HIDDEN: Final = ("judge", "receive-ssh", "readonly")
"""Verbs that programs run; in no help, since no person types them."""


def add_hidden(verb: str, parser: argparse.ArgumentParser) -> None:
    """What one of these takes."""
    if verb == "receive-ssh":
        add_config(parser)
        parser.add_argument("--pusher", metavar="NAME", required=True)
    if verb == "readonly":
        parser.add_argument("--socket", metavar="PATH", help="the engine's; default: /var/run/docker.sock")


def add_config(parser: argparse.ArgumentParser) -> None:
    """The Run file."""
    parser.add_argument("--config", metavar="FILE", required=True, help="a document of kind Run")
