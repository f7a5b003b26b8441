"""What is attached to a manifest: signatures, attestations, lists of parts.

Two ways lead to it: the manifests that name it as their subject (OCI distribution specification 1.1,
"Listing Referrers", and its fallback tag where a registry does not keep that list), and the three tags that
cosign makes of its digest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from providers.oci.challenge import pull_scope
from providers.oci.client import Call, Client
from providers.oci.faults import MANIFEST_REFUSED, PAGE_ELSEWHERE, REFERENCE_UNUSABLE, TOO_MANY
from providers.oci.listing import next_page
from providers.oci.manifest import (
    MANIFEST_LIMIT,
    MEDIA_TYPES,
    OCI_INDEX,
    Manifest,
    read_descriptor,
    read_manifest,
)
from providers.oci.manifests import Manifests
from providers.oci.nested import MOST, read_nested, together
from providers.oci.origin import Target
from providers.oci.strict_json import as_list, as_object, parse_object
from providers.oci.transport import Answer
from specs.reference import Digest, ImageRef

_COSIGN = ("sig", "att", "sbom")
_DEEPEST = 3
_MAX_PAGES = 20
_UNKNOWN = frozenset({400, 404, 405, 406, 501})
"""What registries answer that keep no list of referrers."""
Entry = Mapping[str, object]
"""A descriptor as the list has it, with its annotations."""


@dataclass(frozen=True, slots=True)
class Referrers:
    """The list of a manifest; ``is_kept``: the registry keeps it by itself."""

    entries: Mapping[Digest, Entry]
    is_kept: bool


@dataclass(frozen=True, slots=True)
class Attached:
    """One thing that is attached: its manifests, the outermost last, and what it is attached to."""

    subject: Digest
    manifests: tuple[Manifest, ...]
    tag: str | None = None
    """The tag that names its subject; else it is in the list of referrers, as ``entry``."""
    entry: Entry = field(default_factory=dict)

    @property
    def digest(self) -> Digest:
        """Of its outermost manifest."""
        return self.manifests[-1].digest


class Attachments:
    """What is attached to the manifests of one registry. All raise ProviderError."""

    def __init__(self, client: Client, manifests: Manifests) -> None:
        self._client = client
        self._manifests = manifests
        self._keeps_lists = True

    async def gather(self, ref: ImageRef, digests: Sequence[Digest]) -> list[Attached]:
        """All that is attached to these manifests of a repository, and to that in turn."""
        found: list[Attached] = []
        seen, level = set(digests), list(digests)
        for _ in range(_DEEPEST):
            groups = await together([self._attached_to(ref.with_digest(one)) for one in level])
            new = [one for group in groups for one in group]
            found += new
            level = [m.digest for one in new for m in one.manifests if m.digest not in seen]
            seen.update(level)
            if len(found) > MOST:
                break
            if not level:
                return found
        raise TOO_MANY.final(
            str(ref), f"more than {len(found)} things attached", f"at most {MOST}, {_DEEPEST} deep"
        )

    async def referrers(self, ref: ImageRef) -> Referrers:
        """The list of what names this manifest as its subject, as the registry or its fallback tag has it."""
        if self._keeps_lists:
            entries = await self._ask(ref)
            if entries is not None:
                return Referrers(entries, True)
        index = await self._manifests.get(ref.with_tag(fallback_tag(_digest(ref))))
        is_list = index is not None and index.media_type == OCI_INDEX
        return Referrers(_entries(ref, index.body) if index is not None and is_list else {}, False)

    async def list_by_tag(self, ref: ImageRef, entries: Mapping[Digest, Entry]) -> None:
        """Write the list of a registry that keeps none, as the specification asks of clients."""
        document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list(entries.values())}
        index = read_manifest(json.dumps(document, separators=(",", ":")).encode(), OCI_INDEX)
        await self._manifests.put(ref.with_tag(fallback_tag(_digest(ref))), index)

    async def _attached_to(self, ref: ImageRef) -> list[Attached]:
        subject, listed = _digest(ref), await self.referrers(ref)
        tags = [f"{fallback_tag(subject)}.{kind}" for kind in _COSIGN if subject.algorithm == "sha256"]
        digests = await together([self._manifests.find(ref.with_tag(tag)) for tag in tags])
        tagged = {tag: digest for tag, digest in zip(tags, digests, strict=True) if digest is not None}
        if len(listed.entries) > MOST:
            raise TOO_MANY.final(str(ref), f"{len(listed.entries)} things attached", f"at most {MOST}")
        found = await together(
            [
                *(self._read(ref, digest, None, entry) for digest, entry in listed.entries.items()),
                *(self._read(ref, digest, tag, {}) for tag, digest in tagged.items()),
            ]
        )
        return [one for one in found if one is not None]

    async def _read(self, ref: ImageRef, digest: Digest, tag: str | None, entry: Entry) -> Attached | None:
        """None for what went away meanwhile, or does not say itself that it belongs there."""
        subject = _digest(ref)
        if tag is None and entry.get("mediaType") not in MEDIA_TYPES:
            return None
        manifests = await read_nested(self._manifests, ref.with_digest(digest))
        if manifests is None or (tag is None and manifests[-1].subject != subject):
            return None
        return Attached(subject, manifests, tag, entry)

    async def _ask(self, ref: ImageRef) -> dict[Digest, Entry] | None:
        """The registry's own list, page by page; None where it keeps none."""
        repository = self._client.repository(ref)
        page: str | Target = f"{repository}/referrers/{_digest(ref)}"
        entries: dict[Digest, Entry] = {}
        for _ in range(_MAX_PAGES):
            call = Call(str(ref), "GET", page, pull_scope(repository), {"Accept": OCI_INDEX})
            async with self._client.call(call) as answer:
                if self._has_none(answer):
                    return None
                if answer.status != 200:
                    raise await self._client.refuse(answer)
                entries |= _entries(ref, await answer.read(MANIFEST_LIMIT))
                following = await next_page(self._client, answer)
            if following is None:
                return entries
            page = following
        raise PAGE_ELSEWHERE.passing(str(ref), f"more than {_MAX_PAGES} pages of referrers", "an end")

    def _has_none(self, answer: Answer) -> bool:
        if answer.status == 200:
            return answer.media_type != OCI_INDEX
        if answer.status == 404 and answer.media_type != "application/json":
            self._keeps_lists = False  # the path itself is unknown there: not asked again
        return answer.status in _UNKNOWN


def fallback_tag(digest: Digest) -> str:
    """The tag that stands for the list of a digest where the registry keeps none."""
    return f"{digest.algorithm}-{digest.hex[:64]}"


def _digest(ref: ImageRef) -> Digest:
    if ref.digest is None:
        raise REFERENCE_UNUSABLE.final(str(ref), "no digest", "a reference by digest")
    return ref.digest


def _entries(ref: ImageRef, body: bytes) -> dict[Digest, Entry]:
    try:
        nodes = [as_object(node) for node in as_list(parse_object(body).get("manifests"))]
        return {read_descriptor(node).digest: node for node in nodes}
    except ValueError as error:
        raise MANIFEST_REFUSED.final(str(ref), str(error), "a list of what is attached") from None
