"""Kind Environment: a project, a runtime, registries, a choice of services, patches, variables, policy."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from specs.allow import Allowed
from specs.model import Duration, Model, Name, RefName, Text

VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")]
Glob = Annotated[str, StringConstraints(pattern=r"^[a-z0-9*?\[\]!-]{1,63}$")]
TagPattern = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9*?][A-Za-z0-9._/*?+-]{0,199}$")]


class Runtime(Model):
    """Where services run. Without ``endpoint``: the engine of this machine."""

    provider: Literal["docker"] = "docker"
    endpoint: Annotated[str, StringConstraints(pattern=r"^unix:///[^\x00]+$")] | None = None


class Tags(Model):
    """Track the newest tag that matches."""

    tags: TagPattern
    order: Literal["semver"] = "semver"


class Choice(Model):
    """Which services of the specs belong to the environment."""

    include: tuple[Glob, ...] = ("*",)
    exclude: tuple[Glob, ...] = ()


class Gates(Model):
    """What must hold before a promotion."""

    soak: Duration = 0.0
    approvals: Annotated[int, Field(ge=0, le=20)] = 0


class Promotion(Model):
    """How this environment takes what another has proved."""

    mode: Literal["manual", "auto"] = "manual"
    write: Literal["commit", "branch"] = "commit"
    gates: Gates = Gates()


class PruneRules(Model):
    """At most ``limit`` spec objects are removed at once; by default max(3, 20 %)."""

    limit: Annotated[int, Field(ge=0, le=10_000)] | None = None


class Patch(Model):
    """A JSON Merge Patch (RFC 7396) over the normal form of one document."""

    kind: Literal["Service", "Network", "Volume", "Config", "Image"]
    name: Name
    spec: dict[str, Any]


class Environment(Model):
    """One place where the specs run."""

    project: Name = Field(description="The project that all environments under one path share.")
    runtime: Runtime = Field(default=Runtime(), description="Where services run.")
    tracks: RefName | Tags | None = Field(
        default=None, description="A branch or tags; default: the remote's default branch."
    )
    registries: dict[Name, Name] = Field(default={}, description="Where specs say the first, use the second.")
    services: Choice = Field(default=Choice(), description="Which services belong to it; default: all.")
    follows: Name | None = Field(default=None, description="Reserved.")
    promotion: Promotion = Field(default=Promotion(), description="Reserved.")
    deploy: Literal["auto", "manual"] = Field(default="auto", description="manual: the loop waits for apply.")
    drift: Literal["heal", "report"] = Field(default="heal", description="What is done about drift.")
    worktree: Literal["allow", "refuse"] = Field(
        default="refuse", description="Whether uncommitted files may be deployed (--worktree, dev)."
    )
    variables: dict[VariableName, Text] = Field(default={}, description="Values for ${NAME}, put in once.")
    prune: PruneRules = Field(default=PruneRules(), description="How much may be removed at once.")
    allow: Allowed = Field(default=Allowed(), description="What services get beyond the safe set, exactly.")
    patches: tuple[Patch, ...] = Field(
        default=(), description="JSON Merge Patches (RFC 7396) over the normal form; null deletes."
    )
