"""Names and labels of everything that we make, and the answer to "is it ours?" (contracts, section 5).

Our names are DNS labels and contain no ``_``, so a name made of them reads back without doubt.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

PREFIX = "reconciler."
OWNER = "reconciler.owner"
SERVICE = "reconciler.service"
INPUT = "reconciler.input"
FINGERPRINT = "reconciler.fingerprint"
SPEC = "reconciler.spec"
SECRETS = "reconciler.secrets"
COMMIT = "reconciler.commit"
PIN = "reconciler.pin"
IMAGE = "reconciler.image"
SOURCE = "reconciler.source"
BY = "reconciler.by"
ROLE = "reconciler.role"
NAME = "reconciler.name"
VALUE = "reconciler.value"
REGISTRY = "reconciler.registry"
TASK = "task"
"""The value of ``reconciler.role`` on a task."""
SAID = frozenset(("suspend", "retry", "prune", "source", "applied", "rollback", "step"))
"""Kinds of markers that people write, or may: a runtime tells at once when one appears, and what vanished is
put back by a process that knows it."""


@dataclass(frozen=True, slots=True, order=True)
class Owner:
    """Who owns an object: a project and one of its environments."""

    project: str
    environment: str

    @classmethod
    def parse(cls, text: str) -> Owner:
        """Read ``project/environment``. Raises ValueError."""
        project, slash, environment = text.partition("/")
        if not (slash and project and environment):
            raise ValueError("an owner is project/environment")
        return cls(project, environment)

    @property
    def prefix(self) -> str:
        """The start of the names of all objects of this owner."""
        return f"{self.project}_{self.environment}_"

    def __str__(self) -> str:
        return f"{self.project}/{self.environment}"


class Role(Enum):
    """The role of an instance, read from the end of its name. The container of a hook is no instance: it runs
    once to its end, and bears its role in a label, too."""

    LIVE = ""
    KEPT = "kept"
    HELD = "held"
    PRE_DEPLOY = "pre-deploy"
    POST_DEPLOY = "post-deploy"

    @property
    def is_hook(self) -> bool:
        """Whether it is the role of a hook's container."""
        return self in (Role.PRE_DEPLOY, Role.POST_DEPLOY)


@dataclass(frozen=True, slots=True)
class InstanceName:
    """``<project>_<environment>_<service>_<g8>_<n>[_kept|_held]``; of a hook's container, ``n`` counts its
    runs and the end is ``_pre-deploy`` or ``_post-deploy``."""

    owner: Owner
    service_name: str
    g8: str
    number: int
    role: Role = Role.LIVE

    def __str__(self) -> str:
        suffix = f"_{self.role.value}" if self.role is not Role.LIVE else ""
        return f"{self.owner.prefix}{self.service_name}_{self.g8}_{self.number}{suffix}"


_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_INSTANCE = re.compile(
    rf"({_LABEL})_({_LABEL})_({_LABEL})_([0-9a-f]{{8}})_([1-9][0-9]{{0,8}})"
    r"(?:_(kept|held|pre-deploy|post-deploy))?"
)


def parse_instance_name(text: str) -> InstanceName | None:
    """Read an object name back; None when it is not one of ours."""
    match = _INSTANCE.fullmatch(text)
    if not match:
        return None
    project, environment, service_name, g8, number, role = match.groups()
    return InstanceName(Owner(project, environment), service_name, g8, int(number), Role(role or ""))


def role_of(name: InstanceName | None, label: str) -> tuple[Role, int | None]:
    """Role and number of a container, from its name as far as it reads back and its label of its role. That
    of a hook's container is in the label, which no rename changes; and no rename makes an instance one."""
    said = next((role for role in Role if role.is_hook and role.value == label), None)
    if name is None:
        return said or Role.LIVE, None
    if said is None and not name.role.is_hook:
        return name.role, name.number
    return said or Role.LIVE, name.number if name.role is said else None


def network_name(owner: Owner, name: str, options: str) -> str:
    """The object name of a network; ``options`` is its canonical text, so other options are another name."""
    return f"{owner.prefix}{name}_{short_digest(options)}"


def volume_name(owner: Owner, name: str) -> str:
    """The object name of a data volume."""
    return f"{owner.prefix}{name}"


def files_name(owner: Owner, digest: str) -> str:
    """The object name of the volume that holds files from git with this content digest (hex)."""
    return f"{owner.prefix}files_{digest[:20]}"


def secret_volume_name(owner: Owner, digests: str) -> str:
    """The object name of the volume that holds the secret files of a generation, which ``digests`` name."""
    return f"{owner.prefix}secret_{hashlib.sha256(digests.encode()).hexdigest()[:20]}"


def marker_name(owner: Owner, kind: str, subject: str, sequence: int, value: str) -> str:
    """The object name of a marker; it ends in a digest of the value (design, section 5)."""
    return f"{owner.prefix}marker_{kind}_{subject or '-'}_{sequence}_{short_digest(value)}"


def task_name(owner: Owner, service_name: str, token: str) -> str:
    """The object name of a task; it reads back as no instance's. ``token`` is any eight digits."""
    return f"{owner.prefix}{service_name}_task_{token}"


def short_digest(text: str) -> str:
    """Eight hexadecimal digits of the text's SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def is_ours(labels: Mapping[str, str], owner: Owner) -> bool:
    """Whether an object bears our owner label. Labels inherited from an image must be subtracted before:
    who can push an image must not be able to claim a container."""
    return labels.get(OWNER) == str(owner)
