"""A whole container engine in memory: the runtime that tests run against."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence

from providers.memory import hooks, instances, look, networks, processes, strangers, volumes
from providers.memory.behaviour import Behaviour
from providers.memory.clock import Clock
from providers.memory.faults import Call, Hook, When
from providers.memory.ground import Ground, by_digest
from providers.memory.hand import Hand
from providers.memory.registry import MemoryRegistry
from reconciler.actions import Blueprint
from reconciler.changes import Change
from reconciler.contents import Seen
from reconciler.deeds import Deed
from reconciler.desired import DesiredNetwork, DesiredVolume, LocalRegistry
from reconciler.dialogue import CommandLine, LogQuery, LogRecord, Process, RuntimeFacts
from reconciler.observed import Handle, LiveImage, Marker, Unreadable
from reconciler.ownership import SAID, Owner
from reconciler.provider import FileEntry, Login, ProviderError, Question, Refused, World
from reconciler.stranger import Stranger
from specs.reference import Digest, ImageRef


class MemoryEngine:
    """Implements ``Runtime``. ``hand``: what people do to it; ``hook`` and ``fail``: what goes wrong."""

    def __init__(self, host: str = "memory", *, now: float = 1_000_000.0, auto: bool = True) -> None:
        self.ground = Ground(host, Clock(now, auto=auto))
        self.hand = Hand(self.ground)
        self.pulse = 0.01  # seconds of the event loop between two moments at which ``watch`` may tell

    # --- time, behaviour, faults ---------------------------------------------------------------------

    @property
    def clock(self) -> float:
        """Seconds on the engine's clock."""
        return self.ground.now

    @property
    def time(self) -> Clock:
        """The clock itself, for a builder that shares it."""
        return self.ground.time

    def advance(self, seconds: float) -> None:
        """Let time pass: health changes, exits and restarts happen."""
        self.ground.time.advance(seconds)
        self.ground.elapse()

    def behave(self, image: Digest | ImageRef | str, behaviour: Behaviour) -> None:
        """Containers created from now on from this digest (or ``name@digest``) behave so."""
        self.ground.behaviours[str(image)] = behaviour

    def describe(self, digest: Digest | str, image: LiveImage) -> None:
        """What an image says of itself: VOLUME paths, labels under our prefix."""
        self.ground.image_facts[str(digest)] = image

    def connect(self, *registries: MemoryRegistry) -> None:
        """Pull from these; an engine that knows no registry pulls whatever it is asked for."""
        self.ground.registries.update({r.host: r for r in registries})

    def hold(self, ref: ImageRef | str) -> None:
        """Put an image (by digest) on the engine."""
        self.ground.images.add(by_digest(ref if isinstance(ref, ImageRef) else ImageRef.parse(ref)))

    def last(self, verb: str, seconds: float) -> None:
        """How long each call of a verb (or ``verb.step``) lasts on the clock, before its effect."""
        self.ground.durations[verb] = seconds

    @property
    def hook(self) -> Hook | None:
        """Called before and after every effectful call."""
        return self.ground.faults.hook

    @hook.setter
    def hook(self, hook: Hook | None) -> None:
        self.ground.faults.hook = hook

    @property
    def made(self) -> list[Call]:
        """Every call that had its effect, in order."""
        return self.ground.faults.made

    def fail(
        self,
        verb: str,
        nth: int = 1,
        error: BaseException | None = None,
        when: When = "before",
        *,
        times: int | None = 1,
    ) -> None:
        """Let the ``nth`` next crossing of ``verb`` (``create_instance``) or of one of its calls
        (``create_instance.start``) raise ``error``, before or after the effect; ``times`` None: for ever."""
        self.ground.faults.add(verb, nth, error, when, times)

    def unreadable(self, what: str, reason: str = "injected") -> None:
        """A kind (instances, networks, volumes, markers), or ``service:NAME``, cannot be read."""
        self.ground.unreadable[what] = Unreadable(what, reason, self.clock)

    def recover(self) -> None:
        """Everything can be read and nothing fails any more; no hook either."""
        self.ground.unreadable.clear()
        self.ground.faults.clear()

    # --- Runtime -------------------------------------------------------------------------------------

    async def observe(self, question: Question) -> World:
        """Raises what ``fail("observe")`` says."""
        await asyncio.sleep(0)
        self.ground.elapse()
        self.ground.faults.cross_read(Call("observe", "list", str(question.owner)))
        return look.look(self.ground, question)

    async def watch(self, owner: Owner) -> AsyncGenerator[None, None]:
        """One item whenever the containers, or what people said, differ. Raises what ``fail("watch")``
        says."""
        seen: object = None
        while True:
            self.ground.faults.cross_read(Call("watch", "list", str(owner)))
            lives = [(c.id, c.name, c.phase, tuple(c.networks)) for c in self.ground.containers.values()]
            now = (lives, [n for n, v in self.ground.volumes.items() if v.marker and v.marker.kind in SAID])
            if now != seen:
                seen = now
                yield None
            await asyncio.sleep(self.pulse)

    async def deeds(self, owner: Owner, begin: float, end: float) -> Sequence[Deed]:
        """It remembers none: what a hand does behind our back leaves no trace here."""
        return ()

    async def images(self, names: Sequence[str]) -> Mapping[str, LiveImage]:
        """Raises what ``fail("images")`` says."""
        await asyncio.sleep(0)
        self.ground.faults.cross_read(Call("images", "list", ""))
        return {n: self.ground.facts(n) for n in names if n in self.ground.images}

    async def create_network(self, owner: Owner, network: DesiredNetwork) -> None:
        await networks.create(self.ground, owner, network)

    async def remove_network(self, owner: Owner, handle: Handle) -> None:
        await networks.remove(self.ground, owner, handle.id)

    async def create_volume(self, owner: Owner, volume: DesiredVolume) -> None:
        await volumes.create(self.ground, owner, volume)

    async def publish_files(
        self, owner: Owner, volume: str, entries: Sequence[FileEntry], image: str
    ) -> None:
        await volumes.publish(self.ground, owner, volume, entries, image)

    async def remove_volume(self, owner: Owner, object_name: str) -> None:
        await volumes.remove(self.ground, owner, object_name)

    async def pull(self, ref: ImageRef, login: Login | None) -> None:
        """Raises ProviderError when the registry of this host does not have it."""
        registry = self.ground.registries.get(ref.host)
        if self.ground.registries and (registry is None or registry.find(ref) is None):
            raise ProviderError("MEM424", f"memory engine: pull {ref}", "no such image", "a pushed image")
        digest = ref.digest or (registry.find(ref) if registry else None)
        if digest is None:
            raise Refused("MEM400", f"memory engine: pull {ref}", "no digest", "a reference by digest")
        image = str(ref.with_digest(digest))
        await self.ground.call("pull", "pull", image, lambda: self.ground.images.add(image))

    async def create_instance(self, blueprint: Blueprint, secrets: Mapping[str, str]) -> None:
        await instances.create(self.ground, blueprint, secrets)

    async def revive_instance(self, owner: Owner, handle: Handle, name: str, restart: str) -> None:
        await instances.revive(self.ground, owner, handle.id, name, restart)

    async def retire_instance(self, owner: Owner, handle: Handle, name: str, grace: float) -> None:
        await instances.retire(self.ground, owner, handle.id, name, grace)

    async def remove_instance(self, owner: Owner, handle: Handle, grace: float) -> None:
        await instances.remove(self.ground, owner, handle.id, grace)

    async def mend_instance(self, owner: Owner, handle: Handle, changes: Sequence[Change]) -> None:
        await instances.mend(self.ground, owner, handle.id, changes)

    async def create_hook(
        self, blueprint: Blueprint, words: Sequence[str], secrets: Mapping[str, str]
    ) -> Handle:
        return await hooks.create(self.ground, blueprint, words, secrets)

    async def start_hook(self, owner: Owner, handle: Handle) -> None:
        await hooks.start(self.ground, owner, handle.id)

    async def put_marker(self, owner: Owner, marker: Marker) -> bool:
        return await volumes.put_marker(self.ground, owner, marker)

    async def remove_marker(self, owner: Owner, object_name: str) -> None:
        await volumes.remove_marker(self.ground, owner, object_name)

    async def start_registry(self, registry: LocalRegistry) -> None:
        running = self.ground.local_registries
        if registry.name not in running:
            effect = {registry.name: registry.port}
            await self.ground.call("start_registry", "start", registry.name, lambda: running.update(effect))

    async def logs(self, handle: Handle, lines: int) -> Sequence[str]:
        await asyncio.sleep(0)
        self.ground.elapse()
        container = self.ground.containers.get(handle.id)
        if container is None:
            return ()
        return tuple(container.log[-lines:]) if lines > 0 else ()

    def records(self, handle: Handle, query: LogQuery) -> AsyncGenerator[LogRecord, None]:
        return processes.records(self.ground, handle.id, query)

    async def execute(self, owner: Owner, handle: Handle, command: CommandLine) -> Process:
        return await processes.execute(self.ground, owner, handle.id, command)

    async def run_task(
        self, blueprint: Blueprint, secrets: Mapping[str, str], command: CommandLine
    ) -> Process:
        return await processes.run_task(self.ground, blueprint, secrets, command)

    async def remove_task(self, owner: Owner, handle: Handle) -> None:
        await processes.remove_task(self.ground, owner, handle.id)

    async def examine(self) -> RuntimeFacts:
        """Raises what ``fail("examine")`` says."""
        self.ground.faults.cross_read(Call("examine", "read", ""))
        return RuntimeFacts("memory", "1.0", 0.0)

    async def contents(self, handle: Handle, path: str) -> Sequence[Seen]:
        await asyncio.sleep(0)
        return volumes.read(self.ground, handle.id, path)

    async def strangers(self) -> Sequence[Stranger]:
        await asyncio.sleep(0)
        self.ground.elapse()
        return strangers.find_all(self.ground)

    async def set_aside(self, handle: Handle, name: str, grace: float) -> None:
        await strangers.set_aside(self.ground, handle.id, name, grace)

    async def bring_back(self, handle: Handle, name: str, restart: str) -> None:
        await strangers.bring_back(self.ground, handle.id, name, restart)

    async def let_go(self, handle: Handle) -> None:
        await strangers.let_go(self.ground, handle.id)

    async def close(self) -> None:
        """Nothing to close."""
