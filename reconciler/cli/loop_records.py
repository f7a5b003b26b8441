"""The records of what a loop keeps: published beside the passes, which never wait for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from reconciler.cli.loop_audience import Refusal
from reconciler.cli.records import publish_record, record_of, unpublished
from reconciler.clients import OpenRegistry
from reconciler.desired import Desired
from reconciler.keeper_report import Heard
from reconciler.loop import PassReport
from reconciler.ownership import Owner
from reconciler.policy import RecordPlace
from reconciler.provider import ProviderError
from reconciler.record import Record, is_due
from specs.problem import Problem

_PAUSE: Final = 60.0
"""Seconds until what failed is tried again."""


@dataclass(slots=True)
class _Shelf:
    """What this process knows of one environment's record."""

    written: Record | None = None
    place: RecordPlace | None = None
    task: asyncio.Task[None] | None = None
    not_before: float = 0.0
    told: str = ""
    """The code of the failure that was told last."""


@dataclass(slots=True)
class Records:
    """Implements ``Listener``. ``registry``: the registries of what is kept of an owner now, None when
    nothing is; ``warn`` tells that a record could not be published, once until it can again."""

    registry: Callable[[Owner], OpenRegistry | None]
    warn: Callable[[Owner, tuple[Problem, ...]], None]
    _shelves: dict[Owner, _Shelf] = field(default_factory=dict)

    def heard(self, owner: Owner, repository: str) -> Heard:
        """See ``Listener``."""
        return Heard(passed=lambda desired, report, seconds: self._passed(desired, report))

    def refused(self, refusal: Refusal) -> None:
        """See ``Listener``: what was recorded before is still so."""

    async def close(self) -> None:
        """End what is under way: the next process writes it."""
        tasks = [shelf.task for shelf in self._shelves.values() if shelf.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _passed(self, desired: Desired, report: PassReport) -> None:
        place = desired.policy.record
        if place is None:
            return
        shelf = self._shelves.setdefault(desired.owner, _Shelf())
        if shelf.place != place:
            shelf.place, shelf.written, shelf.not_before = place, None, 0.0
        is_busy = shelf.task is not None and not shelf.task.done()
        if is_busy or asyncio.get_running_loop().time() < shelf.not_before:
            return
        record = self._due(shelf, place, desired, report)
        if record is not None:
            shelf.task = asyncio.create_task(self._publish(shelf, place, record))

    def _due(self, shelf: _Shelf, place: RecordPlace, desired: Desired, report: PassReport) -> Record | None:
        """In the middle of a rollout only what would else be too old: nothing new has proved itself."""
        written = shelf.written
        is_old = written is None or report.observed.at - written.at >= place.age / 4
        if not report.plan.settled and not is_old:
            return None
        record = record_of(desired, report.observed, report.plan)
        return record if record is not None and is_due(written, record, place.age) else None

    async def _publish(self, shelf: _Shelf, place: RecordPlace, record: Record) -> None:
        open_registry = self.registry(record.owner)
        if open_registry is None:
            return
        try:
            shelf.written = await publish_record(place, record, open_registry, shelf.written)
            shelf.told = ""
        except ProviderError as error:
            shelf.not_before = asyncio.get_running_loop().time() + _PAUSE
            if shelf.told != error.code:
                shelf.told = error.code
                self.warn(record.owner, (unpublished(record.owner, place, error),))
