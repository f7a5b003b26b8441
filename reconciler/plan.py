"""The decision of one pass: ``plan(desired, observed, now)``. Pure: no IO, no clock, no randomness."""

from __future__ import annotations

from reconciler import guard
from reconciler.decision import Ender, Plan
from reconciler.dependencies import sorted_by_dependency
from reconciler.desired import Desired, ServiceForm, Subject
from reconciler.form import read_form
from reconciler.hands_off import suspended
from reconciler.observed import Observed
from reconciler.plan_service import plan_service
from reconciler.pre_stop import with_pre_stop
from reconciler.proxying import load_proxies
from reconciler.prune import prune
from reconciler.routing import follow_routes
from reconciler.steps import Steps
from reconciler.supply import supply_network, supply_volume
from reconciler.supply_images import supply_images, supply_registries
from reconciler.target import ReadForm


def plan(desired: Desired, observed: Observed, now: float) -> Plan:
    """Only what can be done now, each action with its cause; a Wait for what cannot happen yet, a Block
    for what must not happen. ``now`` is in seconds on the runtime's clock.

    The answer depends on the inputs alone, and not on the order of their lists.
    """
    steps = Steps.begin(desired, observed, now)
    guard.guard_environment(steps)
    identity = None
    if observed.cannot_read("instances"):
        _wait_for_instances(steps)
    else:
        supply_registries(steps)
        supply_images(steps)
        _plan_resources(steps)
        load_proxies(steps)
        _plan_services(steps)
        _tell_following(steps)
        identity = prune(steps)
    actions = guard.allowed(steps, steps.actions)
    return Plan(tuple(with_pre_stop(steps, actions)), tuple(steps.waits), tuple(steps.blocks), identity)


def _wait_for_instances(steps: Steps) -> None:
    for entry in steps.observed.unreadable:
        steps.wait(guard.environment(steps), f"{entry.what} cannot be read: {entry.reason}", Ender.OUTSIDE)


def _plan_resources(steps: Steps) -> None:
    """Networks and volumes that are declared exist, whether or not anything uses them yet."""
    observed, desired = steps.observed, steps.desired
    if not observed.cannot_read("networks"):
        for _, network in sorted(desired.networks.items()):
            if not network.external and network.object_name not in steps.networks:
                supply_network(steps, network)
    if not observed.cannot_read("volumes"):
        for _, volume in sorted(desired.volumes.items()):
            if not volume.external and volume.object_name not in steps.volumes:
                supply_volume(steps, volume)
            elif not volume.external:
                _check_volume(steps, volume.name, volume.object_name)


def _check_volume(steps: Steps, name: str, object_name: str) -> None:
    """A data volume is never made again: other options are told, not acted on."""
    wanted, live = steps.desired.volumes[name], steps.volumes[object_name]
    if "driver" not in live.fields:
        return  # the runtime cannot see its options: cannot tell is not different
    options = {"driver": wanted.driver, **{f"driver_opts.{k}": v for k, v in wanted.driver_opts.items()}}
    seen = {path: v for path, v in live.fields.items() if path == "driver" or path.startswith("driver_opts.")}
    # Both ways: an option that was added or taken away in git is another option, too.
    other = sorted(path for path in options.keys() | seen.keys() if options.get(path) != seen.get(path))
    if other:
        steps.block(
            Subject("Volume", name),
            "PLAN019",
            f"volume {object_name} exists with another {', '.join(other)}; its data is never thrown away",
            "declare a new Volume under another name and move the data, or go back to the old options",
        )


def _tell_following(steps: Steps) -> None:
    """What has no pin waits for a promotion; what has one that cannot be followed is left as it is, for a
    mistake in one document must not stop what serves."""
    following = steps.desired.following
    if following is None:
        return
    for name in sorted(following.unpromoted):
        words = f"not promoted: reconciler promote {following.source} {steps.desired.owner.environment}"
        steps.wait(Subject("Service", name), words, Ender.OUTSIDE)
    for name, barrier in sorted(following.barred.items()):
        steps.block(Subject("Service", name), barrier.code, barrier.reason, barrier.remedy)


def _plan_services(steps: Steps) -> None:
    unreadable = {entry.what: entry.reason for entry in steps.observed.unreadable}
    for service in sorted_by_dependency(list(steps.desired.services.values())):
        subject = Subject("Service", service.name)
        handed_off = suspended(steps, service.name)
        if f"service:{service.name}" in unreadable:
            words = unreadable[f"service:{service.name}"]
            steps.wait(subject, f"it cannot be read: {words}", Ender.OUTSIDE)
        elif handed_off is not None:
            steps.wait(subject, f"suspended: {handed_off.reason}", Ender.OUTSIDE, handed_off.until)
        else:
            plan_service(steps, service, _reader(steps, service.name))
            guard.tell_take_over(steps, subject)


def _reader(steps: Steps, service_name: str) -> ReadForm:
    """Reads forms of a service from labels and markers, under today's policy."""
    desired = steps.desired

    def read(canonical: str) -> ServiceForm:
        form = read_form(
            desired.owner,
            canonical,
            desired.networks,
            desired.volumes,
            service_name=service_name,
            allowed=desired.policy.allowed,
        )
        return follow_routes(service_name, form, desired)

    return read
