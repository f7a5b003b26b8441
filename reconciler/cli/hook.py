"""Verb ``hook``: what git runs in a repository that is pushed to. Not for people.

``pre-receive``: one line ``<old> <new> <ref>`` on stdin for each ref; exit 1 refuses them all. What is pushed
is hostile: it is loaded, and nothing of it is run.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli.envelope import Report, Stop, problem_lines
from reconciler.cli.exits import DONE, ERROR
from reconciler.cli.options import Options
from reconciler.cli.source import read_ref
from reconciler.provider import ProviderError
from reconciler.render import escape
from specs.environment import Environment

if TYPE_CHECKING:
    from providers.git.repository import GitRepository

_QUARANTINE = ("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH")
_HEADS = "refs/heads/"
_MAX_REFS = 50


def run(options: Options) -> Report:
    """Run one hook in the current folder. Raises ProviderError."""
    if options.service == "post-receive":
        return _follow(options)
    return _receive(options, sys.stdin.read(1 << 20).splitlines(), os.environ)


def _receive(options: Options, lines: Iterable[str], variables: Mapping[str, str]) -> Report:
    updates = [line.split(" ", 2) for line in lines if line.count(" ") >= 2]
    said: list[str] = []
    for _, new, ref in updates[:_MAX_REFS]:
        said += _judge(options, new, ref, variables)
    if len(updates) > _MAX_REFS:
        said.append(f"{len(updates)} refs at once: at most {_MAX_REFS}")
    for line in said:
        print(line, file=sys.stderr)
    if said:
        return Report(ERROR)
    if "plan-only" in _push_options(variables):
        print("valid; plan-only takes nothing", file=sys.stderr)
        return Report(ERROR)
    return Report(DONE)


def _judge(options: Options, new: str, ref: str, variables: Mapping[str, str]) -> list[str]:
    """What is wrong with one ref's new commit, as lines; nothing for a branch that nobody keeps."""
    if not ref.startswith(_HEADS):
        return [f"{escape(ref)}: only branches are taken here"]
    if not new.strip("0"):
        return [f"{escape(ref)}: branches are not deleted by a push"]
    from providers.git.repository import GitRepository

    quarantine = tuple((name, variables[name]) for name in _QUARANTINE if name in variables)
    repository = GitRepository(Path.cwd(), quarantine)
    branch = ref.removeprefix(_HEADS)
    if branch not in _kept_branches(options, repository, branch, new):
        return []
    try:
        read_ref(repository, new, options.path)
    except Stop as stop:
        return [line for line in problem_lines(stop.problems) if not line.startswith("warning: ")]
    except ProviderError as error:
        return [str(error)]
    return []


def _kept_branches(options: Options, repository: GitRepository, branch: str, new: str) -> set[str]:
    """The policy ref, and what its environments track: as it stands, or as it is being pushed."""
    policy = options.ref or repository.default_branch() or "main"
    kept = {policy}
    try:
        source = read_ref(repository, new if branch == policy else policy, options.path)
    except (Stop, ProviderError):
        return kept
    for written in source.specs.documents.values():
        if isinstance(written.model, Environment) and isinstance(written.model.tracks, str):
            kept.add(written.model.tracks)
    return kept


def _push_options(variables: Mapping[str, str]) -> set[str]:
    number = variables.get("GIT_PUSH_OPTION_COUNT", "0")
    count = int(number) if number.isascii() and number.isdigit() and len(number) < 3 else 0
    return {variables.get(f"GIT_PUSH_OPTION_{index}", "") for index in range(count)}


def _follow(options: Options) -> Report:
    """Tell the loop and show what it does. The push is taken already, whatever goes wrong here."""
    request = f"POST /v1/announce/{options.environment} HTTP/1.0\r\nContent-Length: 0\r\n\r\n"
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(options.socket or "")
            connection.sendall(request.encode())
            with connection.makefile("r", encoding="utf-8", errors="replace", newline="\n") as stream:
                _skip_head(stream)
                if "no-wait" in _push_options(os.environ):
                    return Report(DONE)
                for line in stream:
                    print(escape(line.rstrip("\n"), 1000), file=sys.stderr, flush=True)
    except OSError as error:
        reason = error.strerror or "it does not answer"
        print(f"the loop is not reached ({reason}): it takes the push when it runs", file=sys.stderr)
    return Report(DONE)


def _skip_head(stream: Iterable[str]) -> None:
    for line in stream:
        if line in ("\r\n", "\n"):
            return
