"""Where a routed service is reached, and who has its requests. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.canary import Canary
from reconciler.countdowns import DRAIN
from reconciler.decision import Wait
from reconciler.desired import Desired, Json
from reconciler.observed import Instance, Observed
from reconciler.ownership import parse_instance_name
from reconciler.render import count, escape, format_duration, format_time
from reconciler.steering import Course, find_course
from reconciler.switching import drained_at
from reconciler.traffic import Flow, short_id
from specs.proxy import Proxy
from specs.rollout import Rollout
from specs.route import Route

_MOST = 6
"""How many instances a line names."""


@dataclass(frozen=True, slots=True)
class Share:
    """Percent of the requests. ``instance`` is an object name, or the id of what nobody knows any more."""

    instance: str
    percent: int
    generation: str | None


@dataclass(frozen=True, slots=True)
class Draining:
    """An instance that requests are led around. ``until`` when they get to end, at most."""

    instance: str
    flow: Flow
    until: float


@dataclass(frozen=True, slots=True)
class RouteStatus:
    """The way of requests to one service."""

    urls: tuple[str, ...]
    inside: str
    """Where neighbours reach it."""
    hosts: tuple[str, ...]
    path: str
    maintenance: bool
    """The answer for maintenance is on, whatever serves."""
    shares: tuple[Share, ...] | None
    """None: the proxies could not be asked."""
    draining: tuple[Draining, ...] = ()
    course: Course | None = None
    """A canary that is on its way."""
    ends_at: float | None = None
    """When its step ends by itself."""

    def drain(self, now: float) -> float | None:
        """Seconds until nothing is in flight to what is led around, at most."""
        return max((max(0.0, it.until - now) for it in self.draining), default=None)


def find_route_status(
    desired: Desired, observed: Observed, service_name: str, waits: Iterable[Wait]
) -> RouteStatus | None:
    """None for a service without a route. ``waits`` are those about it."""
    service, proxy = desired.services.get(service_name), desired.proxy
    route = service.form.spec.route if service is not None else None
    if service is None or proxy is None or route is None:
        return None
    instances = [i for i in observed.instances if i.service_name == service_name]
    unread = observed.cannot_read("instances") or observed.cannot_read("markers")
    course = None if unread else find_course(desired, observed, service_name)
    course = course if isinstance(course, Course) and not course.is_over else None
    return RouteStatus(
        urls=tuple(_url(host, route, proxy.settings) for host in route.all_hosts),
        inside=f"http://{service_name}:{route.port}",
        hosts=route.all_hosts,
        path=route.path,
        maintenance=route.maintenance.on,
        shares=_shares(observed, service_name, instances),
        draining=tuple(_draining(service.form.spec.rollout, observed, instances, waits)),
        course=course,
        ends_at=Canary(course.steps, course.standing).ends_at if course and course.has_begun else None,
    )


def _url(host: str, route: Route, proxy: Proxy) -> str:
    is_plain = proxy.https == "none"
    port, usual = (proxy.http, 80) if is_plain else (proxy.https, 443)
    return f"http{'' if is_plain else 's'}://{host}{'' if port == usual else f':{port}'}{route.path}"


def _shares(observed: Observed, service_name: str, instances: Iterable[Instance]) -> tuple[Share, ...] | None:
    if observed.traffic.tables is None:
        return None
    by_id = {short_id(instance.handle): instance for instance in instances}
    found: list[Share] = []
    for slot, percent in Counter(observed.traffic.slots_of(service_name)).items():
        instance = by_id.get(slot)
        name = instance.name if instance is not None else slot
        found.append(Share(name, percent, instance.generation.g8 if instance is not None else None))
    return tuple(sorted(found, key=lambda share: share.instance))


def _draining(
    rollout: Rollout, observed: Observed, instances: Iterable[Instance], waits: Iterable[Wait]
) -> Iterable[Draining]:
    named = {wait.subject.instance for wait in waits if wait.expects == DRAIN}
    traffic = observed.traffic
    for instance in instances:
        left = traffic.left.get(instance.handle.id)
        if instance.name in named and left is not None:
            flow = traffic.flows.get(short_id(instance.handle), Flow())
            yield Draining(instance.name, flow, drained_at(rollout, flow, left, traffic.is_blind))


def render_route(status: RouteStatus, now: float) -> list[str]:
    """Where it is reached and who answers, where its canary stands, and what drains: a line each."""
    place = ", ".join(status.urls[:_MOST]) or f"{status.inside}, for neighbours alone"
    place += f" and {len(status.urls) - _MOST} more" if len(status.urls) > _MOST else ""
    lines = [f"{escape(place)} -> {_answering(status)}"]
    if status.course is not None:
        lines.append(_canary_line(status, status.course, now))
    for it in status.draining[:_MOST]:
        flow = f"{count(it.flow.requests, 'request')} and {count(it.flow.streams, 'stream')} in flight"
        lines.append(f"{_short(it.instance)} drains: {flow}, {format_duration(it.until - now)} at most")
    return lines


def _answering(status: RouteStatus) -> str:
    if status.maintenance:
        return "its maintenance answer, which is on"
    if status.shares is None:
        return "cannot tell: the proxies cannot be asked"
    if not status.shares:
        return "its maintenance answer: nobody serves"
    named = [f"{_short(share.instance)} {share.percent} %" for share in status.shares]
    more = f" and {len(named) - _MOST} more" if len(named) > _MOST else ""
    return ", ".join(named[:_MOST]) + more


def _canary_line(status: RouteStatus, course: Course, now: float) -> str:
    words = f"canary: step {course.standing.index + 1} of {len(course.steps)}, {course.weight} %"
    if course.standing.state == "paused":
        by = f" by {escape(course.standing.by)}" if course.standing.by else ""
        return f"{words}, paused{by}"
    if status.ends_at is not None:
        return f"{words}, for {format_duration(status.ends_at - now)} more"
    return f"{words}, until --next" if course.has_begun else f"{words}, about to begin"


def _short(name: str) -> str:
    """Generation and number, which tell the instances of a service apart."""
    parsed = parse_instance_name(name)
    return f"{parsed.g8}_{parsed.number}" if parsed is not None else escape(name)


def route_json(status: RouteStatus | None) -> Json:
    """The member ``route`` of a service."""
    if status is None:
        return None
    course = status.course
    return {
        "hosts": list(status.hosts),
        "path": status.path,
        "urls": list(status.urls),
        "inside": status.inside,
        "maintenance": status.maintenance,
        "share": None if status.shares is None else [_share_json(share) for share in status.shares],
        "draining": [
            {
                "instance": it.instance,
                "requests": it.flow.requests,
                "streams": it.flow.streams,
                "until": format_time(it.until),
            }
            for it in status.draining
        ],
        "canary": None
        if course is None
        else {
            "step": course.standing.index + 1,
            "of": len(course.steps),
            "weight": course.weight,
            "until": format_time(status.ends_at),
            "state": course.standing.state,
            "by": course.standing.by or None,
        },
    }


def _share_json(share: Share) -> Json:
    return {"instance": share.instance, "percent": share.percent, "version": share.generation}
