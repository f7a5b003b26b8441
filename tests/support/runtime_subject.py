"""A runtime under test: what every runtime must offer a contract test besides the protocol itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from allowances import allow_what_it_asks
from providers.memory import Behaviour, Ended, MemoryEngine, digest_of
from providers.memory.behaviour import Program
from reconciler.actions import Blueprint
from reconciler.desired import Desired, Generation
from reconciler.observed import Instance
from reconciler.ownership import InstanceName, Owner
from reconciler.provider import Question, Runtime, World
from sketches import Sketch, desired, entries_of, secrets_of
from specs.reference import ImageRef

T = TypeVar("T")
SHOWN = ("/etc/settings", "/run/secrets/password")
"""What the program of a test's instance writes when it starts."""
RUN = (
    "sh",
    "-c",
    "trap 'exit 0' TERM; cat " + " ".join(SHOWN) + " 2>/dev/null; echo; while :; do sleep 0.1; done",
)
WEB = Sketch("web", image="busybox:1.36", command=RUN, order="start-first")
"""A service that runs, stops when told, and shows its files."""
BROKEN = ("/no/such/program",)
ECHO = ("cat",)
FAIL = ("sh", "-c", "echo out; echo err >&2; exit 3")
ENDLESS = ("sh", "-c", "trap 'exit 9' TERM; while :; do sleep 0.1; done")
SHOW = ("cat", *SHOWN)
"""Commands that every runtime under test can run."""


def _show(files: Mapping[str, bytes], given: bytes) -> Ended:
    return Ended(0, b"".join(files[path] for path in SHOWN))


PROGRAMS: dict[tuple[str, ...], Program] = {
    ECHO: lambda files, given: Ended(0, given),
    FAIL: lambda files, given: Ended(3, b"out\n", b"err\n"),
    ENDLESS: lambda files, given: None,
    SHOW: _show,
}


HOOKS = {
    SHOW: Behaviour(exits_after=0.1, exit_code=0, shows=SHOWN),
    BROKEN: Behaviour(start_error="exec: no such file or directory"),
}
"""What they do as hooks in memory."""


class RuntimeSubject(ABC):
    """One runtime, one fresh owner, one image; and a hand that works behind the runtime's back."""

    runtime: Runtime
    owner: Owner
    image: ImageRef
    """By digest; the engine can pull it."""

    @abstractmethod
    async def wait(self, seconds: float) -> None:
        """Let time pass."""

    @abstractmethod
    def stop(self, name: str) -> None: ...

    @abstractmethod
    def kill(self, name: str) -> None: ...

    @abstractmethod
    def pause(self, name: str) -> None: ...

    @abstractmethod
    def rename(self, name: str, new_name: str) -> None: ...

    @abstractmethod
    def limit_memory(self, name: str, size: int) -> None: ...

    @abstractmethod
    def disconnect(self, name: str, network: str) -> None: ...

    @abstractmethod
    def add_container(self, name: str, labels: Mapping[str, str], port: int | None = None) -> None: ...

    @abstractmethod
    def add_network(self, name: str, labels: Mapping[str, str]) -> None:
        """Make a network whose name may be taken."""

    @abstractmethod
    def remove_network(self, name: str) -> None: ...

    @abstractmethod
    def add_volume(self, name: str, labels: Mapping[str, str]) -> None: ...

    @abstractmethod
    def unfinish(self, volume: str) -> None:
        """Leave a volume of files as a crash in the middle of publishing would."""

    @abstractmethod
    def expect_broken(self) -> None:
        """From now on the command of an instance is one that the image does not have (BROKEN)."""

    @abstractmethod
    def inventory(self) -> frozenset[tuple[str, str]]:
        """(kind, name) of every object that bears this test's names, whoever owns it."""

    @abstractmethod
    def unplugged(self) -> Runtime:
        """A runtime that cannot be reached."""

    async def look(self, *names: str) -> World:
        """Observe this owner, asking for ``names``."""
        return await self.runtime.observe(Question(self.owner, names))

    async def only(self) -> Instance:
        """The one instance of this owner."""
        (instance,) = (await self.look()).instances
        return instance

    async def until(self, find: Callable[[], Awaitable[T | None]], seconds: float = 20.0) -> T:
        """What ``find`` finds, within ``seconds`` of the runtime's time."""
        for _ in range(int(seconds / 0.25)):
            found = await find()
            if found:
                return found
            await self.wait(0.25)
        raise AssertionError(f"not so within {seconds:g} s")

    async def supply(self, sketch: Sketch) -> Desired:
        """Networks, volumes, files and image that an instance needs; what the sketch desires."""
        wanted = desired(sketch, owner=self.owner)
        await self.runtime.pull(self.image, None)
        for network in wanted.networks.values():
            await self.runtime.create_network(self.owner, network)
        for volume in wanted.volumes.values():
            await self.runtime.create_volume(self.owner, volume)
        for digest, entries in entries_of(sketch).items():
            await self.runtime.publish_files(
                self.owner, wanted.files[digest].volume, entries, str(self.image)
            )
        return wanted

    async def draw(self, sketch: Sketch, number: int = 1) -> Blueprint:
        """The blueprint of an instance, after everything that it needs was made."""
        wanted = await self.supply(sketch)
        service, digest = wanted.services[sketch.name], self.image.digest
        assert digest is not None
        generation = Generation(service.form.fingerprint, service.secrets_digest, str(digest))
        return Blueprint(
            owner=self.owner,
            service_name=sketch.name,
            number=number,
            name=str(InstanceName(self.owner, sketch.name, generation.g8, number)),
            generation=generation,
            form=service.form,
            image=self.image,
            input=service.image.input,
            commit=wanted.commit,
            pin=wanted.commit,
            source=wanted.policy.source,
            allowed=allow_what_it_asks(sketch.name, service.form.spec),
            network_ids={n.object_name: n.handle.id for n in (await self.look()).networks},
        )

    async def create(self, sketch: Sketch = WEB, number: int = 1) -> Instance:
        """A running instance."""
        blueprint = await self.draw(sketch, number)
        await self.runtime.create_instance(blueprint, secrets_of(sketch))
        return next(i for i in (await self.look()).instances if i.name == blueprint.name)


