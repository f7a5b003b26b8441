"""Images copied to where they should lie as well: several at once, each finished by a repeat."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.cli.envelope import problem_of
from reconciler.clients import OpenReadRegistry, OpenRegistry
from reconciler.copying import Copied, ImageCopy
from reconciler.provider import ProviderError, Refused, Stale
from reconciler.render import format_size, shorten
from specs.reference import ImageRef

_COPIES: Final = 8
_LOOKS: Final = 32
_PAUSES: Final = (0.5, 2.0)
"""Seconds before each further try."""
_LONGEST: Final = 30.0
Show = Callable[[str], object]


async def are_present(
    copies: Sequence[ImageCopy], open_registry: OpenReadRegistry
) -> Mapping[ImageCopy, bool]:
    """Whether each image lies where it should, whole: one look each, at the tag that comes last. Raises
    ProviderError."""
    permits = asyncio.Semaphore(_LOOKS)
    tags = sorted({copy.tag for copy in copies})

    async def look(tag: ImageRef) -> str:
        async with permits:
            found = await (await open_registry(tag)).digest(tag)
            return "" if found is None else found.text

    found = dict(zip(tags, await asyncio.gather(*(look(tag) for tag in tags)), strict=True))
    return {copy: found[copy.tag] == copy.digest.text for copy in copies}


async def copy_images(
    copies: Sequence[ImageCopy],
    open_registry: OpenRegistry,
    show: Show = lambda line: None,
    *,
    open_source: OpenRegistry | None = None,
    pauses: Sequence[float] = _PAUSES,
) -> list[Copied]:
    """Bring each image where it should lie; what became of each, in the order given. One that fails stops no
    other: what was done stays done, and a repeat does the rest.

    ``show`` gets a line for each as soon as it ends. ``open_source``: who reads, where that is another than
    who writes. ``pauses``: seconds before each further try of what may pass.
    """
    permits = asyncio.Semaphore(_COPIES)
    crew = _Crew(open_source or open_registry, open_registry, pauses)

    async def one(copy: ImageCopy) -> Copied:
        async with permits:
            copied = await crew.copy(copy)
        show(line_of(copied))
        return copied

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(copy)) for copy in copies]
    return [task.result() for task in tasks]


def line_of(copied: Copied) -> str:
    """What became of one, as a line for people."""
    where = shorten(str(copied.copy.placed))
    match copied.result:
        case "present":
            words = "is there"
        case "absent":
            words = "is not there"
        case "mounted":
            words = "is there now; nothing had to be sent"
        case "copied":
            words = f"is there now; {format_size(copied.bytes_sent)} sent"
        case "failed":
            words = f"is not there: {copied.problem}"
    notes = "".join(f"; {note}" for note in copied.notes)
    return f"{copied.copy.service_name}: {where} {words}{notes}"


@dataclass(frozen=True, slots=True)
class _Crew:
    open_source: OpenRegistry
    open_target: OpenRegistry
    pauses: Sequence[float]

    async def copy(self, copy: ImageCopy) -> Copied:
        """Try, and after each pause again."""
        sizes: list[int] = []
        for pause in (*self.pauses, None):
            try:
                origin, registry = await self.open_source(copy.source), await self.open_target(copy.target)
                transfer = await registry.copy(copy.source, copy.target, origin, sizes.append)
            except ProviderError as error:
                if pause is None or isinstance(error, Refused | Stale):
                    return Copied(copy, "failed", sum(sizes), problem_of(error))
                await asyncio.sleep(min(_LONGEST, max(pause, error.retry_after or 0.0)))
            else:
                return Copied(copy, transfer.moved, sum(sizes), notes=transfer.notes)
        raise AssertionError("the last try has no pause after it")
