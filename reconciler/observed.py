"""What one look at runtime and registry saw: frozen values, no IO.

Times are seconds on the runtime's clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal, NamedTuple, TypeAlias

from reconciler.desired import NOTHING, Fields, Generation, Subject
from reconciler.handle import Handle as Handle
from reconciler.ownership import Role
from reconciler.storage import NO_STORAGE, Storage
from reconciler.storage import LiveImage as LiveImage
from reconciler.traffic import NO_TRAFFIC, Probe, Traffic
from specs.reference import Digest
from specs.rollout_times import HealthTimes


class Phase(Enum):
    """The engine's word for a container's state."""

    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    RESTARTING = "restarting"
    EXITED = "exited"
    REMOVING = "removing"
    DEAD = "dead"


class Health(Enum):
    """The result of the health check; NONE where there is none."""

    NONE = "none"
    STARTING = "starting"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True, slots=True)
class Instance:
    """A live object of a service. Times are seconds on the runtime's clock."""

    handle: Handle
    name: str
    service_name: str
    role: Role
    number: int | None
    """None when somebody renamed it."""
    generation: Generation
    input: str
    commit: str
    pin: str
    source: str
    applied: str | None
    """The canonical effective service from its label; None when it cannot be read."""
    applied_fields: Fields
    live_fields: Fields
    """What the runtime can see of each field, in the same normal form; an absent path is not visible."""
    networks: tuple[str, ...]
    """Object names of the networks that it is attached to."""
    volumes: tuple[str, ...]
    """Object names of the volumes that it mounts."""
    image: str
    """``repository@digest`` from its label."""
    phase: Phase
    health: Health
    created_at: float
    started_at: float | None = None
    finished_at: float | None = None
    healthy_since: float | None = None
    """Start of the present run of successes, as far back as the runtime or this process remembers."""
    healthy_longer: bool = False
    """That run may be older: the runtime remembers no more of it."""
    exit_code: int | None = None
    out_of_memory: bool = False
    exits: int = 0
    """How often it has exited since it was last started by hand or by us."""
    error: str = ""
    restart: str = "unless-stopped"
    last_health_output: str = field(default="", repr=False)
    check: HealthTimes | None = None
    """The pace of the health check that runs, whoever declared it; None where there is none."""
    checked_at: float | None = None
    """When its last probe ended, if that succeeded."""
    failing: int = 0
    """Probes that failed in a row until now, or until it was stopped."""
    missing_networks: tuple[str, ...] = ()
    probe: Probe | None = None
    """What it answers through the proxy; None where it was not asked."""


@dataclass(frozen=True, slots=True)
class LiveNetwork:
    """A network of ours. ``members`` are ids of containers of any state that refer to it."""

    handle: Handle
    name: str
    object_name: str
    created_at: float
    fields: Fields = field(default_factory=lambda: NOTHING)
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LiveVolume:
    """A volume of ours. ``role`` is data, files or secret (markers are listed apart)."""

    handle: Handle
    name: str
    object_name: str
    role: str
    finished: bool = True
    """False while its never-started filling container exists."""
    fields: Fields = field(default_factory=lambda: NOTHING)
    filler: Handle | None = None


@dataclass(frozen=True, slots=True)
class Marker:
    """A small named value that the runtime keeps for us (design, section 5)."""

    kind: str
    subject: str
    sequence: int
    value: str
    object_name: str = ""


@dataclass(frozen=True, slots=True)
class Namesake:
    """An object that is not ours under a name that we need."""

    kind: Literal["container", "network", "volume"]
    object_name: str
    handle: Handle
    owner: str | None = None
    """The value of its owner label when it belongs to another owner."""


@dataclass(frozen=True, slots=True)
class LiveTask:
    """A task of ours. ``is_over``: it has ended, or never began, and was not removed, since who ran it was
    killed."""

    service_name: str
    object_name: str
    handle: Handle
    is_over: bool = False


class Tenant(NamedTuple):
    """A container that is not ours, runs, and writes into a volume. ``service_name`` is the service of
    Compose that it belongs to; empty for none."""

    volume: str
    container: str
    service_name: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """Failed attempts at one subject: this process's memory."""

    count: int
    error: str
    not_before: float
    final: bool = False
    """Refused: no use trying until spec or world changes."""
    code: str = ""
    log: tuple[str, ...] = ()
    verb: str = ""
    """The class of the action that failed: a create that was refused does not stop its removal."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something that could not be read. ``what`` is a kind (instances, markers, networks, volumes,
    artifacts) or a subject as text."""

    what: str
    reason: str
    since: float


@dataclass(frozen=True, slots=True)
class Traits:
    """What a runtime can do without a new process, and what it cannot do at all."""

    mendable: tuple[str, ...] = ()
    """Prefixes of the paths of fields that it can mend in place."""
    unknown: tuple[tuple[str, str], ...] = ()
    """Prefixes of the paths of fields that it would drop without a word, and what knows them, in words."""
    reads_only: bool = False
    """The way to it lets nothing but reading through: what is asked by running something cannot be asked."""


_NO_TRAITS = Traits()


ABSENT: Literal["absent"] = "absent"
Artifact: TypeAlias = "Digest | Literal['absent']"


@dataclass(frozen=True, slots=True)
class Observed:
    """What one look at runtime and registry saw."""

    at: float
    instances: tuple[Instance, ...] = ()
    networks: tuple[LiveNetwork, ...] = ()
    volumes: tuple[LiveVolume, ...] = ()
    markers: tuple[Marker, ...] = ()
    namesakes: tuple[Namesake, ...] = ()
    tasks: tuple[LiveTask, ...] = ()
    artifacts: Mapping[str, Artifact] = field(default_factory=dict)
    """``str(ref)`` -> digest or absent; a missing key was not asked or could not be read."""
    present: Mapping[str, LiveImage] = field(default_factory=dict)
    """The images that the engine holds, by ``name@digest`` as written in ``Instance.image``."""
    registry_running: frozenset[str] = frozenset()
    """Names of the local registries that answer."""
    in_flight: frozenset[Subject] = frozenset()
    attempts: Mapping[Subject, Attempt] = field(default_factory=dict)
    healed: Mapping[Subject, tuple[float, ...]] = field(default_factory=dict)
    """When this process healed each instance, as far as it remembers (``flapping``)."""
    unreadable: tuple[Unreadable, ...] = ()
    traits: Traits = _NO_TRAITS
    ports: Mapping[int, str] = field(default_factory=dict)
    """Published host ports (tcp) -> who holds them, where visible: a container that is not ours."""
    tenants: frozenset[Tenant] = frozenset()
    engine: str = ""
    """The id of the engine that answered; empty where it was not told."""
    vanished: tuple[Marker, ...] = ()
    """Markers that a person wrote, that this process knows of and nobody finds any more: they count
    (``markers`` has them) and are put back."""
    storage: Storage = NO_STORAGE
    traffic: Traffic = NO_TRAFFIC
    ourselves: Handle | None = None
    """The instance that this very process runs in."""

    def cannot_read(self, kind: str) -> bool:
        """Whether a whole kind could not be read."""
        return any(u.what == kind for u in self.unreadable)
