"""How each service is, from what is desired, what was observed and what the plan says. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

from reconciler.countdowns import Countdowns, count_down, stuck_words
from reconciler.decision import Block, Ender, Plan
from reconciler.desired import Desired, DesiredService, Subject
from reconciler.entering import UNREADY
from reconciler.flapping import WINDOW
from reconciler.observed import Instance, Observed, Phase
from reconciler.readiness import LAST_EXIT, exit_words, serves
from reconciler.render import count
from reconciler.route_status import RouteStatus, find_route_status
from reconciler.view import SUSPEND, ServiceView, Suspension, Views, group, read_suspension

State = Literal["settled", "progressing", "waiting", "blocked", "held", "unstable", "suspended", "unknown"]
_NEEDED = ("instances", "markers")
"""Kinds without which nothing can be said of any service."""


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """One service: its state, why, and what runs. ``since`` is when the oldest serving instance started,
    in seconds on the runtime's clock."""

    service_name: str
    state: State
    reason: str | None
    replicas: int
    ready: int
    commit: str | None = None
    pin: str | None = None
    """The commit that it is read at, where that is not the environment's own."""
    image: str | None = None
    digest: str | None = None
    since: float | None = None
    countdowns: Countdowns = Countdowns()
    instances: tuple[Instance, ...] = ()
    suspended: Suspension | None = None
    """Why it is left alone, itself or with its whole environment."""
    is_job: bool = False
    """It runs to completion: ``ready`` counts instances that ended well, too."""
    route: RouteStatus | None = None
    """Where it is reached and who has its requests; None without a route."""


def assess_status(
    desired: Desired,
    observed: Observed,
    plan: Plan,
    now: float,
    contested: Mapping[str, str] = MappingProxyType({}),
) -> tuple[ServiceStatus, ...]:
    """The status of every service that is desired or lives, sorted by name. ``contested``: those that a loop
    fights for, and how."""
    views = group(observed)
    service_names = set(desired.services) | {i.service_name for i in observed.instances}
    following = desired.following
    waiting = frozenset[str]() if following is None else following.unpromoted | following.barred.keys()
    chosen = sorted((service_names - desired.excluded) | waiting)
    found = (_assess(name, desired, observed, views, plan, now) for name in chosen)
    return tuple(_contest(status, contested.get(status.service_name)) for status in found)


def await_apply(statuses: Sequence[ServiceStatus], plan: Plan) -> tuple[ServiceStatus, ...]:
    """Where a loop waits for ``apply``, what only another commit would change does not move by itself."""
    healed = {a.subject.name for a in plan.actions if a.subject.kind == "Service" and a.cause.type == "drift"}
    words = "another commit was applied: this one waits for apply (deploy: manual)"
    return tuple(
        replace(s, state="waiting", reason=words)
        if s.state == "progressing" and s.service_name not in healed
        else s
        for s in statuses
    )


def _contest(status: ServiceStatus, words: str | None) -> ServiceStatus:
    """What a loop fights for looks settled between two blows."""
    if words is None or status.state in ("unknown", "suspended", "blocked", "held"):
        return status
    return replace(status, state="unstable", reason=words)


def _assess(
    service_name: str, desired: Desired, observed: Observed, views: Views, plan: Plan, now: float
) -> ServiceStatus:
    view = views.of(service_name)
    service = desired.services.get(service_name)
    waits = tuple(w for w in plan.waits if _is_about(w.subject, service_name))
    state, reason = _state(service_name, service, observed, views, plan, now)
    shown = view.live[-1] if view.live else None
    is_job = service is not None and service.form.spec.is_job
    route = find_route_status(desired, observed, service_name, waits)
    counted = count_down(service, view, waits, now)
    return ServiceStatus(
        service_name=service_name,
        state=state,
        reason=reason,
        replicas=service.replicas if service else 0,
        ready=sum(serves(i) or (is_job and i.exit_code == 0) for i in view.live),
        commit=shown.commit if shown else None,
        pin=shown.pin if shown and shown.pin != shown.commit else None,
        image=shown.image if shown else None,
        digest=shown.generation.digest if shown else None,
        since=_since(view),
        countdowns=counted if route is None else replace(counted, drain=route.drain(now)),
        instances=view.instances,
        suspended=_suspension(service_name, views, now),
        is_job=is_job,
        route=route,
    )


def _state(
    service_name: str,
    service: DesiredService | None,
    observed: Observed,
    views: Views,
    plan: Plan,
    now: float,
) -> tuple[State, str | None]:
    unread = _unread(service_name, observed)
    if unread:
        return "unknown", unread
    handed_off = _suspension(service_name, views, now)
    if handed_off is not None:
        return "suspended", handed_off.reason
    blocks = [b for b in plan.blocks if _is_about(b.subject, service_name)]
    if blocks:
        return _blocked(blocks)
    return _moving(service_name, service, views, plan, now)


def _suspension(service_name: str, views: Views, now: float) -> Suspension | None:
    """The service's own, which is the narrower word, else that of the whole environment."""
    own = read_suspension(views.markers.get((SUSPEND, service_name)), now)
    return own if own is not None else read_suspension(views.markers.get((SUSPEND, "")), now)


def _unread(service_name: str, observed: Observed) -> str | None:
    about = (*_NEEDED, f"service:{service_name}")
    return next((f"{u.what}: {u.reason}" for u in observed.unreadable if u.what in about), None)


def _blocked(blocks: list[Block]) -> tuple[State, str]:
    guard = next((block for block in blocks if not block.held), None)
    return ("blocked", guard.reason) if guard else ("held", blocks[0].reason)


def _moving(
    service_name: str, service: DesiredService | None, views: Views, plan: Plan, now: float
) -> tuple[State, str | None]:
    """What a service without blocks does: a backoff of a proved one is instability, not progress."""
    view = views.of(service_name)
    waits = [w for w in plan.waits if _is_about(w.subject, service_name)]
    retried = next((w for w in waits if w.expects == "attempt"), None)
    restarting = next((i for i in view.live if _is_restarting(i, now)), None)
    if view.releases and retried is not None:
        return "unstable", retried.reason
    if view.releases and restarting is not None:
        return "unstable", _restart_words(restarting)
    shaky = next((w for w in waits if w.expects == UNREADY), None)
    if shaky is not None:
        return "unstable", shaky.reason
    acts = any(_is_about(a.subject, service_name) for a in plan.actions)
    stuck = None if acts or view.busy else stuck_words(service, view, waits, now)
    if stuck is not None:
        return "unstable", stuck
    if acts or view.busy or any(w.ender is Ender.TIME for w in waits):
        return "progressing", waits[0].reason if waits else None
    return ("waiting", waits[0].reason) if waits else ("settled", None)


def _is_restarting(instance: Instance, now: float) -> bool:
    """The engine starts it again and again: between two exits it looks well."""
    if instance.phase is Phase.RESTARTING:
        return True
    is_young = instance.started_at is not None and now - instance.started_at < WINDOW
    return instance.phase is Phase.RUNNING and instance.exits >= LAST_EXIT and is_young


def _restart_words(instance: Instance) -> str:
    words = f"{instance.name} exited {count(instance.exits, 'time')}"
    return f"{words}; {exit_words(instance)}" if instance.exit_code is not None else words


def _is_about(subject: Subject, service_name: str) -> bool:
    return subject.kind == "Service" and subject.name == service_name


def _since(view: ServiceView) -> float | None:
    started = [i.started_at for i in view.live if serves(i) and i.started_at is not None]
    return min(started, default=None)
