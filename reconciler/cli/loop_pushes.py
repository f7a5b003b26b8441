"""Pushes straight to a loop: where they come in, and where they are judged and shown. Both ask the Run file
at each push, so that it can change."""

from __future__ import annotations

from collections.abc import Callable

from reconciler.cli.git_http import GitDoor
from reconciler.cli.loop_settle import Kept
from reconciler.cli.loop_voice import Voice
from reconciler.cli.onlookers import Onlookers
from reconciler.cli.push_desk import PushDesk
from specs.run_file import RunSpec


def open_door(spec: Callable[[], RunSpec], voice: Voice) -> GitDoor:
    """For who pushes and fetches over HTTP."""

    def tell(address: str, repository: str) -> None:
        voice.log.warning("not let in", address=address, repository=repository)

    return GitDoor(lambda: spec().repositories, lambda: spec().pushers, tell)


def open_desk(spec: Callable[[], RunSpec], kept: Kept, onlookers: Onlookers, voice: Voice) -> PushDesk:
    """For the hooks."""

    def tell(repository: str, pusher_name: str, result: str) -> None:
        voice.log.info("push", repository=repository, pusher=pusher_name or None, result=result)

    return PushDesk(kept, onlookers, lambda: spec().pushers, tell)
