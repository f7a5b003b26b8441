"""A registry in memory: repositories with tags, manifests, and input documents."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from providers.memory.faults import Call, Faults
from reconciler.provider import Layer, ProviderError, Refused, Registry, Stale, Transfer
from specs.reference import Digest, ImageRef


@dataclass
class Repository:
    """One repository: its manifests, and what its tags name."""

    manifests: set[Digest] = field(default_factory=set)
    tags: dict[str, Digest] = field(default_factory=dict)
    documents: dict[str, bytes] = field(default_factory=dict)
    """Tag -> input document."""
    records: dict[str, bytes] = field(default_factory=dict)
    """Tag -> record."""


class MemoryRegistry:
    """One registry host. ``faults`` is shared with nothing: its verbs are the protocol's methods."""

    def __init__(self, host: str = "registry.test") -> None:
        self.host = host
        self.repositories: dict[str, Repository] = {}
        self.sizes: dict[str, int] = {}
        """Bytes of the images of a repository, where a test says any."""
        self.faults = Faults()

    async def ping(self) -> None:
        """Raises what a fault says."""
        await self._read("ping", self.host)

    async def probe_push(self, ref: ImageRef) -> None:
        """Raises what a fault says."""
        await self._read("probe_push", str(ref))

    async def digest(self, ref: ImageRef) -> Digest | None:
        """The digest that a tag or digest names; None when absent."""
        await self._read("digest", str(ref))
        return self.find(ref)

    async def layers(self, ref: ImageRef, platform: str) -> Sequence[Layer] | None:
        """What ``sizes`` says of it; None when it is absent, or nothing is said."""
        await self._read("layers", str(ref))
        size = self.sizes.get(ref.repository)
        if size is None or self.find(ref) is None:
            return None
        return [Layer(f"{platform}:{self.find(ref)}", size)]

    async def put_inputs(self, ref: ImageRef, document: bytes) -> None:
        """Keep the input document under the tag of ``ref``."""
        tag = _tag(ref)
        await self._write("put_inputs", str(ref))
        self._repository(ref).documents[tag] = document
        self._written("put_inputs", str(ref))

    async def inputs(self, ref: ImageRef) -> bytes | None:
        """The input document under the tag of ``ref``; None when absent."""
        await self._read("inputs", str(ref))
        return self._repository(ref).documents.get(_tag(ref))

    async def tag(self, ref: ImageRef, tag: str) -> None:
        """Give the manifest another tag. Raises ProviderError when the digest is absent."""
        digest = self.find(ref)
        if digest is None:
            raise ProviderError("REG404", f"registry {self.host}", f"no manifest {ref}", "a pushed manifest")
        await self._write("tag", str(ref))
        self._repository(ref).tags[tag] = digest
        self._written("tag", str(ref))

    async def put_record(self, ref: ImageRef, document: bytes) -> None:
        """Keep the record under the tag of ``ref``."""
        tag = _tag(ref)
        await self._write("put_record", str(ref))
        self._repository(ref).records[tag] = document
        self._written("put_record", str(ref))

    async def record(self, ref: ImageRef) -> bytes | None:
        """The record under the tag of ``ref``; None when absent."""
        await self._read("record", str(ref))
        return self._repository(ref).records.get(_tag(ref))

    async def copy(
        self, source: ImageRef, target: ImageRef, origin: Registry, sent: Callable[[int], None]
    ) -> Transfer:
        """Have the digest in another repository, under its own tag. Within one registry nothing is sent."""
        if not isinstance(origin, MemoryRegistry) or source.digest is None:
            raise Refused("REG052", str(source), "no registry in memory, or no digest", "both")
        there, tag = target.with_digest(source.digest), target.with_tag(source.digest.tag)
        await self._write("copy", str(there))
        if self.find(there) == self.find(tag) == source.digest:
            return Transfer("present")
        if origin.find(source) is None and self.find(there) is None:
            raise Stale("REG049", str(source), "the digest is gone at the source")
        is_sent = origin is not self and self.find(there) is None
        sent(origin.sizes.get(source.repository, 0) if is_sent else 0)
        self.push(tag, source.digest)
        self._written("copy", str(there))
        return Transfer("copied" if is_sent else "mounted")

    def find(self, ref: ImageRef) -> Digest | None:
        """What ``digest`` answers, at once and without faults."""
        repository = self.repositories.get(ref.repository, Repository())
        if ref.digest is not None:
            return ref.digest if ref.digest in repository.manifests else None
        return repository.tags.get(ref.tag or "latest")

    def push(self, ref: ImageRef, digest: Digest | None = None) -> Digest:
        """Put a manifest under the tag of ``ref``; by default one made up from the reference's text."""
        pushed = digest or digest_of(str(ref))
        repository = self._repository(ref)
        repository.manifests.add(pushed)
        repository.tags[ref.tag or "latest"] = pushed
        return pushed

    def forget(self, ref: ImageRef) -> None:
        """Collect a manifest and all its tags (by digest), or remove one tag."""
        repository = self._repository(ref)
        if ref.digest is None:
            repository.tags.pop(ref.tag or "latest", None)
            return
        repository.manifests.discard(ref.digest)
        repository.tags = {t: d for t, d in repository.tags.items() if d != ref.digest}

    def fail(
        self, verb: str, nth: int = 1, error: BaseException | None = None, *, times: int | None = 1
    ) -> None:
        """Let the ``nth`` next call of a method fail before its effect; ``times`` None: for ever."""
        self.faults.add(verb, nth, error, "before", times)

    def _repository(self, ref: ImageRef) -> Repository:
        return self.repositories.setdefault(ref.repository, Repository())

    async def _read(self, verb: str, subject: str) -> None:
        await asyncio.sleep(0)
        self.faults.cross_read(Call(verb, "read", subject))

    async def _write(self, verb: str, subject: str) -> None:
        await asyncio.sleep(0)
        self.faults.cross(Call(verb, "write", subject), "before")

    def _written(self, verb: str, subject: str) -> None:
        self.faults.cross(Call(verb, "write", subject), "after")


def digest_of(text: str) -> Digest:
    """A digest that is a function of the text."""
    return Digest.parse(f"sha256:{hashlib.sha256(text.encode()).hexdigest()}")


def _tag(ref: ImageRef) -> str:
    if ref.tag is None:
        raise ProviderError("REG400", f"reference {ref}", "it has no tag", "a reference by tag")
    return ref.tag
