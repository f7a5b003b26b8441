"""Since when something differs, and which deeds can have brought it about. Pure.

Only what the runtime itself tells is said: the times of a container, and events on that very container whose
kind can make that very difference. What nobody knows stays None.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.assess import instance_diffs
from reconciler.deeds import Deed
from reconciler.desired import Desired, Json
from reconciler.difference import Diff
from reconciler.drift import ServiceDrift, is_mendable
from reconciler.drift_rules import sift
from reconciler.observed import Instance, Observed, Phase
from reconciler.ownership import Role, parse_instance_name, role_of
from reconciler.target import desired_target
from reconciler.view import ServiceView, group

_MOST = 8
"""Deeds that are told of one service: the newest."""
_WINDOW = 60.0
"""Seconds before its end in which a command that somebody executed in it is told."""
_ENDS = ("container kill", "container stop", "container die", "container oom")


@dataclass(frozen=True, slots=True)
class _Clue:
    """Since when one difference is there, None where that is unknown, and the deeds that can have made it."""

    since: float | None
    deeds: tuple[Deed, ...] = ()


def dated(
    drifts: Iterable[ServiceDrift],
    desired: Desired,
    observed: Observed,
    deeds: Sequence[Deed],
    good_at: float | None = None,
) -> tuple[ServiceDrift, ...]:
    """The drifts with what is known of their beginning. ``good_at`` is when the environment was last seen to
    be right, where a journal tells: what was done before then has nothing to do with it."""
    views = group(observed)
    kept = [deed for deed in deeds if good_at is None or deed.at >= good_at]
    return tuple(
        _date(drift, _clues(drift, desired, observed, views.of(drift.service_name), kept, good_at))
        if drift.result == "drifted"
        else drift
        for drift in drifts
    )


def _date(drift: ServiceDrift, clues: Iterable[_Clue]) -> ServiceDrift:
    found = list(clues)
    times = [clue.since for clue in found if clue.since is not None]
    seen = sorted({deed for clue in found for deed in clue.deeds}, key=lambda deed: (deed.at, deed.action))
    return replace(drift, since=min(times, default=None), seen=tuple(seen[-_MOST:]))


def _clues(
    drift: ServiceDrift,
    desired: Desired,
    observed: Observed,
    view: ServiceView,
    deeds: Sequence[Deed],
    good_at: float | None,
) -> Iterator[_Clue]:
    service = desired.services.get(drift.service_name)
    if service is None:
        return
    target = desired_target(service, view, observed, desired.commit)
    extra = {subject.instance for subject in drift.extra}
    for instance in view.live:
        own = [deed for deed in deeds if deed.container == instance.handle.id]
        diffs = [diff for diff in instance_diffs(instance, target) if diff.origin == "live"]
        for diff in sift(diffs, service, observed.at).counted:
            mendable = is_mendable(diff, observed.traits)
            yield _clue(diff, instance, own, mendable, good_at is not None)
        if instance.name in extra:
            yield _Clue(instance.created_at, _of(own, ("container create",)))
    if drift.missing:
        gone = [d for d in _of(deeds, ("container destroy",)) if _is_live_name(d, drift.service_name)]
        yield _Clue(gone[-drift.missing].at if len(gone) >= drift.missing else None, tuple(gone))


def _clue(
    diff: Diff, instance: Instance, deeds: Sequence[Deed], is_mendable: bool, is_good_known: bool
) -> _Clue:
    if diff.path == "state" and instance.phase is Phase.PAUSED:
        return _last(_of(deeds, ("container pause",)))
    if diff.path == "state":
        return _Clue(instance.finished_at, tuple(_end_of(instance, deeds)))
    if diff.path == "name":
        return _last(_of(deeds, ("container rename",)))
    if diff.path.startswith("networks."):
        return _changed(_of(deeds, _joins(diff.live)), is_good_known)
    if is_mendable:
        return _changed(_of(deeds, ("container update",)), is_good_known)
    # No engine changes such a field of a container that is there: it was made so.
    return _Clue(instance.created_at, _of(deeds, ("container create",)))


def _joins(live: Json) -> Collection[str]:
    if isinstance(live, bool):
        return ("network connect",) if live else ("network disconnect",)
    return ("network connect", "network disconnect")


def _last(deeds: tuple[Deed, ...]) -> _Clue:
    return _Clue(deeds[-1].at if deeds else None, deeds[-1:])


def _changed(deeds: tuple[Deed, ...], is_good_known: bool) -> _Clue:
    """The first one after all was right; where nobody knows when that was, the last one: an earlier one may
    have been undone, or be our own."""
    if not deeds:
        return _Clue(None)
    return _Clue(deeds[0].at, deeds) if is_good_known else _last(deeds)


def _end_of(instance: Instance, deeds: Sequence[Deed]) -> Iterator[Deed]:
    """What ended it this time, and what was executed in it just before."""
    ended = instance.finished_at
    if ended is None:
        return
    begin = max(ended - _WINDOW, instance.started_at or 0.0)
    for deed in deeds:
        is_exec = deed.action == "container exec" and not _is_probe(deed, instance.live_fields)
        if begin <= deed.at <= ended + 1.0 and (is_exec or deed.action in _ENDS):
            yield deed


def _is_probe(deed: Deed, live: Mapping[str, Json]) -> bool:
    """Whether it is the engine's own health check."""
    test = live.get("healthcheck.test")
    words = [str(word) for word in test] if isinstance(test, list) else []
    program = "/bin/sh" if words[:1] == ["CMD-SHELL"] else "".join(words[1:2])
    return program != "" and dict(deed.facts).get("program") == program


def _of(deeds: Sequence[Deed], actions: Collection[str]) -> tuple[Deed, ...]:
    return tuple(deed for deed in deeds if deed.action in actions)


def _is_live_name(deed: Deed, service_name: str) -> bool:
    """Whether it was an instance that served, by the name that it bore at its end."""
    role, _ = role_of(parse_instance_name(deed.name), "")
    return deed.service_name == service_name and role is Role.LIVE
