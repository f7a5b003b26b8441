"""Whole worlds in memory for tests: engine, registries, builder, on one clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from allowances import allow_what_it_asks
from providers.memory import Behaviour, CrashAt, MemoryBuilder, MemoryEngine, MemoryProxies, MemoryRegistry
from reconciler.actions import Blueprint
from reconciler.desired import Desired, Generation
from reconciler.observed import Instance, Observed
from reconciler.ownership import InstanceName, Owner
from reconciler.provider import Question, World
from sketches import (
    OWNER,
    PROXY,
    REGISTRY,
    Sketch,
    commit,
    desired,
    entries_of,
    image_of_ours,
    pushed_digest,
)
from specs.reference import Digest, ImageRef

__all__ = ["OWNER", "MemoryWorld", "Sketch", "blueprint", "boundaries", "commit", "desired", "entries_of"]


def _registries() -> dict[str, MemoryRegistry]:
    return {host: MemoryRegistry(host) for host in (REGISTRY, "docker.io")}


@dataclass
class MemoryWorld:
    """An engine that pulls from two registries, and a builder that pushes to them. All share one clock."""

    registries: dict[str, MemoryRegistry] = field(default_factory=_registries)
    engine: MemoryEngine = field(default_factory=MemoryEngine)
    builder: MemoryBuilder = field(init=False)
    proxies: MemoryProxies = field(init=False)

    def __post_init__(self) -> None:
        self.engine.connect(*self.registries.values())
        self.engine.behave(self.publish(PROXY.image), Behaviour(no_healthcheck=True))
        self.proxies = MemoryProxies(self.engine)
        self.builder = MemoryBuilder(self.registries, self.engine.time)

    @property
    def registry(self) -> MemoryRegistry:
        """Where images of ours live."""
        return self.registries[REGISTRY]

    def publish(self, reference: str) -> Digest:
        """Push an image from outside (``redis:7``); another call with a digest in hand moves the tag."""
        ref = ImageRef.parse(reference)
        return self.registries[ref.host].push(ref)

    def build(self, *sketches: Sketch) -> None:
        """Have the images of these sketches in the registry already."""
        for sketch in sketches:
            if sketch.is_built:
                self.registry.push(image_of_ours(sketch).ref, pushed_digest(sketch))

    def behave(self, sketch: Sketch, behaviour: Behaviour) -> None:
        """Let the image of a sketch behave so, in containers created from now on."""
        self.engine.behave(self.digest(sketch), behaviour)

    def digest(self, sketch: Sketch) -> Digest:
        """The digest that the sketch's image has, or will have."""
        if sketch.is_built:
            return pushed_digest(sketch)
        ref = ImageRef.parse(sketch.image)
        found = ref.digest or self.registries[ref.host].find(ref)
        return found if found is not None else self.publish(sketch.image)

    async def look(self, wanted: Desired | None = None, owner: Owner = OWNER) -> World:
        """One look at the engine, asking for the names that ``wanted`` uses."""
        names: tuple[str, ...] = ()
        if wanted is not None:
            owner = wanted.owner
            networks = (n.object_name for n in wanted.networks.values())
            volumes = (v.object_name for v in wanted.volumes.values())
            names = (*networks, *volumes, *(f.volume for f in wanted.files.values()))
        return await self.engine.observe(Question(owner, names))

    async def instances(self, owner: Owner = OWNER) -> tuple[Instance, ...]:
        """All instances of an owner."""
        return (await self.look(owner=owner)).instances

    async def observed(self, wanted: Desired) -> Observed:
        """Engine and registries as a planner sees them, without attempts and without a memory."""
        world = await self.look(wanted)
        refs = [s.image.ref for s in wanted.services.values()]
        digests = {str(r): self.registries[r.host].find(r) for r in refs}
        images = {str(r.with_digest(d)) for r in refs if (d := digests[str(r)])}
        images |= {i.image for i in world.instances}
        return Observed(
            at=world.at,
            instances=world.instances,
            networks=world.networks,
            volumes=world.volumes,
            markers=world.markers,
            namesakes=world.namesakes,
            artifacts={ref: digest or "absent" for ref, digest in digests.items()},
            present=await self.engine.images(sorted(images)),
            registry_running=world.registry_running,
            unreadable=world.unreadable,
            traits=world.traits,
            ports=world.ports,
        )


def blueprint(
    wanted: Desired, service_name: str, digest: Digest, number: int = 1, world: World | None = None
) -> Blueprint:
    """The blueprint of one instance as the planner would draw it; ``world`` gives the ids of networks."""
    service = wanted.services[service_name]
    generation = Generation(service.form.fingerprint, service.secrets_digest, str(digest))
    networks = world.networks if world else ()
    return Blueprint(
        owner=wanted.owner,
        service_name=service_name,
        number=number,
        name=str(InstanceName(wanted.owner, service_name, generation.g8, number)),
        generation=generation,
        form=service.form,
        image=service.image.ref.with_digest(digest),
        input=service.image.input,
        commit=wanted.commit,
        pin=wanted.commit,
        source=wanted.policy.source,
        allowed=allow_what_it_asks(service_name, service.form.spec),
        network_ids={n.object_name: n.handle.id for n in reversed(networks)},
    )


def boundaries(run: Callable[[CrashAt], None]) -> Iterator[CrashAt]:
    """Every crash point of a run: ``run`` is called once whole with a counting hook; then one hook after
    another is yielded, each to be given to a fresh run, which dies at its boundary."""
    counter = CrashAt()
    run(counter)
    for index in range(len(counter.crossed)):
        yield CrashAt(index)
