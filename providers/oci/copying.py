"""Images copied by digest, byte for byte, with everything that they name and that is attached to them.

What is there is not sent again, and what is named is written before what names it: whenever a copy ends
early, another one finishes it. The tag of the digest comes last, so that it says that everything is there.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from providers.oci.attached import Attached, Attachments, Entry
from providers.oci.blobs import Blobs
from providers.oci.client import Client
from providers.oci.faults import REFERENCE_UNUSABLE, SOURCE_GONE, WRONG_DIGEST
from providers.oci.flights import Flights
from providers.oci.manifest import Descriptor, Manifest
from providers.oci.manifests import Manifests
from providers.oci.nested import blobs_of, read_nested, together
from providers.oci.transport import Content
from reconciler.provider import Moved, Transfer
from specs.reference import Digest, ImageRef

_AT_ONCE = 8
"""Blobs of one target at most that are asked for, mounted or sent at one time."""
Count = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Side:
    """One registry as copies read it or write to it."""

    client: Client
    manifests: Manifests
    blobs: Blobs
    attachments: Attachments


class Copier:
    """Copies into one registry. Kept with its client: a blob that it placed once is mounted from there."""

    def __init__(self, target: Side) -> None:
        self.target = target
        self._copying: Flights[tuple[ImageRef, ImageRef], Transfer] = Flights()
        self._writing: Flights[ImageRef, None] = Flights()
        self._homes: dict[Digest, str] = {}
        self._turns: WeakValueDictionary[Digest, asyncio.Lock] = WeakValueDictionary()
        self._busy = asyncio.Semaphore(_AT_ONCE)

    async def copy(self, side: Side, source: ImageRef, target: ImageRef, sent: Count) -> Transfer:
        """Bring what ``source`` names by digest into the repository of ``target``. Raises ProviderError."""
        if source.digest is None:
            raise REFERENCE_UNUSABLE.final(str(source), "no digest", "a reference by digest")
        there = target.with_digest(source.digest)
        job = _Job(self, side, source.with_digest(source.digest), there, source.digest, sent)
        return await self._copying.join((job.source, there), job.run)

    async def write(self, there: ImageRef, manifest: Manifest) -> None:
        """PUT by digest; of several who want it at once one does it."""
        await self._writing.join(there, lambda: self.target.manifests.put(there, manifest))

    async def place(self, there: ImageRef, blob: Descriptor, content: Content, mount: str | None) -> str:
        """One at a time of those who bring the same blob, wherever to: the second one mounts what the first
        one sent. (Some registries spoil concurrent mounts of one blob.)"""
        turn = self._turns.setdefault(blob.digest, asyncio.Lock())
        async with turn, self._busy:
            known = self._homes.get(blob.digest)
            home = known if known != there.repository else None
            placed = await self.target.blobs.place(there, blob, content, home or mount)
            self._homes[blob.digest] = there.repository
            return placed

    async def aclose(self) -> None:
        """End copies under way."""
        await self._copying.aclose()
        await self._writing.aclose()


@dataclass(slots=True)
class _Job:
    """One image on its way."""

    copier: Copier
    side: Side
    source: ImageRef
    there: ImageRef
    digest: Digest
    sent: Count
    is_written: bool = False
    is_sent: bool = False
    is_within: bool = False
    """Source and target are repositories of one registry."""
    notes: list[str] = field(default_factory=list)

    async def run(self) -> Transfer:
        target, tag = self.copier.target, self.there.with_tag(self.digest.tag)
        self.is_within = await self.side.client.origin() == await target.client.origin()
        is_tagged = await target.manifests.find(tag) == self.digest
        manifests = await read_nested(self.side.manifests, self.source)
        if manifests is None:
            manifests = await self._without_source()
        elif not (self.is_within and self.source.repository == self.there.repository):
            await self._bring(manifests, is_tagged)
        if not is_tagged:
            await self._write(tag, manifests[-1])
        if self.is_written:
            await self._verify(tag)
        moved: Moved = "copied" if self.is_sent else "mounted" if self.is_written else "present"
        return Transfer(moved, tuple(self.notes))

    async def _bring(self, manifests: Sequence[Manifest], is_there: bool) -> None:
        """Blobs, then manifests from the inside out, then what is attached."""
        digests = [one.digest for one in manifests]
        attached = await self.side.attachments.gather(self.source, digests)
        await self._put_inner(manifests, is_there)
        root = manifests[-1]
        # The tag brings the manifest with it, but for a digest that a registry would not compute by itself.
        if not is_there and (attached or root.digest.algorithm != "sha256"):
            await self._put(root)
        for one in attached:
            await self._attach(one)
        for subject in dict.fromkeys(one.subject for one in attached):
            listed = {one.digest: one.entry for one in attached if one.subject == subject and not one.tag}
            await self._list(self.there.with_digest(subject), listed)

    async def _put_inner(self, manifests: Sequence[Manifest], is_there: bool) -> None:
        """All that a manifest names; nothing where that is there, because no registry takes it without."""
        if is_there:
            return
        for one in manifests[:-1]:
            there = self.there.with_digest(one.digest)
            if await self.copier.target.manifests.find(there) is None:
                await self._put_blobs(one)
                await self._put(one)
        await self._put_blobs(manifests[-1])

    async def _put_blobs(self, manifest: Manifest) -> None:
        placed = await together([self._place(blob) for blob in blobs_of(manifest)])
        self.is_sent |= "sent" in placed
        self.is_written |= "mounted" in placed

    async def _place(self, blob: Descriptor) -> str:
        mount = self.source.repository if self.is_within else None
        return await self.copier.place(self.there, blob, self._content(blob), mount)

    def _content(self, blob: Descriptor) -> Content:
        async def read() -> AsyncIterator[bytes]:
            async with aclosing(self.side.blobs.stream(self.source, blob)) as chunks:
                async for chunk in chunks:
                    self.sent(len(chunk))
                    yield chunk

        return Content(blob.size, read)

    async def _put(self, manifest: Manifest) -> None:
        self.is_written = True
        await self.copier.write(self.there.with_digest(manifest.digest), manifest)

    async def _write(self, tag: ImageRef, manifest: Manifest) -> None:
        self.is_written = True
        await self.copier.target.manifests.put(tag, manifest)

    async def _attach(self, attached: Attached) -> None:
        there = self.there.with_digest(attached.digest)
        is_there = await self.copier.target.manifests.find(there) is not None
        await self._put_inner(attached.manifests, is_there)
        if not is_there:
            await self._put(attached.manifests[-1])
        if attached.tag is not None:
            await self._tag(self.there.with_tag(attached.tag), attached.manifests[-1])

    async def _tag(self, tag: ImageRef, manifest: Manifest) -> None:
        """A tag of cosign holds all signatures of a digest at once: those made at the target stay."""
        manifests = self.copier.target.manifests
        found = await manifests.find(tag)
        if found == manifest.digest:
            return
        earlier = None if found is None else await manifests.get(tag)
        if earlier is not None and not set(earlier.layers) <= set(manifest.layers):
            self.notes.append(f"{tag} holds something else there, which stays")
            return
        await self._write(tag, manifest)

    async def _list(self, there: ImageRef, entries: dict[Digest, Entry]) -> None:
        if not entries:
            return
        attachments = self.copier.target.attachments
        listed = await attachments.referrers(there)
        if listed.is_kept or entries.keys() <= listed.entries.keys():
            return
        self.is_written = True
        await attachments.list_by_tag(there, {**listed.entries, **entries})

    async def _verify(self, tag: ImageRef) -> None:
        """What the target answers now, whatever it said when it was written to."""
        found = await self.copier.target.manifests.find(tag)
        if found != self.digest:
            seen = "nothing after the copy" if found is None else f"{found} after the copy"
            raise WRONG_DIGEST.passing(str(tag), seen, str(self.digest))

    async def _without_source(self) -> tuple[Manifest, ...]:
        """It is gone at the source: where it lies at the target already, nothing is missing."""
        manifest = await self.copier.target.manifests.get(self.there)
        if manifest is None:
            seen = "the digest is gone at the source: it was cleaned or rebuilt"
            raise SOURCE_GONE.stale(str(self.source), seen, "the image that is to be copied")
        self.notes.append(f"{self.source} is gone at the source")
        return (manifest,)