class MemorySubject(RuntimeSubject):
    """The engine in memory."""

    def __init__(self, owner: Owner) -> None:
        self.engine = MemoryEngine()
        self.runtime, self.owner = self.engine, owner
        digest = digest_of("busybox")
        self.image = replace(ImageRef.parse("registry.test/busybox"), digest=digest)
        self.engine.behave(digest, Behaviour(shows=SHOWN, no_healthcheck=True, runs=PROGRAMS, hooks=HOOKS))

    async def wait(self, seconds: float) -> None:
        self.engine.advance(seconds)

    def stop(self, name: str) -> None:
        self.engine.hand.stop(name)

    def kill(self, name: str) -> None:
        self.engine.hand.kill(name)

    def pause(self, name: str) -> None:
        self.engine.hand.pause(name)

    def rename(self, name: str, new_name: str) -> None:
        self.engine.hand.rename(name, new_name)

    def limit_memory(self, name: str, size: int) -> None:
        self.engine.hand.edit(name, "deploy.resources.limits.memory", size)

    def disconnect(self, name: str, network: str) -> None:
        self.engine.hand.disconnect(name, network)

    def add_container(self, name: str, labels: Mapping[str, str], port: int | None = None) -> None:
        self.engine.hand.add_foreign(name, labels, ports=frozenset({port} if port else ()))

    def add_network(self, name: str, labels: Mapping[str, str]) -> None:
        self.engine.hand.add_network(name, labels)

    def remove_network(self, name: str) -> None:
        self.engine.hand.remove_network(name)

    def add_volume(self, name: str, labels: Mapping[str, str]) -> None:
        self.engine.hand.add_volume(name, labels)

    def unfinish(self, volume: str) -> None:
        self.engine.hand.unfinish(self.owner, volume, str(self.image))

    def expect_broken(self) -> None:
        behaviour = Behaviour(start_error="exec: not found", start_exit_code=127)
        self.engine.behave(str(self.image.digest), behaviour)

    def inventory(self) -> frozenset[tuple[str, str]]:
        ground = self.engine.ground
        containers = {("container", c.name) for c in ground.containers.values()}
        networks = {("network", n.name) for n in ground.networks.values()}
        return frozenset(containers | networks | {("volume", v) for v in ground.volumes})

    def unplugged(self) -> Runtime:
        engine = MemoryEngine()
        engine.fail("observe", times=None)
        return engine
