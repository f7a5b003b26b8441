"""Kind Service in its normal form: the words of the Compose Specification, lists of named things as maps.

``normal.py`` turns the short and list forms that people write into this form. Ports are keyed
``[address:]published->target/protocol``, mounts, configs and secrets by their target in the container.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, StringConstraints

from specs.container_types import AbsolutePath, Tmpfs, WorkingFolder
from specs.hook import Hooks
from specs.model import Cpus, Duration, Mode, Model, Name, PortNumber, SecretRef, Size, Text
from specs.privilege import Attachment, Privileges
from specs.rollout import Rollout
from specs.route import Route
from specs.service_words import RuntimeWords

_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
EnvironmentName = Annotated[str, StringConstraints(pattern=r"^[^=\x00]{1,256}$")]


def refuse_reserved(name: str) -> str:
    """Labels that begin with ``reconciler.`` are ours (contracts, section 5). Raises ValueError."""
    if name.startswith("reconciler."):
        raise ValueError('expected a label name that does not begin with "reconciler."')
    return name


LabelName = Annotated[str, StringConstraints(pattern=r"^[^\x00=]{1,256}$"), AfterValidator(refuse_reserved)]
Signal = Annotated[str, StringConstraints(pattern=r"^(SIG)?[A-Z0-9+-]{2,12}$|^[0-9]{1,2}$")]
AccountId = Annotated[Text, StringConstraints(pattern=r"^(0|[1-9][0-9]{0,8})$")]


class Port(Model):
    """One port; ``published`` None publishes nothing a neighbour does not already reach."""

    target: PortNumber
    published: PortNumber | None = None
    host_ip: str | None = None
    protocol: Literal["tcp", "udp", "sctp"] = "tcp"


def refuse_escape(path: str) -> str:
    """A path below a volume's root, in its plain form. Raises ValueError."""
    if any(part in ("", ".", "..") for part in path.split("/")):
        raise ValueError("expected a plain path below the volume's root, such as app/www")
    return path


SubPath = Annotated[
    str, StringConstraints(pattern=r"^[^/\x00:][^\x00:]*$", max_length=1024), AfterValidator(refuse_escape)
]


class VolumeOptions(Model):
    """How a volume is mounted."""

    nocopy: bool = False
    subpath: SubPath | None = Field(default=None, description="A folder in it; needs engine 26.0 or newer.")


def refuse_host_folder(value: bool) -> bool:
    """Nothing is made on the host. Raises ValueError."""
    if value:
        raise ValueError("expected false: make the folder on the host first")
    return value


class BindOptions(Model):
    """How a host path is mounted. No folder is ever made on the host."""

    propagation: Literal["private", "rprivate", "shared", "rshared", "slave", "rslave"] | None = None
    create_host_path: Annotated[bool, AfterValidator(refuse_host_folder)] = False


class Mount(Model):
    """A mount: a Volume of the specs, a host path (needs ``allow``), or a tmpfs."""

    type: Literal["volume", "bind", "tmpfs", "discard"] = "volume"
    source: str | None = None
    read_only: bool = False
    volume: VolumeOptions | None = None
    bind: BindOptions | None = None
    tmpfs: Tmpfs | None = None


class FileMount(Model):
    """A Config or Secret as a file (a Config may be a folder) in the container."""

    source: Name
    mode: Mode | None = None
    uid: AccountId | None = None
    gid: AccountId | None = None


class Healthcheck(Model):
    """The engine's health check. ``test`` starts with CMD, CMD-SHELL or is exactly [NONE]."""

    test: tuple[str, ...] | None = None
    interval: Duration | None = None
    timeout: Duration | None = None
    start_period: Duration | None = None
    start_interval: Duration | None = None
    retries: Annotated[int, Field(ge=1, le=1000)] | None = None
    disable: bool = False


class Dependency(Model):
    """What must be true of another service before the first instance of a new generation starts."""

    condition: Literal["service_started", "service_healthy", "service_completed_successfully"] = (
        "service_started"
    )
    required: bool = True


def refuse_too_little(size: int) -> int:
    """No limit that an engine refuses, or reads as none (zero). Raises ValueError."""
    if size < 6 << 20:
        raise ValueError("expected at least 6M, the least that an engine takes")
    return size


class Limits(Model):
    """Upper bounds."""

    cpus: Cpus | None = None
    memory: Annotated[Size, AfterValidator(refuse_too_little)] | None = None
    pids: Annotated[int, Field(ge=1, le=4_194_304)] | None = None


