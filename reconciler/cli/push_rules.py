"""What a push may do before anything of it is read: whose refs they are, and how much it may bring."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from reconciler.cli.envelope import failure
from reconciler.cli.git_service import MAX_OBJECTS
from reconciler.cli.push_request import HEADS, MAX_REFS, TAGS, PushRequest, Update, count_objects
from reconciler.render import escape
from specs.problem import Problem
from specs.run_pusher import Pusher


def find_pusher(pushers: Sequence[Pusher], pusher_name: str, repository_name: str) -> Pusher | None:
    """The pusher of that name, if the repository is one of its own."""
    for pusher in pushers:
        if pusher.name == pusher_name and repository_name in pusher.repositories:
            return pusher
    return None


def refuse(request: PushRequest, pusher: Pusher | None) -> tuple[Problem, ...]:
    """Why the push may not be taken, before it is read; without a pusher it is the loop's own user's.
    Raises OSError where the objects cannot be looked at."""
    if len(request.updates) > MAX_REFS:
        return (_too_much(f"{len(request.updates)} refs at once", f"at most {MAX_REFS}"),)
    problems = tuple(problem for update in request.updates for problem in _refuse_update(update, pusher))
    return problems or tuple(_refuse_size(request.quarantine))


def _refuse_update(update: Update, pusher: Pusher | None) -> Iterator[Problem]:
    subject = escape(update.ref, 200)
    if not update.ref.startswith((HEADS, TAGS)):
        yield failure("PUSH001", subject, "it is not pushed here", "a branch or a tag")
    elif pusher is not None and not pusher.may_push(update.ref):
        expected = f"one of {', '.join(pusher.refs)}"
        remedy = "whoever runs the loop can add it to the pusher's refs"
        yield failure("PUSH001", subject, f"it is not for {pusher.name} to push", expected, remedy)
    elif update.is_deletion:
        yield failure("PUSH002", subject, "it would be deleted", "a push that deletes nothing")
    elif update.ref.startswith(TAGS) and not update.is_new:
        yield failure("PUSH003", subject, "it would be moved", "a tag that stays", "tag a new version")


def _refuse_size(quarantine: Path | None) -> Iterator[Problem]:
    objects = count_objects(quarantine) if quarantine is not None else 0
    if objects > MAX_OBJECTS:
        yield _too_much(f"{objects} objects at once", f"at most {MAX_OBJECTS}")


def _too_much(seen: str, expected: str) -> Problem:
    return failure("PUSH004", "push", seen, expected, "push the history in parts")
