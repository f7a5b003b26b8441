"""Drift: each live instance against what was applied to it, and that against what is desired. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from reconciler.desired import Desired, DesiredService, Subject
from reconciler.difference import Diff, Verdict
from reconciler.drift import IgnoredDiff, ServiceDrift, commit_diffs, live_diffs, without_ignored
from reconciler.observed import Instance, Observed, Phase
from reconciler.plan import plan
from reconciler.render_action import verb_of
from reconciler.route_drift import way_diffs
from reconciler.target import Target, desired_target
from reconciler.view import ServiceView, group

_STOPPED = (Phase.EXITED, Phase.PAUSED, Phase.DEAD)


def assess_drift(desired: Desired, observed: Observed, now: float) -> tuple[ServiceDrift, ...]:
    """What differs in each service, sorted by name; services that git does not name any more come too,
    as one pending difference each. Origin live is drift, origin commit is not deployed yet."""
    views = group(observed)
    heal = _healing(desired, observed, now)
    answers = [
        _assess(service, views.of(name), desired, observed, heal.get(name, ()))
        for name, service in sorted(desired.services.items())
    ]
    gone = [
        ServiceDrift(name, "clean", pending=1)
        for name, view in sorted(views.services.items())
        if view.instances and name not in desired.services and name not in desired.excluded
    ]
    return tuple(answers + gone)


def _healing(desired: Desired, observed: Observed, now: float) -> Mapping[str, tuple[str, ...]]:
    verbs: dict[str, set[str]] = defaultdict(set)
    for action in plan(desired, observed, now).actions:
        if action.cause.type == "drift" and action.subject.kind in ("Service", "Proxy", "Route"):
            verbs[action.subject.name].add(verb_of(action))
    return {name: tuple(sorted(found)) for name, found in verbs.items()}


def _assess(
    service: DesiredService, view: ServiceView, desired: Desired, observed: Observed, heal: tuple[str, ...]
) -> ServiceDrift:
    hidden = observed.cannot_read("instances") or observed.cannot_read(f"service:{service.name}")
    if hidden:
        return ServiceDrift(service.name, "cannot_tell")
    target = desired_target(service, view, observed, desired.commit)
    rules = service.form.spec.drift.ignore
    today = datetime.fromtimestamp(observed.at, UTC).date().isoformat()
    seen = [diff for instance in view.live for diff in _live(instance, target)]
    seen += way_diffs(target, view, observed.traffic)
    found = [d for d in seen if d.origin == "live" and d.verdict is Verdict.DIFFERENT]
    counted = without_ignored(found, rules, today)
    missing, extra = _missing(service, view), _extra(service, view, target)
    drifted = bool(counted) or missing > 0 or bool(extra)
    pending = [diff for instance in view.live for diff in commit_diffs(instance, target)]
    pending += [diff for diff in seen if diff.origin == "commit"]
    unknown = [diff for diff in seen if diff.verdict is Verdict.CANNOT_TELL]
    unseen = [*_unseen(service, view), *_distinct(unknown)]
    return ServiceDrift(
        service.name,
        "drifted" if drifted else "cannot_tell" if unknown else "clean",
        diffs=(*_distinct(counted), *_distinct(pending), *unseen),
        missing=missing,
        extra=extra,
        heal=heal,
        ignored=tuple(_ignored(found, counted, service)),
        pending=len(_distinct(pending)) + (not view.instances and not missing and service.replicas > 0),
    )


def _distinct(diffs: Iterable[Diff]) -> list[Diff]:
    """Each once: instances of one service differ alike. A value may be a list, which has no hash."""
    found: list[Diff] = []
    for diff in diffs:
        if diff not in found:
            found.append(diff)
    return found


def _live(instance: Instance, target: Target) -> list[Diff]:
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


def _ignored(found: list[Diff], counted: tuple[Diff, ...], service: DesiredService) -> list[IgnoredDiff]:
    left = {diff.path for diff in found} - {diff.path for diff in counted}
    rules = service.form.spec.drift.ignore
    return [IgnoredDiff(r.path, r.reason, r.until) for r in rules if any(p.startswith(r.path) for p in left)]
