"""The values that planning works on: what is desired, and what was observed. Frozen, no IO."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Literal, TypeAlias

from reconciler.ownership import Owner, Role, short_digest
from specs.reference import Digest, ImageRef
from specs.service import Service

Json: TypeAlias = "None | bool | int | float | str | list[Json] | dict[str, Json]"
Fields: TypeAlias = Mapping[str, Json]
"""Declared fields in normal form, flattened: ``deploy.resources.limits.memory`` -> 268435456."""

Order = Literal["start-first", "stop-first"]
NOTHING: Fields = MappingProxyType({})


class Kinship(Enum):
    """How a commit is related to the desired one (design, section 4: lineage)."""

    SAME = "same"
    ANCESTOR = "ancestor"
    DESCENDANT = "descendant"
    UNRELATED = "unrelated"
    CANNOT_TELL = "cannot_tell"


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """One object: what an action, a wait, a block or a problem is about."""

    kind: str
    name: str
    instance: str | None = None
    """Object name of an instance of the service ``name``."""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" + (f" ({self.instance})" if self.instance else "")


# --- desired ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Generation:
    """What makes two instances the same: spec, secret values, image bytes (design, section 5)."""

    fingerprint: str
    secrets: str
    digest: str

    @property
    def g8(self) -> str:
        """Eight digits for names."""
        return short_digest(f"{self.fingerprint}\n{self.secrets}\n{self.digest}")


@dataclass(frozen=True, slots=True)
class WantedImage:
    """The image of a service. ``input`` is the input key of an Image of ours, else the reference as written."""

    input: str
    image_name: str | None
    ref: ImageRef
    """Where the digest is looked up: the repository under the key's tag, or the reference itself."""
    locked: Digest | None = None


@dataclass(frozen=True, slots=True)
class NetworkUse:
    """A network that a service joins: object name and the names under which it is reached there."""

    name: str
    object_name: str
    aliases: tuple[str, ...] = ()
    external: bool = False


@dataclass(frozen=True, slots=True)
class MountUse:
    """A mount. ``object_name`` is the volume's object name or the host path; empty for tmpfs and discard."""

    target: str
    type: Literal["volume", "bind", "tmpfs", "discard"]
    name: str
    object_name: str
    read_only: bool = False
    external: bool = False


@dataclass(frozen=True, slots=True)
class FilesUse:
    """A Config at a path: the volume that holds its content, and the file in it when it is a single file."""

    target: str
    config_name: str
    digest: str
    volume: str
    file: str | None = None


@dataclass(frozen=True, slots=True)
class SecretUse:
    """A Secret as a file in the container."""

    target: str
    secret_name: str
    mode: int = 0o400
    uid: str | None = None
    gid: str | None = None


@dataclass(frozen=True, slots=True)
class ServiceForm:
    """Everything about a service that goes into an instance and can be read back from its label.

    ``canonical`` is the effective service as canonical JSON: secret names only, config digests in it.
    """

    spec: Service
    canonical: str
    fields: Fields
    fingerprint: str
    networks: tuple[NetworkUse, ...] = ()
    mounts: tuple[MountUse, ...] = ()
    files: tuple[FilesUse, ...] = ()
    secrets: tuple[SecretUse, ...] = ()
    volume_paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DesiredService:
    """One effective service of the environment."""

    name: str
    form: ServiceForm
    image: WantedImage
    secrets_digest: str
    """Digest over the values of all secrets that it names; empty when it names none."""
    order: Order
    max_unavailable: int
    replicas: int
    missing_secrets: tuple[str, ...] = ()
    """Named, and without a value here: a Block for changes, ``not_compared`` for drift."""


@dataclass(frozen=True, slots=True)
class DesiredImage:
    """An Image of ours. ``document`` is its input document, ``key`` its digest (design, section 6)."""

    name: str
    key: str
    ref: ImageRef
    document: bytes = field(repr=False)
    registry_name: str
    builds_on: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    problem: str | None = None
    """Why it cannot be built (an unresolvable base, a git-lfs pointer): a Block."""
    local: bool = False
    """It lives in the ``local`` registry, which must run first."""


