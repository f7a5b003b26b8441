"""Differences of origin live that need no new process: mended in place. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from reconciler.actions import MendInstance
from reconciler.blueprint import free_numbers
from reconciler.changes import (
    LIMIT_PATHS,
    Change,
    Connect,
    Disconnect,
    Rename,
    SetLimits,
    SetRestart,
    Start,
    Unpause,
)
from reconciler.desired import Fields, Subject
from reconciler.difference import Cause, Diff
from reconciler.hand_stop import stop_words
from reconciler.observed import Instance, Phase
from reconciler.ownership import InstanceName
from reconciler.proxy_reach import may_leave
from reconciler.proxying import joined_now
from reconciler.sorting import Sorting
from reconciler.steps import Steps
from reconciler.supply import supply_network
from reconciler.target import Target
from specs.service import Service

_RESOURCES: Final = "deploy.resources."


def mend(steps: Steps, target: Target, instance: Instance, sorting: Sorting, proved: bool) -> None:
    """Plan the changes that make the live object what it was applied as. Before its generation has proved
    itself they are steps of its rollout, and no healing that ``drift: report`` could withhold."""
    diffs = sorting.diffs.get(instance.handle.id, ())
    left_alone = sorting.left_alone.get(instance.handle.id, frozenset())
    changes = (
        *_rename(steps, target, instance),
        *_fields(target, instance, diffs, left_alone),
        *_networks(steps, target, instance, left_alone),
        *_places(steps, target, instance, diffs),
        *_process(instance, target),
    )
    if changes:
        subject = Subject("Service", target.service.name, instance.name)
        words = _words(instance, diffs)
        follows = len(words) == len(diffs) and all(diff.origin == "commit" for diff in diffs)
        cause = Cause("commit" if follows or not proved else "drift", words, tuple(diffs))
        steps.act(MendInstance(subject, cause, instance.handle, changes))


def _words(instance: Instance, diffs: Sequence[Diff]) -> tuple[str, ...]:
    words = [diff.path for diff in diffs]
    words += ["it was renamed"] if instance.number is None else []
    words += ["it is paused"] if instance.phase is Phase.PAUSED else []
    words += [stop_words(instance)] if instance.phase is Phase.EXITED else []
    return tuple(words)


def _rename(steps: Steps, target: Target, instance: Instance) -> tuple[Change, ...]:
    if instance.number is not None:
        return ()
    siblings = steps.views.of(target.service.name).instances
    number = free_numbers([i.number for i in siblings if i.number is not None], 1)[0]
    g8 = instance.generation.g8
    return (Rename(str(InstanceName(steps.desired.owner, target.service.name, g8, number))),)


def _fields(
    target: Target, instance: Instance, diffs: Sequence[Diff], left_alone: frozenset[str]
) -> tuple[Change, ...]:
    paths = [diff.path for diff in diffs]
    changes: list[Change] = []
    if any(path.startswith(LIMIT_PATHS) for path in paths):
        changes.append(_limits(target.form.spec, instance.live_fields, left_alone))
    if "restart" in paths:
        changes.append(SetRestart(target.form.spec.restart))
    return tuple(changes)


def _limits(spec: Service, live: Fields, left_alone: frozenset[str]) -> SetLimits:
    """What the form declares; what a drift rule leaves alone stays as it is, though all are set at once."""
    limits, reservations = spec.deploy.resources.limits, spec.deploy.resources.reservations

    def whole(path: str, wanted: int | None) -> int | None:
        value = live.get(path) if path in left_alone else wanted
        return value if isinstance(value, int) else None

    cpus = live.get(f"{_RESOURCES}limits.cpus") if f"{_RESOURCES}limits.cpus" in left_alone else limits.cpus
    cpuset = live.get("cpuset") if "cpuset" in left_alone else spec.cpuset
    return SetLimits(
        cpus if isinstance(cpus, int | float) else None,
        whole(f"{_RESOURCES}limits.memory", limits.memory),
        whole(f"{_RESOURCES}limits.pids", limits.pids),
        whole(f"{_RESOURCES}reservations.memory", reservations.memory),
        whole("memswap_limit", spec.memswap_limit),
        whole("cpu_shares", spec.cpu_shares),
        cpuset if isinstance(cpuset, str) else None,
    )


def _networks(
    steps: Steps, target: Target, instance: Instance, left_alone: frozenset[str]
) -> tuple[Change, ...]:
    """Connect first, disconnect once everything wanted is attached: neighbours never lose it."""
    wanted = {use.object_name: use for use in joined_now(steps, target, instance)}
    missing = [use for name, use in wanted.items() if name not in instance.networks]
    missing = [use for use in missing if f"networks.{use.name}" not in left_alone]
    changes: list[Change] = []
    for use in missing:
        live = steps.networks.get(use.object_name)
        if use.external or live is not None:
            where = live.handle.id if live else use.object_name
            changes.append(Connect(where, use.aliases, use.place, use.name))
        elif use.name in steps.desired.networks and not steps.observed.cannot_read("networks"):
            supply_network(steps, steps.desired.networks[use.name])
    if len(changes) == len(missing):
        left = [n for n in instance.networks if n not in wanted and f"networks.{n}" not in left_alone]
        name = target.service.name
        changes += [Disconnect(n) for n in left if may_leave(steps, name, instance, n, frozenset(wanted))]
    return tuple(changes)


def _places(steps: Steps, target: Target, instance: Instance, diffs: Sequence[Diff]) -> tuple[Change, ...]:
    """Another address in a network that it is in: an endpoint cannot be changed, so it is made anew."""
    changes: list[Change] = []
    for use in target.form.networks:
        moved = any(diff.path.startswith(f"networks.{use.name}.") for diff in diffs)
        live = steps.networks.get(use.object_name)
        if moved and use.object_name in instance.networks and (use.external or live is not None):
            where = live.handle.id if live else use.object_name
            changes += [Disconnect(use.object_name), Connect(where, use.aliases, use.place, use.name)]
    return tuple(changes)


def _process(instance: Instance, target: Target) -> tuple[Change, ...]:
    if instance.phase is Phase.PAUSED:
        return (Unpause(),)
    if instance.phase is Phase.EXITED and not target.form.spec.is_job:
        return (Start(),)
    return ()
