"""Verb ``judge``: reads what is pushed, and says what is wrong with it. Not for people.

What is pushed is hostile, so this runs in a process of its own: started by the loop with limits and with
nothing of its environment, it is told on stdin what lies where, and answers on stdout. It runs nothing of it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.cli.envelope import Report, Stop, failure, problem_of
from reconciler.cli.exits import DONE, ERROR
from reconciler.cli.followed import check_followed
from reconciler.cli.options import Options
from reconciler.cli.policy import find_policy, find_tracked
from reconciler.cli.push_request import HEADS, Update
from reconciler.cli.pushed_repository import PushedRepository
from reconciler.cli.source import Source, read_ref
from reconciler.cli.tracked import Tracked
from reconciler.fault import ProviderError
from reconciler.render import escape
from specs.effective import effective
from specs.policy_ref import under_policy
from specs.problem import Problem

MAX_QUESTION = 1 << 20
MAX_LINES = 50


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be judged: a push to a repository of the Run file. ``ref`` is its policy ref, empty where
    that is the default branch; ``environments`` are those that are kept, none for all."""

    folder: str
    quarantine: str
    ref: str
    path: str
    environments: tuple[str, ...]
    updates: tuple[Update, ...]

    def write(self) -> bytes:
        """As the child reads it."""
        updates = [[update.old, update.new, update.ref] for update in self.updates]
        words = [self.folder, self.quarantine, self.ref, self.path, list(self.environments), updates]
        return json.dumps(words).encode()

    @classmethod
    def read(cls, body: bytes) -> Question:
        """What ``write`` wrote."""
        folder, quarantine, ref, path, environments, updates = json.loads(body)
        return cls(
            folder, quarantine, ref, path, tuple(environments), tuple(Update(*words) for words in updates)
        )


def run(options: Options) -> Report:
    """Answer one question. Raises ValueError for what is none."""
    question = Question.read(sys.stdin.buffer.read(MAX_QUESTION))
    problems = [problem for problem in judge(question) if problem.severity == "error"]
    for problem in problems[:MAX_LINES]:
        print(escape(str(problem), 4000))
    if len(problems) > MAX_LINES:
        print(f"and {len(problems) - MAX_LINES} more problems")
    return Report(ERROR if problems else DONE)


def judge(question: Question) -> tuple[Problem, ...]:
    """Everything that is wrong with what is pushed, as far as anything is made of it. Never raises."""
    pushed = {update.ref: update.new for update in question.updates}
    quarantine = Path(question.quarantine) if question.quarantine else None
    repository = PushedRepository.of(Path(question.folder), quarantine, pushed)
    try:
        moved = tuple(_moved(repository, question.updates))
        return moved or tuple(dict.fromkeys(_read(repository, question)))
    except Stop as stop:
        return stop.problems
    except ProviderError as error:
        return (problem_of(error),)


def _moved(repository: PushedRepository, updates: tuple[Update, ...]) -> Iterator[Problem]:
    for update in updates:
        repository.resolve(update.new)
        if update.ref.startswith(HEADS) and repository.is_rewritten(update):
            yield failure(
                "PUSH003",
                escape(update.ref, 200),
                f"it would lose {update.old[:12]}",
                "commits that come after what is there",
                "git pull --rebase, then push again; undo a change by git revert",
            )


def _read(repository: PushedRepository, question: Question) -> Iterator[Problem]:
    """Raises Stop and ProviderError for a policy ref that cannot be read, if it is what is pushed."""
    found: Tracked | None = None
    try:
        found = find_policy(repository, question.ref or None)
        policy = read_ref(repository, found.commit, question.path)
    except (Stop, ProviderError):
        if found is not None and found.commit in repository.pushed.values():
            raise
        return  # nothing can be said of other branches while it cannot be read
    sources = {policy.commit: policy}
    for tracked, name in _tracked(repository, policy, found, question):
        source = sources.get(tracked.commit)
        if source is None:
            source = sources[tracked.commit] = read_ref(repository, tracked.commit, question.path)
        yield from _resolved(source, policy, name)


def _tracked(
    repository: PushedRepository, policy: Source, here: Tracked, question: Question
) -> Iterator[tuple[Tracked, str]]:
    """The environments that follow what is pushed, and what each would follow."""
    for name, environment in policy.specs.environments.items():
        if question.environments and name not in question.environments:
            continue
        try:
            tracked = find_tracked(repository, here, environment, name)
        except ProviderError:
            continue  # its branch is not there yet
        if tracked.commit in repository.pushed.values() or tracked.ref in repository.pushed:
            yield tracked, name


def _resolved(source: Source, policy: Source, environment_name: str) -> Iterator[Problem]:
    specs = source.specs
    if source.commit != policy.commit:
        specs = under_policy(source.specs, policy.specs)[0]
    environment = specs.environments.get(environment_name)
    if environment is not None and environment.follows is not None:
        yield from check_followed(replace(source, specs=specs), environment_name)
        return
    paths = {file.path for file in source.files}
    yield from effective(specs, environment_name, file_paths=paths, read_file=source.read_file)[1]
