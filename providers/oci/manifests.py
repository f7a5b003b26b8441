"""Manifests in a registry: look, read, write (OCI distribution specification 1.1)."""

from __future__ import annotations

from urllib.parse import quote

from providers.oci.challenge import pull_scope, push_scope
from providers.oci.client import Call, Client
from providers.oci.faults import (
    BROKEN_OFF,
    MANIFEST_REFUSED,
    REFERENCE_UNUSABLE,
    SERVER_ERROR,
    TIMEOUT,
    WRONG_DIGEST,
)
from providers.oci.manifest import MANIFEST_LIMIT, MEDIA_TYPES, Manifest, compute_digest, read_manifest
from providers.oci.transport import Answer
from providers.oci.verdict import refuse_page
from reconciler.provider import ProviderError
from specs.reference import Digest, ImageRef, InvalidReference

REPLY_LOST = frozenset({TIMEOUT.code, BROKEN_OFF.code, SERVER_ERROR.code})
"""Codes after which what was asked for may have happened."""
_ACCEPT = {"Accept": ", ".join(MEDIA_TYPES)}


class Manifests:
    """The manifests of one registry. A reference's digest counts before its tag. All raise ProviderError."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def find(self, ref: ImageRef) -> Digest | None:
        """The digest of what the reference names; None when absent. One HEAD where the registry allows."""
        async with self._client.call(self._call("HEAD", ref)) as answer:
            if answer.status not in {200, 404}:
                raise await self._client.refuse(answer)
            if answer.status == 404 and answer.media_type != "text/html":
                return None
            digest = _header_digest(answer)
            if answer.status == 200 and answer.media_type in MEDIA_TYPES and digest is not None:
                return _agreed(answer, digest, ref.digest)
        manifest = await self.get(ref)  # the answer to HEAD did not say enough
        return manifest.digest if manifest else None

    async def get(self, ref: ImageRef) -> Manifest | None:
        """The manifest, its bytes checked against every digest given for it; None when absent."""
        async with self._client.call(self._call("GET", ref)) as answer:
            refuse_page(answer)
            if answer.status == 404:
                return None
            if answer.status != 200:
                raise await self._client.refuse(answer)
            return _verified(answer, await answer.read(MANIFEST_LIMIT), ref.digest)

    async def put(self, ref: ImageRef, manifest: Manifest) -> None:
        """Write the manifest under the tag or digest of ``ref``.

        When the reply is lost, what the registry then has decides whether it failed.
        """
        try:
            digest = await self._send(ref, manifest)
        except ProviderError as error:
            if error.code not in REPLY_LOST or not await self._arrived(ref, manifest):
                raise
            return
        stored = digest or await self.find(ref)
        if stored is None or stored != compute_digest(manifest.body, stored.algorithm):
            raise WRONG_DIGEST.passing(str(ref), "another digest than was pushed", str(manifest.digest))

    async def _send(self, ref: ImageRef, manifest: Manifest) -> Digest | None:
        """PUT; the digest that the registry says it stored, None where it says none."""
        async with self._client.call(self._call("PUT", ref, manifest)) as answer:
            if answer.status not in {200, 201}:
                raise await self._client.refuse(answer)
            return _header_digest(answer)

    async def _arrived(self, ref: ImageRef, manifest: Manifest) -> bool:
        try:
            return await self.find(ref) == manifest.digest
        except ProviderError:
            return False  # then the first error is the one to tell

    def _call(self, method: str, ref: ImageRef, manifest: Manifest | None = None) -> Call:
        repository = self._client.repository(ref)
        name = ref.digest.text if ref.digest else ref.tag
        if name is None:
            raise REFERENCE_UNUSABLE.final(str(ref), "neither tag nor digest", "one of them")
        path = f"{repository}/manifests/{quote(name, safe=':')}"
        if manifest is None:
            return Call(str(ref), method, path, pull_scope(repository), _ACCEPT)
        headers = {"Content-Type": manifest.media_type}
        return Call(str(ref), method, path, push_scope(repository), headers, manifest.body)


def _header_digest(answer: Answer) -> Digest | None:
    text = answer.header("Docker-Content-Digest")
    if text is None:
        return None
    try:
        return Digest.parse(text)
    except InvalidReference:
        raise WRONG_DIGEST.passing(
            answer.where, "a weak or malformed Docker-Content-Digest", "sha256 or sha512"
        ) from None


def _agreed(answer: Answer, found: Digest, expected: Digest | None) -> Digest:
    if expected is not None and found != expected:
        raise WRONG_DIGEST.passing(answer.where, f"content with the digest {found}", str(expected))
    return found


def _verified(answer: Answer, body: bytes, expected: Digest | None) -> Manifest:
    said = _header_digest(answer)
    for digest in (expected, said):
        if digest is not None:
            _agreed(answer, compute_digest(body, digest.algorithm), digest)
    try:
        known = expected or said
        return read_manifest(body, answer.media_type, known.algorithm if known else "sha256")
    except ValueError as error:
        raise MANIFEST_REFUSED.final(answer.where, str(error), "one OCI or Docker manifest") from None
