"""What the environments of one process share: places on each host, and images that are being built.

Bounds are a host's, however many environments run on it; an image is built once, however many want it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from reconciler.provider import Runtime
from specs.reference import ImageRef


@dataclass(slots=True)
class Sharing:
    """One for each process that keeps several environments; by itself, one for each executor."""

    _places: dict[tuple[int, str], tuple[Runtime, asyncio.Semaphore]] = field(default_factory=dict)
    _builds: dict[ImageRef, list[asyncio.Event]] = field(default_factory=dict)

    def places(self, runtime: Runtime, name: str, size: int) -> asyncio.Semaphore:
        """The places for actions of one sort on one host."""
        # The runtime is kept beside its identity, which is not given to another one meanwhile.
        return self._places.setdefault((id(runtime), name), (runtime, asyncio.Semaphore(size)))[1]

    def begin_build(self, image: ImageRef, ended: asyncio.Event) -> bool:
        """Whether nobody builds this image yet; from now on somebody does. Where somebody else does,
        ``ended`` is set when that is over."""
        waiting = self._builds.get(image)
        if waiting is None:
            self._builds[image] = []
            return True
        if ended not in waiting:
            waiting.append(ended)
        return False

    def end_build(self, image: ImageRef) -> None:
        """It was built, or not: whoever waited looks again."""
        for ended in self._builds.pop(image, []):
            ended.set()
