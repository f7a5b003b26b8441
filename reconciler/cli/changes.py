"""Which inputs of an image changed: its input documents, from the registry and from this commit, compared."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from reconciler.clients import ReadClients
from reconciler.desired import Desired, DesiredImage
from reconciler.observed import ABSENT, Observed
from reconciler.provider import ProviderError
from specs.inputs import Change, InvalidDocument, compare
from specs.reference import ImageRef

_UNTOLD = "as written"
"""What a document says of a base that no lock names."""


async def changes_between(
    ref: ImageRef, before: str, after: str, desired: Desired, clients: ReadClients
) -> tuple[Change, ...]:
    """The inputs that differ between two keys of one repository; none where a document is not to be had."""
    if before == after:
        return ()
    one, other = await asyncio.gather(*(_find(ref, key, desired, clients) for key in (before, after)))
    try:
        changes = compare(one, other) if one is not None and other is not None else []
    except InvalidDocument:
        return ()
    return tuple(change for change in changes if _UNTOLD not in change[1:])


async def changes_to_build(
    desired: Desired, observed: Observed, clients: ReadClients
) -> Mapping[str, tuple[Change, ...]]:
    """For each image that is still to be built, by name: what differs from the newest one that runs."""
    pending = [i for i in desired.images.values() if observed.artifacts.get(str(i.ref)) == ABSENT]
    found: dict[str, tuple[Change, ...]] = {}
    for image in pending:
        running = _running_key(image, desired, observed)
        if running is not None:
            found[image.name] = await changes_between(image.ref, running, image.key, desired, clients)
    return found


def _running_key(image: DesiredImage, desired: Desired, observed: Observed) -> str | None:
    users = {name for name, service in desired.services.items() if service.image.image_name == image.name}
    using = [i for i in observed.instances if i.service_name in users and i.input.startswith("in-")]
    return max(using, key=lambda i: i.created_at).input if using else None


async def _find(ref: ImageRef, key: str, desired: Desired, clients: ReadClients) -> bytes | None:
    """The document behind a key: from the registry, which knows the bases used, else this commit's own."""
    try:
        registry = await clients.registry(ref)
        found = await registry.inputs(ref.with_tag(f"{key}.inputs"))
    except ProviderError:
        found = None
    known = [image.document for image in desired.images.values() if image.key == key]
    return found if found is not None or not known else known[0]
