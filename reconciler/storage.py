"""Images on an engine, and the room for more: what it holds, what a pull would add, what is nowhere. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

UNPACKED: Final = 2
"""Bytes on the disk for a byte of a layer as registries keep it: the layer itself, and what it unpacks to. A
little low on purpose: a pull that might fit is tried."""


@dataclass(frozen=True, slots=True)
class LiveImage:
    """An image that the engine holds: the paths of its VOLUME instructions, and whether it carries
    ``reconciler.`` labels (then it is refused: it could pose as an instance)."""

    volumes: tuple[str, ...] = ()
    reserved_labels: bool = False
    layers: tuple[str, ...] = ()
    """Digests of its layers as they are unpacked."""


class Layer(NamedTuple):
    """One layer of an image in a registry. ``size`` in bytes, as it is kept there."""

    unpacked: str
    """Its digest when it is unpacked: what engines name layers by."""
    size: int


@dataclass(frozen=True, slots=True)
class Storage:
    """What one look saw of it."""

    free: int | None = None
    """Bytes free where the engine keeps images; None where that cannot be told."""
    layers: Mapping[str, tuple[Layer, ...]] = field(default_factory=dict)
    """``name@digest`` of an image that is to be pulled -> its layers; absent where nobody tells."""
    lost: Mapping[str, str] = field(default_factory=dict)
    """Service -> the image of a proved release that neither engine nor registry has any more."""

    def lacking(self, image: str, held: Iterable[LiveImage]) -> int | None:
        """Bytes by which the disk is too small for an image; None where it fits, or where nobody can tell.
        ``held``: images whose layers are here already."""
        layers = self.layers.get(image)
        if self.free is None or layers is None:
            return None
        lacking = self.needed(image, held) - self.free
        return lacking if lacking > 0 else None

    def needed(self, image: str, held: Iterable[LiveImage]) -> int:
        """Bytes that a pull takes, about; 0 where nobody can tell."""
        here = {layer for other in held for layer in other.layers}
        new = {layer for layer in self.layers.get(image, ()) if layer.unpacked not in here}
        return UNPACKED * sum(layer.size for layer in new)


NO_STORAGE: Final = Storage()
