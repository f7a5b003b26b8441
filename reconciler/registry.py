"""The protocol of a registry; ``reconciler.provider`` gives it to a provider's author."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from reconciler.copying import Transfer
from reconciler.storage import Layer
from specs.reference import Digest, ImageRef


class ReadRegistry(Protocol):
    """One registry host, as it is asked. Methods raise ProviderError; a 404 is an answer, not an error."""

    async def ping(self) -> None:
        """The host speaks the distribution API and accepts the login."""
        ...

    async def digest(self, ref: ImageRef) -> Digest | None:
        """The digest that a tag names, or the digest itself when it exists; None when absent."""
        ...

    async def layers(self, ref: ImageRef, platform: str) -> Sequence[Layer] | None:
        """The layers of what an engine of this platform (``linux/amd64``) pulls; None when that is absent or
        cannot be told."""
        ...

    async def inputs(self, ref: ImageRef) -> bytes | None:
        """The input document under the tag of ``ref``; None when absent."""
        ...

    async def record(self, ref: ImageRef) -> bytes | None:
        """The record under the tag of ``ref``; None when absent. Refused where it holds anything else."""
        ...


class Registry(ReadRegistry, Protocol):
    """One registry host, with what is written to it."""

    async def probe_push(self, ref: ImageRef) -> None:
        """The login may push into the repository of ``ref``: proved without leaving anything."""
        ...

    async def put_inputs(self, ref: ImageRef, document: bytes) -> None:
        """Push the input document as a small OCI artifact under the tag of ``ref``."""
        ...

    async def tag(self, ref: ImageRef, tag: str) -> None:
        """Give the manifest that ``ref`` names by digest another tag, byte for byte."""
        ...

    async def put_record(self, ref: ImageRef, document: bytes) -> None:
        """Push a record as a small OCI artifact under the tag of ``ref``."""
        ...

    async def copy(
        self, source: ImageRef, target: ImageRef, origin: Registry, sent: Callable[[int], None]
    ) -> Transfer:
        """Bring the image that ``source`` names by digest from the registry ``origin`` into the repository of
        ``target`` on this host: byte for byte, with all that it names and all that is attached to it.

        Then the target answers that digest by itself and under the tag of the digest, which comes last; no
        other tag is given. What is there is not sent again, so that a repeat finishes what was interrupted.
        ``sent`` is told of bytes of layers as they go through this process. Raises Stale when the source has
        it no more (and the target does not either), Refused for an index of which a part is missing.
        """
        ...
