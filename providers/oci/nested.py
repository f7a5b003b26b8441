"""A manifest with everything that it names, read whole before anything of it is written elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from providers.oci.faults import MANIFEST_REFUSED, SPARSE, TOO_LARGE, TOO_MANY
from providers.oci.manifest import MEDIA_TYPES, Descriptor, Manifest
from providers.oci.manifests import Manifests
from specs.reference import Digest, ImageRef

MOST = 200
"""Manifests of one image at most, and attached to it at most."""
IMAGE_LIMIT = 64 << 30
"""Bytes of the blobs of one image at most."""
_DEEPEST = 4
_FOREIGN = (
    "application/vnd.docker.image.rootfs.foreign.",
    "application/vnd.oci.image.layer.nondistributable.",
)
"""Layers of these types lie elsewhere on purpose, and no registry has to have them."""
Result = TypeVar("Result")


async def read_nested(manifests: Manifests, ref: ImageRef) -> tuple[Manifest, ...] | None:
    """What the reference names, last, after all that it names: a registry takes what is named first.

    None when it is absent. Raises Refused for an index of which a part is missing, and for more than is
    followed; ProviderError.
    """
    root = await manifests.get(ref)
    if root is None:
        return None
    levels, known = [[root]], {root.digest: root}
    while inner := _named(levels[-1]):
        if len(levels) == _DEEPEST or sum(map(len, levels)) + len(inner) > MOST:
            raise TOO_MANY.final(
                str(ref),
                f"indexes {len(levels)} deep that name more than {len(known)} manifests",
                f"at most {_DEEPEST} deep and {MOST} manifests",
            )
        await _read_level(manifests, ref, inner, known)
        levels.append([known[one.digest] for one in inner])
    # One that is named at several depths comes at the deepest, before all that name it.
    ordered = tuple({one.digest: one for level in reversed(levels) for one in level}.values())
    _refuse_too_large(ref, ordered)
    return ordered


def blobs_of(manifest: Manifest) -> tuple[Descriptor, ...]:
    """The blobs that an image names, each once, without those that lie elsewhere on purpose."""
    named = ((manifest.config,) if manifest.config is not None else ()) + manifest.layers
    kept = [one for one in named if not one.media_type.startswith(_FOREIGN)]
    return tuple({one.digest: one for one in kept}.values())


async def together(work: Sequence[Coroutine[Any, Any, Result]]) -> list[Result]:
    """Everything at once; when one fails the others are ended before the error is raised."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


def _named(level: Sequence[Manifest]) -> list[Descriptor]:
    return list({inner.digest: inner for one in level for inner in one.manifests}.values())


async def _read_level(
    manifests: Manifests, ref: ImageRef, wanted: Sequence[Descriptor], known: dict[Digest, Manifest]
) -> None:
    strange = [one.digest for one in wanted if one.media_type not in MEDIA_TYPES]
    if strange:
        raise MANIFEST_REFUSED.final(
            str(ref), f"an index that names {strange[0]}, which is no image", "images and indexes"
        )
    new = [one.digest for one in wanted if one.digest not in known]
    found = await together([manifests.get(ref.with_digest(digest)) for digest in new])
    absent = [digest for digest, one in zip(new, found, strict=True) if one is None]
    if absent:
        seen = f"an index of which {len(absent)} of {len(wanted)} manifests are not there ({absent[0]})"
        raise SPARSE.final(str(ref), seen, "all manifests that it names, in the same repository")
    known.update((one.digest, one) for one in found if one is not None)


def _refuse_too_large(ref: ImageRef, manifests: Sequence[Manifest]) -> None:
    sizes = {blob.digest: blob.size for one in manifests for blob in blobs_of(one)}
    total = sum(sizes.values())
    if total > IMAGE_LIMIT:
        raise TOO_LARGE.final(str(ref), f"an image of {total} bytes", f"at most {IMAGE_LIMIT}")
