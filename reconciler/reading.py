"""Clients that can look and can do nothing else: what verbs get that promise to change nothing.

The full clients have verbs that write, and a mistake could use one. These have none: a type checker refuses
the mistake, and where nobody runs one, it is an AttributeError.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import TYPE_CHECKING

from reconciler.clients import OpenReadRegistry, Readers
from reconciler.contents import Seen
from reconciler.deeds import Deed
from reconciler.observed import Handle, LiveImage
from reconciler.ownership import Owner
from reconciler.provider import (
    ProxyQuestion,
    ProxyWorld,
    Question,
    ReadProxies,
    ReadRegistry,
    ReadRuntime,
    World,
)
from reconciler.storage import Layer
from specs.reference import Digest, ImageRef

if TYPE_CHECKING:
    from reconciler.clients import ReadClients


class ReadingRuntime:
    """A runtime that is looked at."""

    def __init__(self, runtime: ReadRuntime) -> None:
        self._runtime = runtime

    async def observe(self, question: Question) -> World:
        """Look at everything of this owner."""
        return await self._runtime.observe(question)

    async def images(self, names: Sequence[str]) -> Mapping[str, LiveImage]:
        """Which of these it holds."""
        return await self._runtime.images(names)

    async def contents(self, handle: Handle, path: str) -> Sequence[Seen]:
        """The files at and below a path of an instance."""
        return await self._runtime.contents(handle, path)

    async def deeds(self, owner: Owner, begin: float, end: float) -> Sequence[Deed]:
        """What was done to its objects."""
        return await self._runtime.deeds(owner, begin, end)

    async def logs(self, handle: Handle, lines: int) -> Sequence[str]:
        """The last lines that an instance wrote."""
        return await self._runtime.logs(handle, lines)

    def watch(self, owner: Owner) -> AsyncGenerator[None, None]:
        """Hints that something may have changed."""
        return self._runtime.watch(owner)

    async def close(self) -> None:
        """Close all connections."""
        await self._runtime.close()


class ReadingRegistry:
    """A registry that is asked."""

    def __init__(self, registry: ReadRegistry) -> None:
        self._registry = registry

    async def ping(self) -> None:
        """The host speaks the distribution API and accepts the login."""
        await self._registry.ping()

    async def digest(self, ref: ImageRef) -> Digest | None:
        """The digest that a tag names."""
        return await self._registry.digest(ref)

    async def layers(self, ref: ImageRef, platform: str) -> Sequence[Layer] | None:
        """The layers of what an engine pulls."""
        return await self._registry.layers(ref, platform)

    async def inputs(self, ref: ImageRef) -> bytes | None:
        """The input document under a tag."""
        return await self._registry.inputs(ref)

    async def record(self, ref: ImageRef) -> bytes | None:
        """The record under a tag."""
        return await self._registry.record(ref)


class ReadingProxies:
    """Proxies that are asked."""

    def __init__(self, proxies: ReadProxies) -> None:
        self._proxies = proxies

    async def observe(self, question: ProxyQuestion) -> ProxyWorld:
        """Look at all proxies at once."""
        return await self._proxies.observe(question)


def reading_registry(open_registry: OpenReadRegistry) -> OpenReadRegistry:
    """The same registries, as they are asked."""

    async def opened(ref: ImageRef) -> ReadRegistry:
        return ReadingRegistry(await open_registry(ref))

    return opened


def reading(clients: ReadClients) -> Readers:
    """The same clients without the verbs that write."""
    return Readers(
        runtime=ReadingRuntime(clients.runtime),
        registry=reading_registry(clients.registry),
        place=clients.place,
        proxies=None if clients.proxies is None else ReadingProxies(clients.proxies),
        ourselves=clients.ourselves,
    )


if TYPE_CHECKING:
    _: tuple[type[ReadRuntime], type[ReadRegistry], type[ReadProxies]] = (
        ReadingRuntime,
        ReadingRegistry,
        ReadingProxies,
    )
