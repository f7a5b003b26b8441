"""Words of a Service about one container and nothing of the host: its process, its limits, its names.

Each has the meaning that the Compose Specification gives it.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from specs.container_types import (
    AbsolutePath,
    Address,
    Annotation,
    Capability,
    Cpuset,
    Exposed,
    Group,
    HostAddress,
    HostName,
    ListedFile,
    Logging,
    Names,
    OwnTmpfs,
    ResolverOption,
    Score,
    SearchDomain,
    SysctlName,
    Ulimit,
    UlimitName,
    sort_once,
)
from specs.model import Model, Size, Text


class RuntimeWords(Model):
    """What Compose says of one container, without anything that needs leave."""

    env_file: tuple[ListedFile, ...] = Field(
        default=(),
        description="Files of the same commit, read into environment, which wins over them.",
        examples=[["web/defaults.env", {"path": "web/local.env", "required": False}]],
    )
    label_file: tuple[ListedFile, ...] = Field(
        default=(),
        description="Files of the same commit, read into labels, which win over them.",
        examples=[["web/labels.txt"]],
    )
    expose: tuple[Exposed, ...] = Field(
        default=(),
        description="Ports that neighbours use; a note without effect, since they reach every port.",
        examples=[["8080"]],
    )
    tmpfs: dict[AbsolutePath, OwnTmpfs] = Field(
        default={},
        description="File systems in memory, by path; empty at each start.",
        examples=[{"/run": {"size": "16M", "mode": "0o755", "uid": 1000}}],
    )
    read_only: bool = Field(default=False, description="The container's own file system cannot be written.")
    cap_drop: Annotated[tuple[Capability, ...], AfterValidator(sort_once)] = Field(
        default=(), description="Capabilities that the process does not get.", examples=[["ALL"]]
    )
    group_add: Annotated[tuple[Group, ...], AfterValidator(sort_once)] = Field(
        default=(), description="More groups of the container's user.", examples=[["video", "1000"]]
    )
    ulimits: dict[UlimitName, Ulimit] = Field(
        default={},
        description="Resource limits of the process; one number sets both.",
        examples=[{"nofile": {"soft": 1024, "hard": 4096}}],
    )
    sysctls: dict[SysctlName, Text] = Field(
        default={},
        description="Kernel settings of the container's own namespaces.",
        examples=[{"net.core.somaxconn": "1024"}],
    )
    shm_size: Annotated[Size, Field(ge=4096)] | None = Field(
        default=None, description="The size of /dev/shm.", examples=["128M"]
    )
    init: bool | None = Field(
        default=None, description="Whether the engine's init runs as process 1 and reaps what is left."
    )
    hostname: Names | None = Field(default=None, description="The container's own name.", examples=["web"])
    domainname: Names | None = Field(
        default=None, description="The container's own domain.", examples=["shop.internal"]
    )
    extra_hosts: dict[HostName, tuple[HostAddress, ...]] = Field(
        default={},
        description="Addresses of more names, for its hosts file; host-gateway is the engine's host.",
        examples=[{"db.internal": ["10.0.0.2"]}],
    )
    dns: tuple[Address, ...] = Field(
        default=(), description="Name servers, in order.", examples=[["10.0.0.53"]]
    )
    dns_opt: tuple[ResolverOption, ...] = Field(
        default=(), description="Options of the resolver.", examples=[["ndots:2"]]
    )
    dns_search: tuple[SearchDomain, ...] = Field(
        default=(),
        description="Domains in which short names are looked up.",
        examples=[["shop.internal"]],
    )
    logging: Logging = Field(
        default=Logging(),
        description="Where the output goes; without a driver, the engine's own.",
        examples=[{"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}}],
    )
    annotations: dict[Annotation, Text] = Field(
        default={},
        description="Notes for the container runtime, from engine 24 on.",
        examples=[{"org.example.team": "shop"}],
    )
    stdin_open: bool = Field(default=False, description="Standard input stays open.")
    tty: bool = Field(default=False, description="The process has a terminal; its two outputs become one.")
    oom_score_adj: Score | None = Field(
        default=None,
        description="How soon the kernel kills it, 0 to 1000.",
        examples=[500],
    )
    memswap_limit: Annotated[Size, Field(ge=1)] | None = Field(
        default=None,
        description="Memory and swap together; needs a memory limit. Without it, twice that limit.",
        examples=["512M"],
    )
    cpu_shares: Annotated[int, Field(ge=2, le=262_144)] | None = Field(
        default=None,
        description="Its weight when CPUs are short; 1024 is usual.",
        examples=[512],
    )
    cpuset: Cpuset | None = Field(default=None, description="The CPUs that it may use.", examples=["0-1"])