@dataclass(frozen=True, slots=True)
class DesiredNetwork:
    """A network; ``options`` is the canonical text of its options and part of ``object_name``."""

    name: str
    object_name: str
    driver: str = "bridge"
    internal: bool = False
    subnet: str | None = None
    driver_opts: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    external: bool = False


@dataclass(frozen=True, slots=True)
class DesiredVolume:
    """A data volume."""

    name: str
    object_name: str
    driver: str = "local"
    driver_opts: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    external: bool = False


@dataclass(frozen=True, slots=True)
class DesiredFiles:
    """Content from git as a content-addressed volume; the executor finds the bytes by ``digest``."""

    config_name: str
    digest: str
    volume: str


@dataclass(frozen=True, slots=True)
class LocalRegistry:
    """The ``local`` registry of the project: a container on the engine, published on loopback."""

    name: str
    project: str
    image: ImageRef
    port: int


@dataclass(frozen=True, slots=True)
class Policy:
    """What the environment and the command allow."""

    heal: bool = True
    prune_limit: int | None = None
    backwards: bool = False
    allow_prune: str | None = None
    source: str = ""
    """The text of the label ``reconciler.source`` that this source writes."""
    mode: Literal["live", "offline", "worktree"] = "live"


@dataclass(frozen=True, slots=True)
class Desired:
    """What one commit says of one environment."""

    owner: Owner
    commit: str
    services: Mapping[str, DesiredService] = field(default_factory=dict)
    images: Mapping[str, DesiredImage] = field(default_factory=dict)
    networks: Mapping[str, DesiredNetwork] = field(default_factory=dict)
    volumes: Mapping[str, DesiredVolume] = field(default_factory=dict)
    files: Mapping[str, DesiredFiles] = field(default_factory=dict)
    registries: Mapping[str, LocalRegistry] = field(default_factory=dict)
    policy: Policy = Policy()
    lineage: Mapping[str, Kinship] = field(default_factory=dict)
    excluded: frozenset[str] = frozenset()
    """Services outside the ``--service`` selection: neither planned nor pruned."""


# --- observed --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, order=True)
class Handle:
    """How a provider finds a live object again: by id, never by name."""

    host: str
    id: str


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
    exit_code: int | None = None
    out_of_memory: bool = False
    exits: int = 0
    """How often it has exited since it was last started by hand or by us."""
    error: str = ""
    restart: str = "unless-stopped"
    last_health_output: str = field(default="", repr=False)
    missing_networks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LiveNetwork:
    """A network of ours. ``members`` are ids of containers of any state that refer to it."""

    handle: Handle
    name: str
    object_name: str
    created_at: float
    fields: Fields = NOTHING
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
    fields: Fields = NOTHING
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
class Attempt:
    """Failed attempts at one subject: this process's memory."""

    count: int
    error: str
    not_before: float
    final: bool = False
    """Refused: no use trying until spec or world changes."""
    code: str = ""
    log: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something that could not be read. ``what`` is a kind (instances, markers, networks, volumes,
    artifacts) or a subject as text."""

    what: str
    reason: str
    since: float


@dataclass(frozen=True, slots=True)
class Traits:
    """What a runtime can do without a new process: prefixes of field paths that it can mend in place."""

    mendable: tuple[str, ...] = ()
    host_ports: bool = True


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
    artifacts: Mapping[str, Artifact] = field(default_factory=dict)
    """``str(ref)`` -> digest or absent; a missing key was not asked or could not be read."""
    present: frozenset[str] = frozenset()
    """``name@digest`` of the images that the engine holds, as written in ``Instance.image``."""
    registry_running: frozenset[str] = frozenset()
    """Names of the local registries that answer."""
    in_flight: frozenset[Subject] = frozenset()
    attempts: Mapping[Subject, Attempt] = field(default_factory=dict)
    unreadable: tuple[Unreadable, ...] = ()
    traits: Traits = Traits()
    ports: Mapping[int, str] = field(default_factory=dict)
    """Published host ports (tcp) -> who holds them, where visible: a container that is not ours."""

    def cannot_read(self, kind: str) -> bool:
        """Whether a whole kind could not be read."""
        return any(u.what == kind for u in self.unreadable)
