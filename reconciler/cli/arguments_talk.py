"""The grammar of the verbs that talk to what runs: logs, exec, task."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence

TALKS = {"logs", "exec", "task"}
COMMANDS = {"exec", "task"}
"""Verbs that take ``-- CMD``; their stdout is the command's, so they have no ``--json``."""

Seconds = Callable[[str], float]


def split_command(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Our own words, and those of the command, which follow the first ``--`` and stay as they are."""
    words = list(argv)
    verb = next((word for word in words if not word.startswith("-")), "")
    if verb not in COMMANDS or "--" not in words:
        return words, []
    at = words.index("--")
    return words[:at], words[at + 1 :]


def add_talk(verb: str, parser: argparse.ArgumentParser, seconds: Seconds) -> None:
    """The options of one of the verbs."""
    parser.add_argument("service", metavar="SERVICE", nargs="?" if verb == "logs" else None)
    if verb != "task":
        parser.add_argument("--instance", type=_number, metavar="N", help="only the instance of this number")
    if verb == "logs":
        _add_logs(parser)
        return
    command = "its words follow --, for example: -- sh -c 'echo hello'"
    parser.epilog = f"The command: {command}. Its exit code is given back."
    parser.usage = f"%(prog)s [options] ENV SERVICE {'[options] ' if verb == 'task' else ''}-- CMD..."
    parser.add_argument("-T", "--no-tty", dest="no_tty", action="store_true", help="no terminal for it")
    parser.add_argument("--user", metavar="USER", help="run as this user of the container")
    parser.add_argument("--workdir", metavar="PATH", help="run in this folder of the container")
    if verb == "task":
        parser.add_argument("--entrypoint", metavar="WORDS", help="instead of the image's or the service's")
        parser.add_argument("--timeout", dest="deadline", type=seconds, metavar="TIME", help="end it then")


def _add_logs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-f", "--follow", action="store_true", help="go on, also with instances that come")
    parser.add_argument("-n", "--tail", type=_count, metavar="N", help="the last N lines of each instance")
    parser.add_argument("--since", type=_since, metavar="TIME", help="10m, or 2026-01-31T12:00:00Z")
    parser.add_argument("-t", "--timestamps", action="store_true", help="show when each line was written")


def _since(text: str) -> str:
    from reconciler.cli.since import read_since

    try:
        read_since(text, time.time())
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError("expected an age such as 10m, or a time as RFC 3339") from None
    return text


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise argparse.ArgumentTypeError("expected a number of lines")
    return int(text)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise argparse.ArgumentTypeError("expected an instance's number, such as 1")
    return int(text)
