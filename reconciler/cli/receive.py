"""A bare repository that is pushed to: made and kept by the loop, with hooks that ask the loop.

The hooks are all that runs for a push. ``pre-receive`` refuses what is wrong before any ref moves (its
objects lie in quarantine until then); ``post-receive`` shows what the loop does.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli import push_hook
from reconciler.cli.git_service import MAX_PUSH
from reconciler.cli.loop_control import control_socket
from specs.run_repository import RunRepository

if TYPE_CHECKING:
    from providers.git.command import GitCommand

HOOKS = ("pre-receive", "post-receive")
_HEAD = re.compile(rb"(ref: refs/heads/[^\x00\n]+|[0-9a-f]{40}|[0-9a-f]{64})\n?")
_SETTINGS = {
    "receive.denyNonFastForwards": "true",
    "receive.denyDeletes": "true",
    "receive.advertisePushOptions": "true",
    "receive.fsckObjects": "true",
    "receive.maxInputSize": str(MAX_PUSH),
    "receive.autogc": "false",
    "receive.unpackLimit": "1",
    "transfer.hideRefs": "refs/reconciler",
}


def prepare_repository(entry: RunRepository) -> None:
    """Make the repository if it is not there, mend what of it is damaged; write settings and hooks. Raises
    ProviderError, OSError."""
    from providers.git.command import GitCommand

    folder = Path(entry.folder or "/")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    git = GitCommand(folder)
    _mend(folder, entry, git)
    for name, value in _SETTINGS.items():
        git.read("config", name, value)
    hooks = folder / "hooks"
    hooks.mkdir(exist_ok=True, mode=0o700)
    for hook in HOOKS:
        write_hook(hooks / hook, hook, entry)


def _mend(folder: Path, entry: RunRepository, git: GitCommand) -> None:
    """git refuses a whole repository for its HEAD or its configuration; both can be written again, and what
    was damaged stays beside it."""
    branch = entry.ref or "main"
    head, config = folder / "HEAD", folder / "config"
    if config.exists() and git.ask("config", "--file", str(config), "--list").status:
        os.replace(config, folder / "config.damaged")
    if head.exists() and not _HEAD.fullmatch(head.read_bytes()[:1024]):
        os.replace(head, folder / "HEAD.damaged")
    if not (head.exists() and config.exists() and (folder / "objects").is_dir()):
        git.read("init", "--quiet", "--bare", "--template=", f"--initial-branch={branch}", "--", ".")
    git.read("config", "core.bare", "true")


def write_hook(path: Path, hook: str, entry: RunRepository) -> None:
    """One hook, replaced as a whole: a push in the same moment runs the old one or the new one."""
    program = Path(push_hook.__file__).resolve()
    words = [sys.executable, "-I", "-S", str(program), hook, entry.name, str(control_socket())]
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(f"#!/bin/sh\nexec {shlex.join(words)}\n")
    beside.chmod(0o700)
    os.replace(beside, path)
