"""The closed union of things we can do, each with its cause."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from reconciler.changes import Change
from reconciler.desired import (
    NOTHING_ALLOWED,
    DesiredFiles,
    DesiredImage,
    DesiredNetwork,
    DesiredVolume,
    Generation,
    LocalRegistry,
    ServiceForm,
    Subject,
)
from reconciler.difference import Cause
from reconciler.hook_notes import Note
from reconciler.observed import Handle
from reconciler.ownership import Owner
from reconciler.route_actions import LoadProxy as LoadProxy
from reconciler.route_actions import SwitchRoute as SwitchRoute
from specs.allow import Allowed
from specs.hook import PreStop
from specs.reference import ImageRef


@dataclass(frozen=True, slots=True)
class Blueprint:
    """All that is needed to create one instance; ``name`` is its object name and its lock."""

    owner: Owner
    service_name: str
    number: int
    name: str
    generation: Generation
    form: ServiceForm
    image: ImageRef
    """By digest."""
    input: str
    commit: str
    pin: str
    source: str
    network_ids: Mapping[str, str] = field(default_factory=dict)
    """Object name of each network of ours -> id: networks are attached by id, since names can be doubled."""
    allowed: Allowed = NOTHING_ALLOWED
    """What the environment allows: the payload is held to it once more."""
    joins: Mapping[str, str] = field(default_factory=dict)
    """Service whose namespace it joins -> id of that service's instance."""


@dataclass(frozen=True, slots=True)
class StartRegistry:
    """Run the ``local`` registry."""

    subject: Subject
    cause: Cause
    registry: LocalRegistry


@dataclass(frozen=True, slots=True)
class BuildImage:
    """Build an image and push it under its input key. ``parents``: the images of ours that it builds on,
    by name, under their keys."""

    subject: Subject
    cause: Cause
    image: DesiredImage
    parents: Mapping[str, ImageRef] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PullImage:
    """Bring an image to the engine, by digest."""

    subject: Subject
    cause: Cause
    ref: ImageRef


@dataclass(frozen=True, slots=True)
class CreateNetwork:
    """Create a network."""

    subject: Subject
    cause: Cause
    network: DesiredNetwork


@dataclass(frozen=True, slots=True)
class RemoveNetwork:
    """Remove a network of ours that nothing refers to, by id."""

    subject: Subject
    cause: Cause
    handle: Handle


@dataclass(frozen=True, slots=True)
class CreateVolume:
    """Create a data volume."""

    subject: Subject
    cause: Cause
    volume: DesiredVolume


@dataclass(frozen=True, slots=True)
class PublishFiles:
    """Fill the content-addressed volume of a Config. ``image`` is any image that the engine holds
    (``name@digest``): the bytes travel through a container of it that is never started."""

    subject: Subject
    cause: Cause
    files: DesiredFiles
    image: str


@dataclass(frozen=True, slots=True)
class RemoveVolume:
    """Remove a volume of role files or secret; never data."""

    subject: Subject
    cause: Cause
    object_name: str


@dataclass(frozen=True, slots=True)
class CreateInstance:
    """Create and start one instance."""

    subject: Subject
    cause: Cause
    blueprint: Blueprint
    interrupts: float | None = None
    """Longest interruption in seconds that this step is part of; None when nothing is interrupted."""
    second_writer: tuple[str, ...] = ()
    """Volumes and host paths that an older instance writes as well until it stops."""


@dataclass(frozen=True, slots=True)
class ReviveInstance:
    """Make a kept instance live again: name back, restart policy back, start."""

    subject: Subject
    cause: Cause
    handle: Handle
    name: str
    restart: str


@dataclass(frozen=True, slots=True)
class RetireInstance:
    """Restart policy off, rename to the name with its role, stop with grace."""

    subject: Subject
    cause: Cause
    handle: Handle
    name: str
    grace: float
    interrupts: float | None = None
    pre_stop: PreStop | None = None


@dataclass(frozen=True, slots=True)
class RemoveInstance:
    """Stop if it runs, and remove."""

    subject: Subject
    cause: Cause
    handle: Handle
    grace: float
    destructive: bool = True
    interrupts: float | None = None
    pre_stop: PreStop | None = None


@dataclass(frozen=True, slots=True)
class MendInstance:
    """Change a live instance in place."""

    subject: Subject
    cause: Cause
    handle: Handle
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class PutMarker:
    """Write a marker of the next sequence number; the provider then removes the older ones."""

    subject: Subject
    cause: Cause
    kind: str
    marker_subject: str
    sequence: int
    value: str


@dataclass(frozen=True, slots=True)
class RemoveMarker:
    """Remove a marker that means nothing any more."""

    subject: Subject
    cause: Cause
    object_name: str


@dataclass(frozen=True, slots=True)
class RunHook:
    """Create the container of a hook, note that it begins (after ``notes``, under ``sequence``), start it."""

    subject: Subject
    cause: Cause
    blueprint: Blueprint
    words: tuple[str, ...]
    note: Note
    notes: tuple[Note, ...]
    sequence: int


Action: TypeAlias = (
    StartRegistry
    | BuildImage
    | PullImage
    | CreateNetwork
    | RemoveNetwork
    | CreateVolume
    | PublishFiles
    | RemoveVolume
    | CreateInstance
    | ReviveInstance
    | RetireInstance
    | RemoveInstance
    | MendInstance
    | PutMarker
    | RemoveMarker
    | LoadProxy
    | SwitchRoute
    | RunHook
)
