"""What ``init`` says at its end: the files written, the remarks, and the next commands to type."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

from reconciler.cli.compose_files import RepositoryFiles
from reconciler.cli.options import Options
from reconciler.compose.draft import Draft
from reconciler.compose.passwords import name_of
from reconciler.compose.places import EngineFacts
from reconciler.render import escape
from reconciler.secrets import DEFAULT_FOLDER

ENVIRONMENT = "dev"


def describe(draft: Draft, facts: EngineFacts, options: Options, root: Path) -> list[str]:
    """The lines of the report."""
    lines = [f"wrote {options.path}/{file_name}" for file_name in sorted(draft.files)]
    lines += [f"note: {escape(str(note))}" for note in draft.notes]
    return [*lines, "", "next:", *(f"  {line}" for line in _commands(draft, facts, options, root))]


def _commands(draft: Draft, facts: EngineFacts, options: Options, root: Path) -> list[str]:
    lines = []
    if draft.secrets:
        words = "".join(f" --file {shlex.quote(path)}" for path in options.files)
        what = f"# the values of {len(draft.secrets)} secret{'s' if len(draft.secrets) > 1 else ''}"
        lines.append(f"reconciler init{words} --secrets {DEFAULT_FOLDER}   {what}")
    is_new = not (root / ".git").exists()
    lines += ["git init"] if is_new else []
    untracked = _untracked(root)
    ignored = [path for path in _exposed(draft, root) if path in untracked or is_new]
    lines += [f"echo {shlex.quote(f'/{path}')} >> .gitignore" for path in ignored]
    others = any(not name.startswith(f"{options.path}/") for name in untracked)
    add = "git add ." if is_new or others else f"git add {options.path}"
    lines.append(f"{add} && git commit -m 'Describe what runs'")
    for compose_name, container in facts.containers:
        lines.append(
            f"reconciler adopt {ENVIRONMENT} {name_of(compose_name)} {container}   # what Compose runs now"
        )
    return [*lines, f"reconciler apply {ENVIRONMENT}"]


def exposed_notes(draft: Draft, root: Path) -> None:
    """A line for each file that holds passwords and that git has, or would get."""
    tracked = set(ask_git(["git", "-C", str(root), "ls-files", "--cached"]).splitlines())
    for path in sorted(draft.exposed):
        if path in tracked:
            draft.note(
                "secret", "", f"{path} holds passwords, and git has it: change them, and take them out"
            )
        elif path in RepositoryFiles(root).kept():
            draft.note("secret", "", f"{path} holds passwords: keep it out of git")


def _exposed(draft: Draft, root: Path) -> list[str]:
    kept = RepositoryFiles(root).kept()
    return [path for path in sorted(draft.exposed) if path in kept]


def _untracked(root: Path) -> set[str]:
    """What git knows nothing of and does not ignore: an image is built from what is committed."""
    return set(ask_git(["git", "-C", str(root), "ls-files", "--others", "--exclude-standard"]).splitlines())


def ask_git(command: list[str]) -> str:
    """What git prints; nothing where it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""
