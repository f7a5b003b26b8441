"""What is no longer in git: removed last, within limits, and never on an incomplete read. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from reconciler.actions import (
    CreateInstance,
    MendInstance,
    RemoveInstance,
    RemoveMarker,
    RemoveNetwork,
    RemoveVolume,
    RunHook,
)
from reconciler.changes import Connect, Disconnect
from reconciler.decision import Ender
from reconciler.desired import Subject
from reconciler.difference import Cause
from reconciler.hands_off import suspended
from reconciler.hook_tending import prune_hooks
from reconciler.observed import Instance, LiveNetwork
from reconciler.ownership import Owner, Role
from reconciler.pin_claim import GATE, holding_removal
from reconciler.policy import Policy
from reconciler.proxy_reach import is_routed
from reconciler.render_gates import describe_gate
from reconciler.secret_volume import volume_of
from reconciler.steps import Steps
from reconciler.strict_json import read_number, read_object
from specs.proxy import PROXIES

PRUNE = "prune"
_NEEDED = ("instances", "markers")
_GRACE = 10.0
_SERVICE_MARKERS = ("release", "job", "hook", "retry", "step")


def prune_id(owner: Owner, names: Sequence[str]) -> str:
    """A digest over the owner and exactly the set to be removed, whatever the commit and time."""
    text = json.dumps([str(owner), sorted(names)])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def prune(steps: Steps) -> str | None:
    """Plan the removal of what git does not name any more; the prune id when a guard asks for it."""
    if any(steps.observed.cannot_read(kind) for kind in _NEEDED) or steps.observed.unreadable:
        return None
    asked = _prune_services(steps)
    prune_hooks(steps)
    _remove_leftovers(steps)
    _leave_networks(steps)
    _prune_networks(steps)
    _prune_files(steps)
    _prune_markers(steps)
    return asked


def _prune_services(steps: Steps) -> str | None:
    wanted, skipped = steps.desired.services, steps.desired.excluded
    gone = sorted(
        n for n, v in steps.views.services.items() if v.instances and n not in wanted and n not in skipped
    )
    for name in gone:
        if (handed_off := suspended(steps, name)) is not None:
            words, until = f"suspended: {handed_off.reason}", handed_off.until
            steps.wait(Subject("Service", name), words, Ender.OUTSIDE, until)
    gone = [name for name in gone if suspended(steps, name) is None and _may_leave(steps, name)]
    if not gone:
        return None
    for name in [name for name in gone if name in PROXIES]:
        gone.remove(name)  # nobody asked for it: it comes and goes with the routes, and asks for no leave
        _remove_proxy(steps, name)
    if not gone:
        return None
    names = [f"Service/{name}" for name in gone]
    identity = prune_id(steps.desired.owner, names)
    reason = _guarded(steps, gone)
    if reason and not _is_released(steps, identity):
        env = steps.desired.owner.environment
        steps.block(
            environment_prune(steps),
            "PLAN030",
            f"{reason}: {', '.join(gone)}",
            f"if that is meant: reconciler apply {env} --allow-prune={identity}",
        )
        return identity
    for name in gone:
        _remove_service(steps, name)
    return identity


def _may_leave(steps: Steps, service_name: str) -> bool:
    """In an environment that follows another, what takes a service away passes the gates of a pin."""
    following = steps.desired.following
    claim = None if following is None else following.leaving.get(service_name)
    held = () if claim is None else holding_removal(claim, steps.now)
    for gate in held:
        words = describe_gate(gate)
        steps.wait(Subject("Service", service_name), words, Ender.OUTSIDE, gate.retry_at, GATE)
    return not held


def environment_prune(steps: Steps) -> Subject:
    """The subject of the prune guard; it blocks pruning and nothing else."""
    return Subject("Prune", steps.desired.owner.environment)


def prune_limit(policy: Policy, running: int) -> int:
    """How many services may be removed at once, where so many run."""
    return policy.prune_limit if policy.prune_limit is not None else max(3, running // 5)


def _guarded(steps: Steps, gone: Sequence[str]) -> str | None:
    present = [n for n, v in steps.views.services.items() if v.instances]
    limit = prune_limit(steps.desired.policy, len(present))
    if not steps.desired.services and not steps.desired.excluded:
        return "git names no service at all: this would empty the environment"
    if len(gone) > limit:
        services = "service" if len(gone) == 1 else "services"
        return f"this would remove {len(gone)} {services}, more than the limit of {limit}"
    return None


def _is_released(steps: Steps, identity: str) -> bool:
    if steps.desired.policy.allow_prune == identity:
        return True
    marker = steps.views.markers.get((PRUNE, ""))
    try:
        value = read_object(marker.value) if marker else {}
        return value.get("id") == identity and steps.now < read_number(value["until"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return False


def _remove_service(steps: Steps, service_name: str) -> None:
    cause = Cause("prune", (f"Service {service_name} is not in git any more",))
    for instance in steps.views.of(service_name).instances:
        subject = Subject("Service", service_name, instance.name)
        steps.act(RemoveInstance(subject, cause, instance.handle, _GRACE))


def _remove_proxy(steps: Steps, service_name: str) -> None:
    """Not before the last instance that is reached through it alone is gone."""
    owners = (name for name in steps.desired.services if name not in PROXIES)
    routed = [name for name in owners if any(is_routed(i) for i in steps.views.of(name).live)]
    if routed:
        subject = Subject("Service", service_name)
        steps.wait_on(subject, Subject("Service", routed[0]), f"instances of {routed[0]} are behind it still")
    else:
        _remove_service(steps, service_name)


def _remove_leftovers(steps: Steps) -> None:
    """Tasks that ended, or never began, and whose runner was killed before the engine could remove them."""
    for task in steps.observed.tasks:
        if task.is_over:
            subject = Subject("Task", task.service_name, task.object_name)
            cause = Cause("prune", ("a task was left behind",))
            steps.act(RemoveInstance(subject, cause, task.handle, 0.0, destructive=False))


def _leave_networks(steps: Steps) -> None:
    """Stopped instances follow a network whose options changed, else their old one could never go: they
    are connected to the new one with their aliases first."""
    wanted = {n.object_name for n in steps.desired.networks.values()}
    stale = {name: net for name, net in steps.networks.items() if name not in wanted}
    if not stale:
        return
    for instance in steps.observed.instances:
        attached = [stale[name] for name in instance.networks if name in stale]
        if attached and instance.role is not Role.LIVE and instance.service_name in steps.desired.services:
            _move(steps, instance, attached)


def _move(steps: Steps, instance: Instance, stale: Sequence[LiveNetwork]) -> None:
    changes: list[Connect | Disconnect] = []
    for old in stale:
        desired = steps.desired.networks.get(old.name)
        live = steps.networks.get(desired.object_name) if desired else None
        if desired and live is None:
            return  # the new one is still to be created
        if live and live.object_name not in instance.networks:
            changes.append(Connect(live.handle.id, (instance.service_name,)))
        changes.append(Disconnect(old.object_name))
    subject = Subject("Service", instance.service_name, instance.name)
    cause = Cause("commit", tuple(f"network {old.name} changed" for old in stale))
    steps.act(MendInstance(subject, cause, instance.handle, tuple(changes)))


def _prune_networks(steps: Steps) -> None:
    wanted = {n.object_name for n in steps.desired.networks.values()}
    for network in steps.observed.networks:
        doubled = steps.networks[network.object_name] is not network
        if (
            not network.members
            and not steps.desired.excluded
            and (doubled or network.object_name not in wanted)
        ):
            subject = Subject("Network", network.name, network.handle.id)
            cause = Cause("prune", (f"nothing is on network {network.object_name} any more",))
            steps.act(RemoveNetwork(subject, cause, network.handle))


def _prune_files(steps: Steps) -> None:
    """Files that nothing mounts and no remembered release names. While anything is being created they stay:
    a volume is filled before its first consumer exists."""
    if steps.observed.in_flight or steps.desired.excluded:
        return
    used = {name for instance in steps.observed.instances for name in instance.volumes}
    used |= {files.volume for files in steps.desired.files.values()}
    used |= {volume_of(a.blueprint) or "" for a in steps.actions if isinstance(a, CreateInstance | RunHook)}
    used |= {n for view in steps.views.services.values() for r in view.releases for n in r.files}
    for volume in steps.observed.volumes:
        if volume.role in ("files", "secret") and volume.object_name not in used:
            kind = "Config" if volume.role == "files" else "Secret"
            subject = Subject(kind, volume.name, volume.object_name)
            cause = Cause("prune", ("nothing needs these files any more",))
            steps.act(RemoveVolume(subject, cause, volume.object_name))


def _prune_markers(steps: Steps) -> None:
    """Markers of a service that is gone: a service of that name that comes again starts afresh. And older
    ones that a crash left beside the newest."""
    for marker in steps.observed.markers:
        name = marker.subject
        gone = name not in steps.desired.services and name not in steps.desired.excluded
        view = steps.views.of(name)
        over = marker.kind in _SERVICE_MARKERS and gone and not view.instances and not view.hooks
        if over or steps.views.markers[(marker.kind, name)] is not marker:
            subject = Subject("Marker", name, marker.object_name)
            words = f"Service {name} is not in git any more" if over else "a newer one of its kind is there"
            steps.act(RemoveMarker(subject, Cause("prune", (words,)), marker.object_name))
