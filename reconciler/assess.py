"""Drift: each live instance against what was applied to it, and that against what is desired. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.desired import Desired, DesiredService, Subject
from reconciler.difference import Diff, Verdict
from reconciler.drift import IgnoredDiff, ServiceDrift, commit_diffs, live_diffs
from reconciler.drift_rules import sift
from reconciler.observed import Instance, Observed, Phase
from reconciler.route_drift import way_diffs
from reconciler.target import Target, desired_target
from reconciler.view import ServiceView, group
from specs.service import Ignored

if TYPE_CHECKING:
    from reconciler.healing import Healing

_STOPPED = (Phase.EXITED, Phase.PAUSED, Phase.DEAD)


def assess_drift(desired: Desired, observed: Observed, now: float) -> tuple[ServiceDrift, ...]:
    """What differs in each service, sorted by name; services that git does not name any more come too,
    as one pending difference each. Origin live is drift, origin commit is not deployed yet."""
    views = group(observed)
    answers = [
        _assess(service, views.of(name), desired, observed)
        for name, service in sorted(desired.services.items())
    ]
    if any(answer.result == "drifted" for answer in answers):
        from reconciler.healing import NO_HEALING, heal  # the planner, which nobody needs where all is well

        healing = heal(desired, observed, now)
        answers = [_with_healing(answer, healing.get(answer.service_name, NO_HEALING)) for answer in answers]
    gone = [
        ServiceDrift(name, "clean", pending=1)
        for name, view in sorted(views.services.items())
        if view.instances and name not in desired.services and name not in desired.excluded
    ]
    return tuple(answers + gone)


def _with_healing(drift: ServiceDrift, it: Healing) -> ServiceDrift:
    if drift.result != "drifted":
        return drift
    return replace(drift, heal=it.verbs, heal_steps=it.steps, interrupts=it.interrupts, withheld=it.withheld)


def _assess(service: DesiredService, view: ServiceView, desired: Desired, observed: Observed) -> ServiceDrift:
    hidden = observed.cannot_read("instances") or observed.cannot_read(f"service:{service.name}")
    if hidden:
        return ServiceDrift(service.name, "cannot_tell")
    target = desired_target(service, view, observed, desired.commit)
    seen = [diff for instance in view.live for diff in instance_diffs(instance, target)]
    seen += _way_diffs(target, view, observed)
    found = [d for d in seen if d.origin == "live" and d.verdict is Verdict.DIFFERENT]
    counted, ignored = sift(found, service, observed.at)
    missing, extra = _missing(service, view), _extra(service, view, target)
    drifted = bool(counted) or missing > 0 or bool(extra)
    pending = [diff for instance in view.live for diff in commit_diffs(instance, target)]
    pending += [diff for diff in seen if diff.origin == "commit"]
    unknown = [diff for diff in seen if diff.verdict is Verdict.CANNOT_TELL]
    skipped = [diff for diff in seen if diff.verdict is Verdict.NOT_COMPARED]
    unseen = [*_unseen(service, view), *_distinct(unknown), *_distinct(skipped)]
    return ServiceDrift(
        service.name,
        "drifted" if drifted else "cannot_tell" if unknown else "clean",
        diffs=(*_distinct(counted), *_distinct(pending), *unseen),
        missing=missing,
        extra=extra,
        ignored=_rules_of(ignored),
        pending=len(_distinct(pending)) + (not view.instances and not missing and service.replicas > 0),
    )


def _distinct(diffs: Iterable[Diff]) -> list[Diff]:
    """Each once: instances of one service differ alike. A value may be a list, which has no hash."""
    found: list[Diff] = []
    for diff in diffs:
        if diff not in found:
            found.append(diff)
    return found


def _way_diffs(target: Target, view: ServiceView, observed: Observed) -> list[Diff]:
    """Over a way that only reads, proxies cannot be asked: listed, and no doubt about the service."""
    found = way_diffs(target, view, observed.traffic)
    if not observed.traits.reads_only:
        return list(found)
    blind = Verdict.CANNOT_TELL
    return [replace(d, verdict=Verdict.NOT_COMPARED) if d.verdict is blind else d for d in found]


def instance_diffs(instance: Instance, target: Target) -> list[Diff]:
    """What differs between one live instance and what was applied to it, a stop and a rename among it."""
    diffs = list(live_diffs(instance, target))
    is_job = target.form.spec.is_job
    if instance.phase in _STOPPED and not (is_job and instance.phase is Phase.EXITED):
        diffs.append(Diff("state", "live", "running", "running", instance.phase.value))
    if instance.number is None:
        diffs.append(Diff("name", "live", None, None, instance.name))
    return diffs


def _missing(service: DesiredService, view: ServiceView) -> int:
    """Instances that were applied (the newest release contains them) and are gone. While a rollout goes
    on, instances of any generation stand for them: we took those away ourselves."""
    if service.form.spec.is_job or not view.releases:
        return 0
    return max(0, min(view.releases[0].replicas, service.replicas) - len(view.live))


def _extra(service: DesiredService, view: ServiceView, target: Target) -> tuple[Subject, ...]:
    """Instances of the target beyond the number that was applied: somebody started them by hand."""
    current = [i for i in view.live if target.is_generation_of(i)]
    applied = view.releases[0].replicas if view.releases else service.replicas
    spare = len(current) - max(applied, service.replicas)
    newest = sorted(current, key=lambda i: (i.created_at, i.handle.id))[-spare:] if spare > 0 else []
    return tuple(Subject("Service", service.name, instance.name) for instance in newest)


def _unseen(service: DesiredService, view: ServiceView) -> list[Diff]:
    """Secrets without a value here cannot be compared: listed, without effect."""
    if not service.missing_secrets or not view.live:
        return []
    return [
        Diff(f"secrets.{name}", "live", None, None, None, Verdict.NOT_COMPARED)
        for name in service.missing_secrets
    ]


def _rules_of(ignored: Iterable[tuple[Diff, Ignored]]) -> tuple[IgnoredDiff, ...]:
    """Each path once, though it differs in several instances."""
    found = {diff.path: IgnoredDiff(diff.path, rule.reason, rule.until) for diff, rule in ignored}
    return tuple(found[path] for path in sorted(found))
