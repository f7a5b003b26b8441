"""What one commit says of one environment: frozen values, no IO."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias

from reconciler.ownership import Owner, short_digest
from reconciler.pinned import Following
from reconciler.policy import NOTHING_ALLOWED as NOTHING_ALLOWED
from reconciler.policy import Policy as Policy
from reconciler.repository import Kinship as Kinship
from reconciler.traffic import DesiredProxy
from specs.allow import Allowed
from specs.privilege import Attachment
from specs.reference import Digest, ImageRef
from specs.resource import Pool
from specs.service import Service

if TYPE_CHECKING:
    from reconciler.pin_claim import PinClaim

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Fields: TypeAlias = Mapping[str, Json]
"""Declared fields in normal form, flattened: ``deploy.resources.limits.memory`` -> 268435456."""

Order = Literal["start-first", "stop-first"]
NOTHING: Fields = MappingProxyType({})


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """One object: what an action, a wait, a block or a problem is about."""

    kind: str
    name: str
    instance: str | None = None
    """Object name of an instance of the service ``name``."""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" + (f" ({self.instance})" if self.instance else "")


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
    """The image of a service. ``input`` is the input key of an Image of ours, else the reference as
    written."""

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
    place: Attachment = Attachment()


@dataclass(frozen=True, slots=True)
class MountUse:
    """A mount. ``object_name`` is the volume's object name or the host path; empty for tmpfs and discard."""

    target: str
    type: Literal["volume", "bind", "tmpfs", "discard"]
    name: str
    object_name: str
    read_only: bool = False
    external: bool = False
    size: int | None = None
    """Of a tmpfs, in bytes."""
    mode: int | None = None
    """Of a tmpfs."""
    nocopy: bool = False
    subpath: str | None = None
    propagation: str | None = None


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
    pin: str | None = None
    """The commit that it is read at, where that is not the environment's."""
    is_rollback: bool = False
    """A person went back to it: no hook that comes before a deploy runs."""
    claim: PinClaim | None = None
    """What its pin has to pass before it is first acted on."""


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
    pools: tuple[Pool, ...] = ()
    enable_ipv6: bool = False
    attachable: bool = False
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
    allowed: Allowed = NOTHING_ALLOWED


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
    locks: Mapping[str, Digest] = field(default_factory=dict)
    """What the lock says of references as written."""
    policy: Policy = Policy()
    lineage: Mapping[str, Kinship] = field(default_factory=dict)
    proxy: DesiredProxy | None = None
    """What the proxies do; None where no service has a route. Then they are services, too."""
    excluded: frozenset[str] = frozenset()
    """Services outside the ``--service`` selection: neither planned nor pruned."""
    following: Following | None = None
    """Where the environment follows another."""