class Reservations(Model):
    """What is set aside."""

    memory: Size | None = None


class Resources(Model):
    """Compose's ``deploy.resources``."""

    limits: Limits = Limits()
    reservations: Reservations = Reservations()


class Deploy(Model):
    """How many and how large. ``replicated`` is the only mode: there is one engine."""

    mode: Literal["replicated"] = "replicated"
    replicas: Annotated[int, Field(ge=0, le=1000)] = 1
    resources: Resources = Resources()


class Ignored(Model):
    """A difference that is known and left alone: told with its reason, not counted, not healed."""

    path: Annotated[str, StringConstraints(max_length=512)]
    reason: Annotated[str, StringConstraints(max_length=512)]
    until: Annotated[str, StringConstraints(max_length=40)] | None = None

    @property
    def ends_at(self) -> float | None:
        """When it counts again, in seconds since 1970: at a time, or at the end of a day (UTC). None where
        nothing is said, or what is said cannot be read."""
        return None if self.until is None else read_end(self.until)


def read_end(text: str) -> float | None:
    """The end of a day, or a time with its zone; None for anything else."""
    try:
        if _DAY.fullmatch(text):
            return datetime.fromisoformat(f"{text}T00:00:00+00:00").timestamp() + 86_400
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.timestamp() if "T" in text and found.tzinfo is not None else None


class DriftRules(Model):
    """Which live differences are not drift."""

    ignore: tuple[Ignored, ...] = ()


class Service(RuntimeWords, Privileges):
    """A long-running service, or a job when ``restart`` is ``no`` or ``on-failure``."""

    image: Annotated[str, Field(min_length=1, max_length=512)] = Field(
        description="The name of an Image, or a public reference with a tag, such as redis:7.",
        examples=["web", "redis:7"],
    )
    command: tuple[Text, ...] | None = Field(default=None, description="Replaces the image's command.")
    entrypoint: tuple[Text, ...] | None = Field(default=None, description="Replaces the image's entrypoint.")
    environment: dict[EnvironmentName, Text | SecretRef] = Field(
        default={}, description="Variables; a value is text, {secret: NAME}, or text with ${secret:NAME}."
    )
    ports: dict[str, Port] = Field(default={}, description="Ports published on the host.")
    volumes: dict[AbsolutePath, Mount] = Field(
        default={}, description="Volumes, allowed host paths, tmpfs; discard starts empty each time."
    )
    networks: dict[Name, Attachment] = Field(
        default={}, description="Networks to join; without any, the environment's default network."
    )
    configs: dict[AbsolutePath, FileMount] = Field(default={}, description="Files from git.")
    secrets: dict[AbsolutePath, FileMount] = Field(default={}, description="Secrets as files.")
    healthcheck: Healthcheck | None = Field(
        default=None, description="How the engine tells that it is healthy."
    )
    depends_on: dict[Name, Dependency] = Field(
        default={}, description="What must be true before the first instance of a new generation starts."
    )
    deploy: Deploy = Field(default=Deploy(), description="How many instances, and their limits.")
    restart: Annotated[
        str, StringConstraints(pattern=r"^(no|always|unless-stopped|on-failure(:[0-9]{1,3})?)$")
    ] = Field(default="unless-stopped", description='"no" or on-failure makes it a job, which runs once.')
    user: Text | None = Field(default=None, description="The user in the container.")
    working_dir: WorkingFolder | None = Field(default=None, description="The folder in the container.")
    labels: dict[LabelName, Text] = Field(default={}, description="Labels of the container.")
    stop_signal: Signal | None = Field(default=None, description="The signal that asks it to stop.")
    stop_grace_period: Duration | None = Field(default=None, description="Time to stop before it is killed.")
    route: Route | None = Field(
        default=None,
        description="How requests reach it, without losing any in a rollout.",
        examples=[{"host": "shop.example.com", "port": 8080, "ready": {"http": "/healthz"}}],
    )
    rollout: Rollout = Field(default=Rollout(), description="How a new generation replaces the old one.")
    drift: DriftRules = Field(default=DriftRules(), description="Live differences that are left alone.")
    hooks: Hooks = Field(
        default=Hooks(),
        description="What runs before and after a rollout, and before a stop.",
        examples=[{"pre_deploy": {"command": ["bin/migrate", "up"]}}],
    )

    @property
    def is_job(self) -> bool:
        """It runs to completion once for each generation."""
        return self.restart == "no" or self.restart.startswith("on-failure")
