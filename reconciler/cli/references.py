"""What the registries say of references now, for the notices of ``plan``. Nothing here decides or fails."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Collection, Coroutine
from typing import TypeVar

from reconciler.clients import ReadClients
from reconciler.desired import Desired, DesiredImage
from reconciler.observed import ABSENT, Observed
from reconciler.provider import ProviderError
from reconciler.references import References, digest_in, references
from specs.reference import ImageRef

T = TypeVar("T")
_PATIENCE = 5.0
"""Seconds: a notice is worth no more; what did not answer by then is not told."""
_PARALLEL = 8


async def look_up(desired: Desired, observed: Observed, clients: ReadClients) -> References:
    """The references, and whether they moved. Registries are asked for bases and for what is locked only:
    what merely floats is kept with its instances and needs no answer."""

    async def bases_of(name: str) -> dict[str, str]:
        return await _bases(desired.images[name], clients)

    async def digest_of(text: str) -> str | None:
        return await _digest(text, clients)

    told = [name for name, image in desired.images.items() if _tells(image, desired, observed)]
    found = references(desired, observed, await _ask(told, bases_of))
    asked = [r for bases in found.bases.values() for r in bases]
    asked += [r for r in found.services.values() if not r.floating]
    texts = sorted({r.text for r in asked if r.digest is not None and digest_in(r.text) is None})
    return found.with_tags(await _ask(texts, digest_of))


def _tells(image: DesiredImage, desired: Desired, observed: Observed) -> bool:
    """Whether its input document says of a base what nothing else does."""
    built = observed.artifacts.get(str(image.ref)) not in (None, ABSENT)
    return built and any(text not in desired.locks and digest_in(text) is None for text in image.bases)


async def _ask(names: Collection[str], ask: Callable[[str], Coroutine[object, object, T]]) -> dict[str, T]:
    """The answers that come in time, by name."""
    limit = asyncio.Semaphore(_PARALLEL)

    async def one(name: str) -> T:
        async with limit:
            return await ask(name)

    tasks = {name: asyncio.create_task(one(name)) for name in names}
    if tasks:
        _, late = await asyncio.wait(tasks.values(), timeout=_PATIENCE)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
    return {name: task.result() for name, task in tasks.items() if not task.cancelled()}


async def _bases(image: DesiredImage, clients: ReadClients) -> dict[str, str]:
    """The bases that an image was built on, by its input document in the registry."""
    try:
        registry = await clients.registry(image.ref)
        document = await registry.inputs(image.ref.with_tag(f"{image.key}.inputs"))
        found = json.loads(document or b"{}").get("bases")
    except (ProviderError, ValueError, AttributeError, RecursionError):
        return {}
    entries = found.items() if isinstance(found, dict) else ()
    return {text: digest for text, digest in entries if isinstance(digest, str)}


async def _digest(text: str, clients: ReadClients) -> str | None:
    ref = ImageRef.parse(text)
    try:
        registry = await clients.registry(ref)
        digest = await registry.digest(ref if ref.tag else ref.with_tag("latest"))
    except ProviderError:
        return None
    return str(digest) if digest else None
