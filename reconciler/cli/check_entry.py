"""Whether an entry of a Release says what its commit says: offline, whoever wrote it.

What the commit does not decide is for others: whether the digest is there, a registry; who may pin, gates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from reconciler.cli.images import know_images
from reconciler.cli.pins import UnreadableEntry
from reconciler.cli.source import Source
from reconciler.ownership import Owner
from specs.check_service import is_image_name
from specs.effective import Effective, effective
from specs.image import Image
from specs.release import ReleasedImage, ReleasedService
from specs.spec_set import SpecSet

_AGAIN: Final = "promote it again; or write what the commit says"
_MOST_KEPT: Final = 2_000
_KEPT: Final[dict[tuple[str, ...], _Said | None]] = {}
"""What commits say never changes, and every pass asks for it again."""


@dataclass(frozen=True, slots=True)
class _Said:
    """What a commit says of an Image: its repository and its input key."""

    repository: str
    key: str


def check_entry(owner: Owner, source: Source, then: Source, specs: Effective, entry: ReleasedService) -> None:
    """Raises UnreadableEntry where the entry says something else than ``then``, its commit; ProviderError.
    ``source`` is what is tracked; ``specs`` hold the one service as the environment takes it from there."""
    [(service_name, service)] = specs.services.items()
    released = entry.images.get(service.image)
    at = f"as {entry.commit[:12]} has it"
    if released is None:
        raise UnreadableEntry(f"it names another image than {service.image}, {at}", _AGAIN)
    if not is_image_name(service.image):
        _check_outside(service.image, released, then, at)
        return
    written = _Said(released.repository or "", released.input or "")
    said = _built(owner, source, then, service_name, service.image)
    # A hotfix is built by who promotes it, for the environment that takes it.
    if written == said or written == (own := _read(owner, then, specs, service.image)):
        return
    right = said or own
    if written.repository != right.repository:
        raise UnreadableEntry(f"it names another repository than {right.repository}, {at}", _AGAIN)
    raise UnreadableEntry(f"its input key is not {right.key}, {at}: it was not built from that", _AGAIN)


def _check_outside(image: str, released: ReleasedImage, then: Source, at: str) -> None:
    if released.reference != image:
        raise UnreadableEntry(f"it names another reference than {image}, {at}", _AGAIN)
    locked = then.specs.locks.get(image)
    if locked is not None and str(locked) != released.digest:
        raise UnreadableEntry(f"its digest is not {locked}, which the lock has at that commit", _AGAIN)


def _built(owner: Owner, source: Source, then: Source, service_name: str, image: str) -> _Said | None:
    """What a commit says of an Image in the environment that builds: the one that follows no other. None
    where that does not tell."""
    name = _builder(source, owner.environment)
    mine = ("Environment", name)
    key = (then.commit, then.path, image, name, "" if mine in then.specs.documents else source.commit)
    if key not in _KEPT:
        documents = {mine: source.specs.documents[mine], **then.specs.documents}
        specs, _ = effective(SpecSet(then.path, documents), name, only=service_name)
        if len(_KEPT) >= _MOST_KEPT:
            _KEPT.clear()
        found = specs is not None and image in specs.images
        _KEPT[key] = _read(Owner(owner.project, name), then, specs, image) if specs and found else None
    return _KEPT[key]


def _read(owner: Owner, then: Source, specs: Effective, image: str) -> _Said:
    needed = replace(specs, images=_needed(specs, image))
    known = know_images(owner, then.tree, needed, then.specs.locks)
    return _Said(specs.images[image].repository, known[image].desired.key)


def _builder(source: Source, environment_name: str) -> str:
    """The environment at the beginning of those that follow one another."""
    name, environments = environment_name, source.specs.environments
    for _ in environments:
        followed = environments[name].follows if name in environments else None
        if followed is None or followed not in environments:
            break
        name = followed
    return name


def _needed(specs: Effective, image: str) -> Mapping[str, Image]:
    """An Image and those that it builds on."""
    needed: dict[str, Image] = {}
    wanted = [image]
    while wanted:
        name = wanted.pop()
        if name in specs.images and name not in needed:
            needed[name] = specs.images[name]
            wanted += [use.image for use in needed[name].build.contexts.values()]
    return needed
