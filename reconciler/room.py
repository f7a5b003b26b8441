"""Whether others leave room for an instance: ports, volumes with one writer, a take-over. Pure."""

from __future__ import annotations

from reconciler.decision import Ender
from reconciler.desired import Subject
from reconciler.steps import Steps
from reconciler.target import Target

TAKE_OVER = "take over"
"""What the Wait of a service expects that is ready to take over."""


def has_room(steps: Steps, target: Target) -> bool:
    """Plan the Block or Wait for what others hold; True when an instance can be there. A service that is to
    take over needs no room before: what holds it is stopped next."""
    subject = Subject("Service", target.service.name)
    if steps.desired.policy.take_over == "prepare":
        reason = "what it takes over is to be stopped first"
        steps.wait(subject, reason, Ender.OUTSIDE, expects=TAKE_OVER)
        return False
    answers = [_has_ports(steps, target, subject), _writes_alone(steps, target, subject)]
    return all(answers)


def _has_ports(steps: Steps, target: Target, subject: Subject) -> bool:
    wanted = {p.published for p in target.form.spec.ports.values() if p.protocol == "tcp" and p.published}
    taken = [(port, steps.observed.ports[port]) for port in sorted(wanted) if port in steps.observed.ports]
    for published, who in taken:
        remedy = "stop what holds it, or publish another port"
        if who.startswith("container "):
            remedy += f", or take it over: {_adopt(steps, target, who.removeprefix('container '))}"
        steps.block(subject, "PLAN018", f"port {published} is taken by {who}", remedy)
    return not taken


def _writes_alone(steps: Steps, target: Target, subject: Subject) -> bool:
    """Where Compose's own container of this service still writes into an external volume, ours would be a
    second writer."""
    if steps.desired.policy.take_over == "take":
        return True
    external = {use.object_name for use in target.form.mounts if use.external and not use.read_only}
    name = target.service.name
    tenants = sorted(t for t in steps.observed.tenants if t.service_name == name and t.volume in external)
    for tenant in tenants:
        reason = f"container {tenant.container} of Compose writes into volume {tenant.volume}"
        steps.block(subject, "PLAN033", reason, f"take it over: {_adopt(steps, target, tenant.container)}")
    return not tenants


def _adopt(steps: Steps, target: Target, container: str) -> str:
    return f"reconciler adopt {steps.desired.owner.environment} {target.service.name} {container}"
