"""Verb ``authorized-keys``: the lines by which the system's sshd lets pushers in, each to one command."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from reconciler.cli.envelope import Report
from reconciler.cli.exits import DONE
from reconciler.cli.options import Options
from reconciler.cli.run_config import read_config
from specs.run_pusher import Pusher


def run(options: Options) -> Report:
    """For AuthorizedKeysCommand, or for a file. Raises Stop."""
    path = Path(options.config or "").resolve()
    pushers = read_config(path).spec.pushers
    return Report(DONE, "".join(f"{line}\n" for line in key_lines(path, pushers)))


def key_lines(config: Path, pushers: Sequence[Pusher]) -> list[str]:
    """A line for each key: no terminal, no forwarding, and whatever is asked for, only a push or a fetch."""
    lines = []
    for pusher in pushers:
        if pusher.key is not None:
            words = [sys.executable, "-P", "-m", "reconciler", "receive-ssh"]
            command = shlex.join([*words, "--config", str(config), "--pusher", pusher.name])
            quoted = command.replace("\\", "\\\\").replace('"', '\\"')
            lines.append(f'restrict,command="{quoted}" {pusher.key} {pusher.name}')
    return lines
