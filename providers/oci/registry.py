"""One registry host as the reconciler sees it: the protocol ``Registry``, and more for copying images."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from providers.oci.attached import Attachments
from providers.oci.auth import Authorizer
from providers.oci.blobs import Blobs
from providers.oci.client import Call, Client
from providers.oci.copying import Copier, Side
from providers.oci.credentials import credential_source
from providers.oci.documents import (
    EMPTY,
    EMPTY_CONFIG,
    INPUTS,
    RECORD,
    Kind,
    describe_document,
    find_document,
)
from providers.oci.faults import GONE, OTHER_KIND, REFERENCE_UNUSABLE, TOO_LARGE
from providers.oci.layers import read_layers
from providers.oci.listing import list_tags
from providers.oci.manifests import Manifests
from providers.oci.transport import Content, Deadlines, Transport
from reconciler.provider import Layer, Login, Registry, Transfer
from specs.reference import Digest, ImageRef, InvalidReference

_CHUNK = 1 << 16


class OciRegistry:
    """Implements ``reconciler.provider.Registry``. Close it with ``aclose``, or use it in ``async with``."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.manifests = Manifests(client)
        self.blobs = Blobs(client)
        self.side = Side(client, self.manifests, self.blobs, Attachments(client, self.manifests))
        self._copier = Copier(self.side)

    @property
    def host(self) -> str:
        """The host as references write it."""
        return self._client.host

    async def ping(self) -> None:
        """The host speaks the distribution API and accepts the login."""
        async with self._client.call(Call(f"registry {self.host}", "GET", "")) as answer:
            if answer.status != 200:
                raise await self._client.refuse(answer)

    async def digest(self, ref: ImageRef) -> Digest | None:
        """The digest that a tag names, or the digest itself when it exists; None when absent."""
        return await self.manifests.find(ref)

    async def layers(self, ref: ImageRef, platform: str) -> Sequence[Layer] | None:
        """The layers of what an engine of this platform pulls; None when that is absent."""
        return await read_layers(self.manifests, self.blobs, ref, platform)

    async def probe_push(self, ref: ImageRef) -> None:
        """Prove the right to push into the repository of ``ref``, leaving nothing."""
        await self.blobs.probe(ref)

    async def tags(self, ref: ImageRef) -> tuple[str, ...]:
        """Every tag of the repository of ``ref``, sorted; none when the repository is absent."""
        return await list_tags(self._client, ref)

    async def tag(self, ref: ImageRef, tag: str) -> None:
        """Give the manifest that ``ref`` names by digest another tag, byte for byte.

        Nothing is written when the tag names it already. Raises Stale when the manifest is gone.
        """
        target = _retagged(ref, tag)
        if ref.digest is None:
            raise REFERENCE_UNUSABLE.final(str(ref), "no digest", "a reference by digest")
        if await self.manifests.find(target) == ref.digest:
            return
        manifest = await self.manifests.get(ref)
        if manifest is None:
            raise GONE.stale(str(ref), "no such manifest", "the manifest that was there")
        await self.manifests.put(target, manifest)

    async def put_inputs(self, ref: ImageRef, document: bytes) -> None:
        """Push the input document (at most 32 MiB) as a small OCI artifact under the tag of ``ref``."""
        await self._put(INPUTS, ref, document)

    async def inputs(self, ref: ImageRef) -> bytes | None:
        """The input document under the tag of ``ref``; None when absent.

        Raises Refused when the tag holds anything else.
        """
        return await self._get(INPUTS, ref)

    async def put_record(self, ref: ImageRef, document: bytes) -> None:
        """Push a record (at most 4 MiB) as a small OCI artifact under the tag of ``ref``."""
        await self._put(RECORD, ref, document)

    async def record(self, ref: ImageRef) -> bytes | None:
        """The record under the tag of ``ref``; None when absent. Raises Refused when it holds anything
        else."""
        return await self._get(RECORD, ref)

    async def copy(
        self, source: ImageRef, target: ImageRef, origin: Registry, sent: Callable[[int], None]
    ) -> Transfer:
        """Bring the image that ``source`` names by digest from ``origin`` into a repository of this host.

        Raises Stale when it is gone at the source, Refused for an index that is not whole.
        """
        if not isinstance(origin, OciRegistry):
            raise OTHER_KIND.final(str(source), "a registry of another kind", "an OCI registry")
        self._client.repository(target)
        return await self._copier.copy(origin.side, source, target, sent)

    async def _put(self, kind: Kind, ref: ImageRef, document: bytes) -> None:
        if len(document) > kind.limit:
            seen = f"{kind.words} of {len(document)} bytes"
            raise TOO_LARGE.final(str(ref), seen, f"at most {kind.limit}")
        manifest = describe_document(kind, document)
        target = _tagged(ref)
        if await self.manifests.find(target) == manifest.digest:
            return
        await self.blobs.put(ref, EMPTY_CONFIG, _in_chunks(EMPTY))
        await self.blobs.put(ref, manifest.layers[0], _in_chunks(document))
        await self.manifests.put(target, manifest)

    async def _get(self, kind: Kind, ref: ImageRef) -> bytes | None:
        manifest = await self.manifests.get(_tagged(ref))
        if manifest is None:
            return None
        layer = find_document(kind, manifest)
        if layer is None:
            raise kind.other.final(str(ref), "another artifact", f"{kind.words} of ours")
        return await self.blobs.read(ref, layer, kind.limit)

    async def aclose(self) -> None:
        """End what is under way and close the connections."""
        await self._copier.aclose()
        await self.blobs.aclose()
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()


def open_registry(
    host: str,
    login: Login | None = None,
    *,
    docker_config: Path | None = None,
    plain_http: bool | None = None,
    deadlines: Deadlines | None = None,
    tls: ssl.SSLContext | None = None,
) -> OciRegistry:
    """A client for one registry host, as references write it (``docker.io``, ``localhost:5000``).

    Without ``login`` and ``docker_config`` (the docker client's config.json or its folder) it is anonymous.
    ``plain_http``: True is http, False https; None is https, but on loopback http where https is not spoken.
    ``tls`` replaces this machine's list of trusted authorities. Nothing is sent before the first call.
    Raises Refused for a host that is none.
    """
    transport = Transport(deadlines or Deadlines(), tls)
    authorizer = Authorizer(transport, credential_source(host, login, docker_config))
    return OciRegistry(Client(host, transport, authorizer, plain_http))


def _retagged(ref: ImageRef, tag: str) -> ImageRef:
    try:
        return ImageRef.parse(f"{ref.name}:{tag}")
    except InvalidReference as error:
        raise REFERENCE_UNUSABLE.final(str(ref), str(error), "a tag") from None


def _tagged(ref: ImageRef) -> ImageRef:
    if ref.tag is None:
        raise REFERENCE_UNUSABLE.final(str(ref), "no tag", "a reference with a tag")
    return ref.with_tag(ref.tag)


def _in_chunks(content: bytes) -> Content:
    async def read() -> AsyncIterator[bytes]:
        for start in range(0, len(content), _CHUNK):
            yield content[start : start + _CHUNK]

    return Content(len(content), read)
