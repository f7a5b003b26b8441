"""Status as text and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.countdowns import Countdowns
from reconciler.desired import Desired, Json
from reconciler.loop_seen import LivingLoop
from reconciler.observed import Health, Instance, Observed, Phase
from reconciler.ownership import Role
from reconciler.render import PLAIN, Style, escape, format_duration, format_time, short_commit, shorten
from reconciler.render_json import JsonObject
from reconciler.render_plan import render_unreadable
from reconciler.route_status import render_route, route_json
from reconciler.status import ServiceStatus
from reconciler.view import SUSPEND, Suspension, newest_markers, read_suspension

_GOOD = ("settled",)
_BAD = ("blocked", "held", "unstable", "unknown")


def render_status(
    statuses: Sequence[ServiceStatus],
    desired: Desired,
    observed: Observed,
    style: Style = PLAIN,
    loop: LivingLoop | None = None,
) -> str:
    """One line a service, its reason, and a line for each instance that is not simply live and well."""
    lines = [style.bold(f"{desired.owner} at {short_commit(desired.commit)}")]
    lines += render_unreadable(observed.unreadable, style)
    lines += [style.faint(line) for line in _render_keeping(observed, loop)]
    width = max((len(s.service_name) for s in statuses), default=0)
    for status in statuses:
        lines += _render_service(status, width, observed.at, style)
    if not statuses:
        lines.append("no services")
    return "\n".join(lines) + "\n"


def _render_keeping(observed: Observed, loop: LivingLoop | None) -> list[str]:
    """Who keeps the environment, and whether it is suspended as a whole."""
    lines = [f"kept by {escape(loop.by)}"] if loop is not None else []
    if loop is not None and loop.trigger is not None and loop.result is not None and " " in loop.trigger:
        lines.append(f"last {escape(loop.trigger)}: {escape(loop.result)}")
    if loop is not None and loop.pending is not None:
        lines.append(f"commit {short_commit(loop.pending)} waits for apply (deploy: manual)")
    if loop is not None and loop.promotion is not None:
        lines.append(f"promotion waits: {escape(loop.promotion, 500)}")
    found = read_suspension(newest_markers(observed.markers).get((SUSPEND, "")), observed.at)
    if found is not None:
        lines.append(f"suspended {_suspended_words(found)}")
    return lines


def _suspended_words(found: Suspension) -> str:
    until = f"until {format_time(found.until)}" if found.until is not None else "until somebody resumes it"
    by = f" (by {escape(found.by)})" if found.by else ""
    return f"{until}: {shorten(found.reason)}{by}"


def _render_service(status: ServiceStatus, width: int, now: float, style: Style) -> list[str]:
    paint = style.good if status.state in _GOOD else style.bad if status.state in _BAD else style.warn
    since = f"for {format_duration(now - status.since)}" if status.since is not None else ""
    at = status.pin or status.commit
    commit = short_commit(at) if at else "-"
    digest = (status.digest or "").removeprefix("sha256:")[:12] or "-"
    name = escape(status.service_name).ljust(width)
    ready = f"{status.ready}/{status.replicas}"
    line = f"{style.bold(name)}  {paint(status.state.ljust(11))} {ready:>5}  {commit}  {digest}  {since}"
    lines = [line.rstrip()]
    if status.suspended is not None and status.state == "suspended":
        lines.append(f"  {_suspended_words(status.suspended)}")
    elif status.reason:
        lines.append(f"  {shorten(status.reason)}")
    if status.route is not None:
        lines += [f"  {line}" for line in render_route(status.route, now)]
    counted = _render_countdowns(status.countdowns)
    if counted:
        lines.append(f"  {style.faint(counted)}")
    notable = [i for i in status.instances if _is_notable(i, status.is_job)]
    return lines + [f"  {style.faint(_render_instance(i))}" for i in notable]


def _render_countdowns(countdowns: Countdowns) -> str:
    parts = [
        ("to be ready within", countdowns.ready),
        ("stuck without a step in", countdowns.progress),
        ("drained within", countdowns.drain),
        ("proved in", countdowns.monitor),
    ]
    return ", ".join(f"{words} {format_duration(left)}" for words, left in parts if left is not None)


def _is_notable(instance: Instance, is_job: bool) -> bool:
    is_well = instance.phase is Phase.RUNNING and instance.health is not Health.UNHEALTHY
    is_well = is_well or (is_job and instance.phase is Phase.EXITED and instance.exit_code == 0)
    return instance.role is Role.HELD or (instance.role is Role.LIVE and not is_well)


def _render_instance(instance: Instance) -> str:
    ended = f" with code {instance.exit_code}" if instance.exit_code is not None else ""
    has_health = instance.phase is Phase.RUNNING and instance.health is not Health.NONE
    health = f", {instance.health.value}" if has_health else ""
    error = f": {escape(instance.error)}" if instance.error else ""
    return f"{escape(instance.name)} {instance.phase.value}{ended}{health}{error}"


def status_json(
    statuses: Sequence[ServiceStatus], observed: Observed, loop: LivingLoop | None = None
) -> JsonObject:
    """The members of output ``status`` (contracts, section 3)."""
    return {
        "loop": _loop_json(loop),
        "suspended": _suspension_json(observed),
        "observed_at": format_time(observed.at),
        "services": [_service_json(status) for status in statuses],
    }


def _loop_json(loop: LivingLoop | None) -> Json:
    if loop is None:
        return None
    return {
        "by": loop.by,
        "settled_at": format_time(loop.settled_at),
        "keeps": loop.keeps or loop.commit,
        "pending": loop.pending,
        "promotion": loop.promotion,
        "trigger": loop.trigger,
        "result": loop.result,
    }


def _suspension_json(observed: Observed) -> Json:
    """The suspension of the whole environment."""
    return _handed_off(read_suspension(newest_markers(observed.markers).get((SUSPEND, "")), observed.at))


def _handed_off(found: Suspension | None) -> Json:
    if found is None:
        return None
    return {"reason": found.reason, "until": format_time(found.until), "by": found.by}


def _service_json(status: ServiceStatus) -> JsonObject:
    counted = status.countdowns
    instances: list[Json] = [_instance_json(i) for i in status.instances]
    return {
        "service": status.service_name,
        "state": status.state,
        "commit": status.commit,
        "pin": status.pin,
        "image": status.image,
        "digest": status.digest,
        "since": format_time(status.since),
        "replicas": {"desired": status.replicas, "ready": status.ready},
        "reason": status.reason,
        "suspended": _handed_off(status.suspended),
        "countdowns": {
            "ready": counted.ready,
            "progress": counted.progress,
            "drain": counted.drain,
            "monitor": counted.monitor,
        },
        "instances": instances,
        "route": route_json(status.route),
    }


def _instance_json(instance: Instance) -> JsonObject:
    return {
        "host": instance.handle.host,
        "id": instance.handle.id,
        "name": instance.name,
        "health": instance.health.value,
        "version": instance.generation.g8,
        "started_at": format_time(instance.started_at),
    }
