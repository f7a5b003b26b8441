"""What ``depends_on`` waits for: it gates the first instance of a new generation, never healing, scaling or
rollback, and is read on the dependency's desired generation. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.decision import Ender
from reconciler.desired import DesiredService, Subject
from reconciler.jobs import is_recorded
from reconciler.observed import Phase
from reconciler.readiness import is_ready, ready_at, runs
from reconciler.steps import Steps
from reconciler.target import Target, desired_target, holding_instance, proved_release
from reconciler.view import ServiceView
from specs.privilege import joined_services
from specs.service import Dependency


def are_met(steps: Steps, service: DesiredService) -> bool:
    """Plan the Wait or Block for each dependency that is not met; True when all are."""
    wanted = service.form.spec.depends_on.items()
    answers = [_is_met(steps, service, name, dependency) for name, dependency in sorted(wanted)]
    return all(answers)


def _is_met(steps: Steps, service: DesiredService, name: str, dependency: Dependency) -> bool:
    other = steps.desired.services.get(name)
    if other is None or name in steps.desired.excluded:
        return True  # excluded and not required (the front door refuses any other), or not selected
    view = steps.views.of(name)
    target = desired_target(other, view, steps.observed, steps.desired.commit)
    subject, needed = Subject("Service", service.name), Subject("Service", name)
    if holding_instance(target, view) is not None:
        remedy = f"mend {name}; `reconciler why` and `reconciler status` say what failed"
        steps.block(subject, "PLAN020", f"it depends on {name}, whose new generation is held", remedy)
        return False
    lies = not steps.desired.policy.heal and _lies(target, view, dependency)
    reason = _unmet(steps, target, dependency, is_coming=not lies)
    if reason is None:
        return True
    if lies:
        steps.wait(subject, reason, Ender.OUTSIDE)  # what would bring it is drift, and only told
    else:
        steps.wait_on(subject, needed, reason)
    return False


def _lies(target: Target, view: ServiceView, dependency: Dependency) -> bool:
    """It has proved itself, and less of it runs than is needed: the rest was stopped, paused or removed."""
    running = [i for i in view.live if target.is_generation_of(i) and runs(i) and i.phase is not Phase.PAUSED]
    needed = target.service.replicas if dependency.condition == "service_healthy" else 1
    return proved_release(target, view) is not None and len(running) < needed


def _unmet(steps: Steps, target: Target, dependency: Dependency, *, is_coming: bool) -> str | None:
    name, view = target.service.name, steps.views.of(target.service.name)
    current = [i for i in view.live if target.is_generation_of(i)]
    spec = target.form.spec
    match dependency.condition:
        case "service_started":
            met = any(i.phase is Phase.RUNNING or i.started_at is not None for i in current)
            return None if met or target.service.replicas == 0 else f"{name} has started"
        case "service_healthy":
            ready = [i for i in current if is_ready(i, spec, steps.now)]
            if len(ready) >= target.service.replicas:
                return None
            if is_coming and any(runs(i) for i in current):
                _recheck(steps, target)
            return f"{name} is healthy ({len(ready)} of {target.service.replicas})"
        case "service_completed_successfully":
            # Not before the marker is written: else the job could run again under what depends on it.
            return None if is_recorded(target, view) else f"{name} has completed"


def _recheck(steps: Steps, target: Target) -> None:
    # The dependency's own plan may be finished (proved, one instance not ready): look again in time.
    times = [ready_at(i, target.form.spec) for i in steps.views.of(target.service.name).live]
    at = min((at for at in times if at is not None and at > steps.now), default=steps.now + 1)
    steps.wait(Subject("Service", target.service.name), "it becomes ready", Ender.TIME, at, "ready")


def sorted_by_dependency(services: Sequence[DesiredService]) -> list[DesiredService]:
    """Dependencies before dependents, else by name: a Block is known before what waits for it is planned."""
    by_name = {service.name: service for service in services}
    done: dict[str, DesiredService] = {}
    for root_name in sorted(by_name):
        stack = [root_name]
        while stack:
            service = by_name[stack[-1]]
            spec = service.form.spec
            wanted = sorted({*spec.depends_on, *joined_services(spec).values()})
            pending = [n for n in wanted if n in by_name and n not in done and n not in stack]
            if pending:
                stack.append(pending[0])
            else:
                done.setdefault(stack.pop(), service)
    return list(done.values())
