"""Which pull request a job is about: from the forge's own event, never from what a pull request says."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from reconciler.cli.envelope import Stop, failure
from reconciler.cli.exits import ERROR
from reconciler.cli.forge import Head
from reconciler.desired import Json

_MOST: Final = 32 << 20


@dataclass(frozen=True, slots=True)
class Event:
    """What is known of it: its number, or where it comes from; ``commit``: what has to be told of."""

    number: int | None = None
    head: Head | None = None
    commit: str | None = None


def read_event(environ: Mapping[str, str], number: int | None) -> Event:
    """What the job's environment says; ``number`` where a person says it. Raises Stop."""
    if number is not None:
        return Event(number)
    merge = environ.get("CI_MERGE_REQUEST_IID", "")
    if merge.isascii() and merge.isdigit() and len(merge) < 12:
        return Event(int(merge))
    path = environ.get("GITHUB_EVENT_PATH", "")
    if not path:
        _refuse("this job is about no pull request")
    event = _read(path)
    run, pull = event.get("workflow_run"), event.get("pull_request")
    if isinstance(run, dict):
        return _of_run(event, run)
    found = pull.get("number") if isinstance(pull, dict) else None
    if not isinstance(found, int):
        _refuse("its event is about no pull request")
    return Event(found)


def _of_run(event: Mapping[str, Json], run: Mapping[str, Json]) -> Event:
    """Of the run that ended before this one. The event lists no pull request where it came from a fork."""
    commit, pulls = _text(run, "head_sha"), run.get("pull_requests")
    here = _map(event.get("repository")).get("id")
    found = [pull for pull in pulls if isinstance(pull, dict)] if isinstance(pulls, list) else []
    ours = [p for p in found if _map(_map(p.get("base")).get("repo")).get("id") == here]
    numbers = [p.get("number") for p in ours if _text(_map(p.get("head")), "sha") == commit]
    if len(numbers) == 1 and isinstance(numbers[0], int):
        return Event(numbers[0], commit=commit)
    account = _text(_map(_map(run.get("head_repository")).get("owner")), "login")
    head = Head(account, _text(run, "head_branch"), commit)
    if not (head.account and head.branch and head.commit):
        _refuse("its event does not say where the commits come from")
    return Event(head=head, commit=commit)


def _read(path: str) -> Mapping[str, Json]:
    try:
        with Path(path).open("rb") as stream:
            content = stream.read(_MOST + 1)
        value = json.loads(content) if len(content) <= _MOST else None
    except (OSError, ValueError, RecursionError) as error:
        _refuse(f"{os.path.basename(path)} cannot be read ({type(error).__name__})")
    if not isinstance(value, dict):
        _refuse(f"{os.path.basename(path)} is no event")
    return value


def _refuse(seen: str) -> NoReturn:
    remedy = "run it on a pull request, or say --number"
    raise Stop(ERROR, (failure("FORGE007", "post", seen, "the number of a pull request", remedy),))


def _map(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}


def _text(entry: Mapping[str, Json], name: str) -> str:
    found = entry.get(name)
    return found if isinstance(found, str) else ""
