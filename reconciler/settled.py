"""The world in which everything that one commit says runs already, and has proved itself. Pure.

What the offline plan of a commit is compared with: nobody is asked, so a digest that only a registry or a
builder knows is ``built:<key>`` or ``resolved:<reference>``, equal only to itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from reconciler import predict_instance
from reconciler.blueprint import draw
from reconciler.dependencies import sorted_by_dependency
from reconciler.desired import Desired, DesiredNetwork, DesiredService, DesiredVolume, Fields
from reconciler.hook_notes import KIND as HOOK
from reconciler.hook_notes import Note, command_digest, write_notes
from reconciler.jobs import job_note
from reconciler.observed import (
    Handle,
    Health,
    Instance,
    LiveImage,
    LiveNetwork,
    LiveVolume,
    Marker,
    Observed,
    Phase,
)
from reconciler.ownership import Role
from reconciler.release import KIND as RELEASE
from reconciler.release import Release, write_releases
from reconciler.secret_volume import secret_volume
from reconciler.steps import Steps
from reconciler.target import Target, desired_target
from reconciler.traffic import LiveProxy, Probe, Traffic, share, short_id
from reconciler.view import JOB, ServiceView
from specs.privilege import joined_services
from specs.proxy import PROXIES
from specs.reference import Digest

AGE = 86400.0
"""Seconds for which everything has run: longer than any window."""
_ENGINE = "forecast"
_ANSWERS = 1000
"""Successes that pass every gate."""


@dataclass(frozen=True, slots=True)
class _Running:
    """One service with what runs of it."""

    target: Target
    instances: tuple[Instance, ...]


def settled_world(desired: Desired, now: float) -> Observed:
    """What one look would see, on an engine that holds this environment and nothing else. ``now`` and all
    times are in seconds on the runtime's clock."""
    ground = Observed(
        at=now - AGE,
        networks=tuple(_network(it, now) for it in desired.networks.values() if not it.external),
        artifacts=dict(_artifacts(desired)),
        registry_running=frozenset(desired.registries),
    )
    running = _run_all(desired, ground, now)
    instances = tuple(instance for it in running for instance in it.instances)
    return replace(
        ground,
        at=now,
        instances=instances,
        networks=_with_members(ground.networks, instances),
        volumes=tuple(_volumes(desired, running)),
        markers=tuple(marker for it in running for marker in _markers(it)),
        present={str(it.target.image): LiveImage() for it in running if it.target.image is not None},
        traffic=_traffic(desired, running, now),
    )


def _artifacts(desired: Desired) -> Iterator[tuple[str, Digest]]:
    """What every registry says: our images are built, and each reference from outside is there."""
    for image in desired.images.values():
        yield str(image.ref), Digest(f"built:{image.key}")
    yield from resolved_references(desired)


def resolved_references(desired: Desired) -> Iterator[tuple[str, Digest]]:
    """The references from outside, each as the digest that nobody has asked for."""
    for service in desired.services.values():
        if service.image.image_name is None:
            reference = service.image.ref
            yield str(reference), reference.digest or Digest(f"resolved:{reference}")


def _run_all(desired: Desired, ground: Observed, now: float) -> list[_Running]:
    steps = Steps.begin(desired, ground, ground.at)
    running: list[_Running] = []
    for service in sorted_by_dependency(list(desired.services.values())):
        if joined_services(service.form.spec):
            # It shares the namespace of an instance, so that this one has to be seen.
            seen = tuple(instance for it in running for instance in it.instances)
            steps = Steps.begin(desired, replace(ground, instances=seen), ground.at)
        running.append(_run(steps, service, now))
    return running


def _run(steps: Steps, service: DesiredService, now: float) -> _Running:
    target = desired_target(service, ServiceView(), steps.observed, steps.desired.commit)
    if target.generation is None:
        raise ValueError(f"{service.name}: what runs has a digest")
    numbers = range(1, service.replicas + 1)
    return _Running(target, tuple(_instance(steps, target, number, now) for number in numbers))


