"""Blobs in a registry: look, read, write, mount (OCI distribution specification 1.1); every byte hashed."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Literal
from urllib.parse import quote

from providers.oci.challenge import Scopes, merge_scopes, pull_scope, push_scope
from providers.oci.client import Call, Client
from providers.oci.faults import GONE, NO_REGISTRY, NOT_ALLOWED, TOO_LARGE, UPLOAD_ELSEWHERE, WRONG_DIGEST
from providers.oci.flights import Flights
from providers.oci.manifest import Descriptor
from providers.oci.manifests import REPLY_LOST
from providers.oci.origin import Target
from providers.oci.transport import Content
from providers.oci.verdict import refuse_page
from reconciler.provider import ProviderError
from specs.reference import Digest, ImageRef

_OCTETS = {"Content-Type": "application/octet-stream"}
Placement = Literal["present", "mounted", "sent"]
"""How a blob came to be in a repository; what was there may be mounted once more."""


class Blobs:
    """The blobs of one registry; ``ref`` names the repository only. All raise ProviderError."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._placing: Flights[tuple[str, Digest], Placement] = Flights()

    async def exists(self, ref: ImageRef, digest: Digest) -> bool:
        """Whether the repository has the blob."""
        repository = self._client.repository(ref)
        call = Call(f"{ref.name}@{digest}", "HEAD", f"{repository}/blobs/{digest}", pull_scope(repository))
        async with self._client.call(call) as answer:
            refuse_page(answer)
            if answer.status not in {200, 404}:
                raise await self._client.refuse(answer)
            return answer.status == 200

    async def stream(self, ref: ImageRef, descriptor: Descriptor) -> AsyncGenerator[bytes, None]:
        """The blob as it arrives. Only when it ended without an error are the bytes the right ones.

        Iterate within ``contextlib.aclosing``. Raises Stale when the blob is not there.
        """
        repository, digest = self._client.repository(ref), descriptor.digest
        call = Call(
            f"{ref.name}@{digest}",
            "GET",
            f"{repository}/blobs/{digest}",
            pull_scope(repository),
            total=self._client.transport.deadlines.for_bytes(descriptor.size),
        )
        async with self._client.call(call) as answer:
            if answer.status == 404:
                raise GONE.stale(answer.where, "no such blob", "the blob that a manifest names")
            if answer.status != 200:
                raise await self._client.refuse(answer)
            async for chunk in _checked(answer.chunks(), descriptor, answer.where):
                yield chunk

    async def read(self, ref: ImageRef, descriptor: Descriptor, limit: int) -> bytes:
        """The whole blob, verified; refused unread when its descriptor says more than ``limit`` bytes."""
        if descriptor.size > limit:
            raise TOO_LARGE.final(
                f"{ref.name}@{descriptor.digest}", f"{descriptor.size} bytes", f"at most {limit}"
            )
        async with aclosing(self.stream(ref, descriptor)) as chunks:
            return b"".join([chunk async for chunk in chunks])

    async def put(self, ref: ImageRef, descriptor: Descriptor, content: Content) -> None:
        """Upload the blob unless it is there. What is sent is checked against the descriptor first."""
        await self.place(ref, descriptor, content)

    async def place(
        self, ref: ImageRef, descriptor: Descriptor, content: Content, mount: str | None = None
    ) -> Placement:
        """Have the blob in the repository: there already, taken over by the registry from its repository
        ``mount``, else uploaded. Who wants the same at the same time gets the same answer."""
        key = (self._client.repository(ref), descriptor.digest)
        return await self._placing.join(key, lambda: self._place(ref, descriptor, content, mount))

    async def probe(self, ref: ImageRef) -> None:
        """Prove the right to push into the repository: begin an upload and give it up."""
        repository = self._client.repository(ref)
        upload = await self._begin(ref, ref.name, push_scope(repository), "")
        if upload is not None:
            await self._abandon(ref, upload)

    async def aclose(self) -> None:
        """End uploads under way."""
        await self._placing.aclose()

    async def _place(
        self, ref: ImageRef, descriptor: Descriptor, content: Content, mount: str | None
    ) -> Placement:
        digest = descriptor.digest
        is_granted, upload = await self._mount(ref, digest, mount) if mount else (False, None)
        if is_granted:
            return "mounted"
        if await self.exists(ref, digest):
            if upload is not None:
                await self._abandon(ref, upload)
            return "present"
        if upload is None:
            upload = await self._begin(ref, f"{ref.name}@{digest}", push_scope(ref.repository), "")
        if upload is None:
            return "present"
        try:
            await self._send(ref, descriptor, content, upload)
        except ProviderError as error:
            if error.code not in REPLY_LOST or not await self.exists(ref, digest):
                raise
        return "sent"

    async def _mount(self, ref: ImageRef, digest: Digest, source: str) -> tuple[bool, Target | None]:
        """Whether the registry took it over from ``source``, which it does as well where it is there already;
        else an upload that it began instead, if this login may read ``source`` here."""
        scopes = merge_scopes(push_scope(ref.repository), pull_scope(source))
        query = f"?mount={quote(digest.text, safe='')}&from={quote(source, safe='')}"
        try:
            upload = await self._begin(ref, f"{ref.name}@{digest}", scopes, query)
        except ProviderError as error:
            if error.code not in NOT_ALLOWED:
                raise
            return False, None
        return upload is None, upload

    async def _begin(self, ref: ImageRef, where: str, scopes: Scopes, query: str) -> Target | None:
        """POST for an upload: where to send it, or None when the registry has the blob already."""
        path = f"{ref.repository}/blobs/uploads/{query}"
        async with self._client.call(Call(where, "POST", path, scopes)) as answer:
            if answer.status == 201:
                return None
            if answer.status != 202:
                raise await self._client.refuse(answer)
            location = answer.header("Location")
            if location is None:
                raise NO_REGISTRY.passing(
                    answer.where, "an upload without a Location", "where to send the blob"
                )
            return await self._client.locate(location, answer, UPLOAD_ELSEWHERE)

    async def _send(self, ref: ImageRef, descriptor: Descriptor, content: Content, upload: Target) -> None:
        where = f"{ref.name}@{descriptor.digest}"
        faults: list[ProviderError] = []

        async def read() -> AsyncIterator[bytes]:
            try:
                async for chunk in _checked(content.read(), descriptor, where):
                    yield chunk
            except ProviderError as error:
                faults.append(error)  # the network would only report that sending ended
                raise

        call = Call(
            where,
            "PUT",
            upload.with_query("digest", quote(descriptor.digest.text, safe="")),
            push_scope(ref.repository),
            _OCTETS,
            Content(descriptor.size, read),
            self._client.transport.deadlines.for_bytes(descriptor.size),
        )
        try:
            async with self._client.call(call) as answer:
                if answer.status != 201:
                    raise await self._client.refuse(answer)
        except ProviderError:
            if faults:
                raise faults[-1] from None
            raise

    async def _abandon(self, ref: ImageRef, upload: Target) -> None:
        call = Call(f"{ref.name} upload", "DELETE", upload, push_scope(ref.repository))
        try:
            async with self._client.call(call):
                return
        except ProviderError:
            return  # registries drop abandoned uploads by themselves


async def _checked(chunks: AsyncIterator[bytes], descriptor: Descriptor, where: str) -> AsyncIterator[bytes]:
    """The same chunks, the last one only when all of them have the descriptor's size and digest."""
    hasher, size, held = hashlib.new(descriptor.digest.algorithm), 0, b""
    async for chunk in chunks:
        hasher.update(chunk)
        size += len(chunk)
        if size > descriptor.size:
            raise WRONG_DIGEST.passing(
                where, f"more than {descriptor.size} bytes", f"{descriptor.size} bytes"
            )
        if held:
            yield held
        held = chunk
    if size != descriptor.size:
        raise WRONG_DIGEST.passing(where, f"{size} bytes", f"{descriptor.size} bytes")
    if hasher.hexdigest() != descriptor.digest.hex:
        raise WRONG_DIGEST.passing(where, "content with another digest", str(descriptor.digest))
    if held:
        yield held
