"""Copies images, or asks whether they are there, as a process of its own: VERB TASK SPENT.

It imports what the product imports, and writes the seconds that it took without imports and start.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from providers.oci import OciRegistry, open_registry
from reconciler.cli.copies import are_present, copy_images
from reconciler.copying import ImageCopy
from specs.reference import Digest, ImageRef


@dataclass(frozen=True)
class Task:
    """What is copied from where to where."""

    source: str
    target: str
    images: dict[str, str]
    prefix: str

    def copies(self) -> list[ImageCopy]:
        return [
            ImageCopy(
                repository,
                ImageRef(self.source, repository, None, Digest(digest)),
                ImageRef(self.target, f"{self.prefix}/{repository}"),
            )
            for repository, digest in self.images.items()
        ]


async def work(verb: str, task: Task) -> float:
    """Copy or ask, in this process; seconds without imports and start."""
    import aiohttp  # noqa: F401 - the client does so with its first request

    clients: dict[str, OciRegistry] = {}

    async def opened(ref: ImageRef) -> OciRegistry:
        return clients.setdefault(ref.host, open_registry(ref.host))

    began = time.perf_counter()
    if verb == "copy":
        copied = await copy_images(task.copies(), opened)
        assert [one for one in copied if one.problem is not None] == []
    else:
        assert set((await are_present(task.copies(), opened)).values()) == {True}
    spent = time.perf_counter() - began
    await asyncio.gather(*(client.aclose() for client in clients.values()))
    return spent


if __name__ == "__main__":
    given = json.loads(Path(sys.argv[2]).read_text())
    Path(sys.argv[3]).write_text(str(asyncio.run(work(sys.argv[1], Task(**given)))))
