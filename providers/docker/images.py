"""Images: what the engine knows of one, and pulling by digest."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import Sequence
from contextlib import aclosing

from providers.docker.engine import Engine
from providers.docker.faults import EngineError
from providers.docker.live import image_volumes
from providers.docker.payload import ImageFacts
from providers.docker.tree import Node, text, text_map, texts
from reconciler.observed import LiveImage
from reconciler.ownership import PREFIX
from reconciler.provider import Login, ProviderError, Refused
from specs.reference import ImageRef

PARALLEL = 24
IDLE = 120.0
"""Seconds without any progress after which a pull is given up."""
_DENIED = re.compile(r"unauthorized|denied|forbidden|no basic auth|authentication required", re.IGNORECASE)


class Images:
    """The images of one engine. Facts are kept by image id for the life of the process: they never change."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._by_id: dict[str, ImageFacts] = {}

    async def find(self, name: str) -> ImageFacts | None:
        """An image by reference or id; None when the engine does not hold it."""
        if name in self._by_id:
            return self._by_id[name]
        found = await self._engine.find(f"/images/{name}/json")
        if found is None:
            return None
        facts = _facts(found)
        self._by_id[facts.id] = facts
        return facts

    async def labels_of(self, container: Node) -> dict[str, str]:
        """The labels that an inspected container has from its image; none when the image is gone."""
        facts = await self.find(text(container, "Image"))
        return dict(facts.labels) if facts else {}

    async def held(self, names: Sequence[str]) -> dict[str, LiveImage]:
        """Which of these references the engine holds. Raises ProviderError when one cannot be asked for."""
        ordered = sorted(set(names))
        limit = asyncio.Semaphore(PARALLEL)

        async def one(name: str) -> ImageFacts | None:
            async with limit:
                return await self.find(name)

        found = zip(ordered, await asyncio.gather(*map(one, ordered)), strict=True)
        return {
            name: LiveImage(facts.volumes, has_reserved_labels(facts), facts.layers)
            for name, facts in found
            if facts
        }

    async def pull(self, ref: ImageRef, login: Login | None) -> None:
        """Bring an image here. By digest, so that nothing is tagged; by tag only where ``ref`` has no
        digest. Raises Refused for a bad login, ProviderError with the registry's words for the rest."""
        query = {"fromImage": ref.familiar_name, "tag": str(ref.digest or ref.tag or "latest")}
        headers = {"X-Registry-Auth": _auth(ref, login)}
        try:
            async with aclosing(self._engine.follow("/images/create", query, headers, IDLE)) as progress:
                async for message in progress:
                    problem = text(message, "errorDetail", "message") or text(message, "error")
                    if problem:
                        raise _refusal(ref, problem)
        except EngineError as error:
            if error.status == 0:
                raise
            raise _refusal(ref, error.seen) from None
        # The progress may end early without a word, and then says nothing of the image.
        if ref.digest and await self.find(f"{ref.familiar_name}@{ref.digest}") is None:
            raise _refusal(ref, "the pull ended without the image")


def has_reserved_labels(facts: ImageFacts) -> bool:
    """Whether an image carries labels of ours, and so could pose as an instance."""
    return any(name.startswith(PREFIX) for name in facts.labels)


def _facts(image: Node) -> ImageFacts:
    return ImageFacts(
        id=text(image, "Id"),
        labels=text_map(image, "Config", "Labels"),
        volumes=image_volumes(image),
        entrypoint=tuple(texts(image, "Config", "Entrypoint")),
        user=text(image, "Config", "User"),
        layers=tuple(texts(image, "RootFS", "Layers")),
    )


def _auth(ref: ImageRef, login: Login | None) -> str:
    if login is None:
        return base64.urlsafe_b64encode(b"{}").decode()
    document = {"username": login.username, "password": login.password, "serveraddress": ref.host}
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode()


def _refusal(ref: ImageRef, message: str) -> ProviderError:
    if _DENIED.search(message):
        return Refused(
            "DKR022",
            str(ref),
            message,
            "a login that may pull this image",
            "check the Registry's auth, and that the repository exists",
        )
    return ProviderError(
        "DKR023",
        str(ref),
        message,
        "an image that can be pulled",
        "see whether the registry answers the engine; it is tried again",
    )
