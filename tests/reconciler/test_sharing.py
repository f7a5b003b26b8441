"""Environments of one process share a host's places, and an image is built once for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from providers.memory import MemoryEngine
from reconciler.actions import Action, BuildImage, CreateNetwork
from reconciler.allotment import bound
from reconciler.clients import Clients
from reconciler.desired import DesiredImage, DesiredNetwork, Subject
from reconciler.difference import Cause
from reconciler.execute import Executor
from reconciler.observed import Observed
from reconciler.ownership import Owner
from reconciler.sharing import Sharing
from specs.reference import ImageRef

CAUSE = Cause("commit", ("c1",))
SEEN = Observed(at=0.0)
IMAGE = DesiredImage("web", "in-1", ImageRef("a.test", "web", "in-1"), b"{}", "main")
BUILD = BuildImage(Subject("Image", "web", "in-1"), CAUSE, IMAGE)


@dataclass
class Slow(MemoryEngine):
    """An engine whose networks are made when the gate opens."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    running: int = 0
    most: int = 0

    async def create_network(self, owner: Owner, network: DesiredNetwork) -> None:
        self.running += 1
        self.most = max(self.most, self.running)
        await self.gate.wait()
        self.running -= 1


def executor(environment: str, engine: MemoryEngine, sharing: Sharing) -> Executor:
    def absent(*args: object) -> object:
        raise AssertionError("nothing here asks a registry or builds")

    unused: Callable[..., object] = absent
    clients = Clients(engine, unused, unused, None, unused)  # type: ignore[arg-type] # never called
    return Executor(Owner("shop", environment), clients, sharing=sharing)


def networks(environment: str) -> list[Action]:
    return [
        CreateNetwork(Subject("Network", f"n{n}"), CAUSE, DesiredNetwork(f"n{n}", f"shop_{environment}_n{n}"))
        for n in range(10)
    ]


async def test_one_hosts_places_are_shared_and_anothers_are_its_own() -> None:
    sharing, one, other = Sharing(), Slow(), Slow()
    executors = [
        executor("dev", one, sharing),
        executor("test", one, sharing),
        executor("prod", other, sharing),
    ]
    for each in executors:
        each.start(networks(each.owner.environment), SEEN)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    _, size = bound(networks("dev")[0])
    assert (one.running, other.running) == (size, size)
    one.gate.set()
    other.gate.set()
    await asyncio.gather(*(task for each in executors for task in each.tasks.values()))
    assert one.most == size


async def test_an_image_that_another_environment_builds_is_waited_for_and_looked_at_again() -> None:
    sharing, engine = Sharing(), Slow()
    dev, test = executor("dev", engine, sharing), executor("test", engine, sharing)
    assert dev.start([BUILD], SEEN) == (BUILD,)
    assert test.start([BUILD, *networks("test")[:1]], SEEN) == tuple(networks("test")[:1])
    assert not test.changed.is_set()
    await asyncio.gather(*dev.tasks.values(), return_exceptions=True)
    await asyncio.sleep(0)
    assert test.changed.is_set(), "who waited looks again, however the build ended"
    assert test.start([BUILD], SEEN) == (BUILD,)
    engine.gate.set()
    await test.close(1.0)


async def test_a_build_that_is_cancelled_before_it_began_is_free_again() -> None:
    sharing = Sharing()
    dev, test = executor("dev", Slow(), sharing), executor("test", Slow(), sharing)
    dev.start([BUILD], SEEN)
    await dev.close(1.0)
    await asyncio.sleep(0)
    assert test.start([BUILD], SEEN) == (BUILD,)
    await test.close(1.0)