def _instance(steps: Steps, target: Target, number: int, now: float) -> Instance:
    made = predict_instance.created(steps.observed, draw(steps, target, number))
    spec, began = target.form.spec, steps.observed.at
    if spec.is_job:
        return replace(made, phase=Phase.EXITED, exit_code=0, finished_at=began, health=Health.NONE)
    # A proxy is on the networks of its neighbours once it has its work.
    made = replace(made, networks=tuple(use.object_name for use in target.form.networks))
    if spec.route is not None:
        made = replace(made, probe=Probe(_ANSWERS, began, passed=True))
    if made.health is Health.NONE:
        return made
    return replace(
        made, health=Health.HEALTHY, healthy_since=began, healthy_longer=True, checked_at=now - 1.0
    )


def _network(network: DesiredNetwork, now: float) -> LiveNetwork:
    handle = Handle(_ENGINE, f"net-{network.object_name}")
    return LiveNetwork(handle, network.name, network.object_name, now - AGE)


def _with_members(networks: Sequence[LiveNetwork], instances: Sequence[Instance]) -> tuple[LiveNetwork, ...]:
    members: dict[str, list[str]] = {}
    for instance in instances:
        for name in instance.networks:
            members.setdefault(name, []).append(instance.handle.id)
    return tuple(replace(it, members=tuple(members.get(it.object_name, ()))) for it in networks)


def _volumes(desired: Desired, running: Sequence[_Running]) -> Iterator[LiveVolume]:
    for volume in desired.volumes.values():
        if not volume.external:
            yield _volume(volume.name, volume.object_name, "data", _options(volume))
    for files in desired.files.values():
        yield _volume(files.config_name, files.volume, "files")
    for it in running:
        generation, service_name = it.target.generation, it.target.service.name
        if generation is not None and it.instances:
            name = secret_volume(desired.owner, service_name, generation, it.target.form)
            if name is not None:
                yield _volume(name, name, "secret")


def _volume(name: str, object_name: str, role: str, fields: Fields | None = None) -> LiveVolume:
    return LiveVolume(Handle(_ENGINE, object_name), name, object_name, role, fields=fields or {})


def _options(volume: DesiredVolume) -> Fields:
    return {"driver": volume.driver, **{f"driver_opts.{k}": v for k, v in volume.driver_opts.items()}}


def _markers(it: _Running) -> Iterator[Marker]:
    target, generation = it.target, it.target.generation
    if generation is None or not it.instances:
        return
    name, first = target.service.name, it.instances[0]
    if target.form.spec.is_job:
        yield Marker(JOB, name, 1, job_note(first), f"{_ENGINE}_1")
        return
    release = Release(
        generation=generation,
        input=first.input,
        image=first.image,
        commit=first.commit,
        pin=first.pin,
        replicas=target.service.replicas,
        spec=target.form.canonical,
        files=tuple(use.volume for use in target.form.files),
    )
    yield Marker(RELEASE, name, 1, write_releases((release,)), f"{_ENGINE}_1")
    if notes := tuple(_notes(target)):
        yield Marker(HOOK, name, 1, write_notes(notes), f"{_ENGINE}_1")


def _notes(target: Target) -> Iterator[Note]:
    """Its hooks have done their work."""
    hooks, generation = target.form.spec.hooks, target.generation
    for role, hook in ((Role.PRE_DEPLOY, hooks.pre_deploy), (Role.POST_DEPLOY, hooks.post_deploy)):
        if hook is not None and generation is not None:
            command = command_digest(hook.command, target.form.fields)
            yield Note(role, generation, target.input, command, "done", runs=1)


def _traffic(desired: Desired, running: Sequence[_Running], now: float) -> Traffic:
    if desired.proxy is None:
        return Traffic()
    proxies = [i for it in running if it.target.service.name in PROXIES for i in it.instances]
    tables: dict[str, tuple[str, ...]] = {}
    ports: dict[str, dict[str, int]] = {}
    led: dict[str, float] = {}
    for it in running:
        route = it.target.form.spec.route
        if route is not None:
            names = {short_id(i.handle): 1 for i in it.instances}
            tables[it.target.service.name] = share((), names)
            ports[it.target.service.name] = dict.fromkeys(names, route.port)
            led |= {i.handle.id: now - AGE for i in it.instances}
    found = tuple(LiveProxy(i.handle, i.service_name) for i in proxies)
    return Traffic(proxies=found, tables=tables, led=led, ports=ports)
