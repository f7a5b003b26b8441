"""Kind Environment: a project, a runtime, registries, a choice of services, patches, variables, policy."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from specs.allow import Allowed
from specs.model import Duration, Model, Name, RefName, SecretRef, Text
from specs.promotion import Promotion
from specs.proxy import Proxy

VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")]
Glob = Annotated[str, StringConstraints(pattern=r"^[a-z0-9*?\[\]!-]{1,63}$")]
TagPattern = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9*?][A-Za-z0-9._/*?+-]{0,199}$")]


_SOCKET = r"unix:///[^\x00]{1,106}"
_PORT = r"(:[0-9]{1,5})?"
_HOST = r"([A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])"
_SSH = rf"ssh://([A-Za-z0-9_][A-Za-z0-9._-]{{0,63}}@)?{_HOST}{_PORT}(/[A-Za-z0-9._/-]{{0,99}})?"
EndpointText = Annotated[
    str,
    StringConstraints(pattern=rf"^({_SOCKET}|tcp://{_HOST}{_PORT}|{_SSH})$"),
]
BuilderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]


def refuse_short_age(age: float) -> float:
    """Raises ValueError below a minute: a loop looks about once in one, and writes not with every look."""
    if age < 60:
        raise ValueError("expected a time of at least 1m")
    return age


RecordAge = Annotated[Duration, AfterValidator(refuse_short_age)]


class EngineSecrets(Model):
    """The certificates for an engine's port: each the PEM text of a secret."""

    ca: SecretRef = Field(description="The authority that vouches for the engine.")
    certificate: SecretRef = Field(description="Our certificate, which the engine asks for.")
    key: SecretRef = Field(description="The key of our certificate.")


class Runtime(Model):
    """Where services run, and how that is reached."""

    provider: Literal["docker"] = Field(default="docker", description="A Docker Engine.")
    endpoint: EndpointText | None = Field(
        default=None,
        description="unix:///path, tcp://host:port or ssh://[user@]host[:port][/path of the socket]; "
        "default: the engine that the docker client uses here.",
        examples=["unix:///var/run/docker.sock", "ssh://deploy@prod-1", "tcp://10.0.0.5:2376"],
    )
    tls: EngineSecrets | Literal["docker", "plain"] | None = Field(
        default=None,
        description="For tcp: secrets; docker (the default) for ca.pem, cert.pem and key.pem of the docker "
        "client's folder; plain for an unencrypted port of loopback.",
    )
    builder: BuilderName | None = Field(
        default=None, description="The buildx builder that builds; default: the engine itself."
    )

    @model_validator(mode="after")
    def _fits_its_endpoint(self) -> Self:
        if self.tls is not None and not (self.endpoint or "").startswith("tcp://"):
            raise ValueError("expected tls with an endpoint of tcp:// only")
        return self


class Tags(Model):
    """Track the newest tag that matches."""

    tags: TagPattern
    order: Literal["semver"] = "semver"


class Choice(Model):
    """Which services of the specs belong to the environment."""

    include: tuple[Glob, ...] = ("*",)
    exclude: tuple[Glob, ...] = ()


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
    follows: Name | None = Field(
        default=None,
        description="The environment whose proved versions it takes, service by service, as "
        "releases/<this environment>.yaml pins them.",
        examples=["dev"],
    )
    promotion: Promotion = Field(
        default=Promotion(),
        description="Where it follows another: who promotes, where that is written, and what must hold.",
    )
    deploy: Literal["auto", "manual"] = Field(default="auto", description="manual: the loop waits for apply.")
    drift: Literal["heal", "report"] = Field(default="heal", description="What is done about drift.")
    worktree: Literal["allow", "refuse"] = Field(
        default="refuse", description="Whether uncommitted files may be deployed (--worktree, dev)."
    )
    record: Name | None = Field(
        default=None,
        description="The Registry in which it publishes what it has proved, for promotions that cannot reach "
        "its runtime; default: nowhere.",
        examples=["main"],
    )
    record_age: RecordAge = Field(
        default=3600.0, description="How old a record may be until it says nothing any more."
    )
    variables: dict[VariableName, Text] = Field(default={}, description="Values for ${NAME}, put in once.")
    prune: PruneRules = Field(default=PruneRules(), description="How much may be removed at once.")
    allow: Allowed = Field(default=Allowed(), description="What services get beyond the safe set, exactly.")
    proxy: Proxy = Field(default_factory=Proxy, description="What receives the requests for routed services.")
    patches: tuple[Patch, ...] = Field(
        default=(), description="JSON Merge Patches (RFC 7396) over the normal form; null deletes."
    )

    @property
    def record_registry(self) -> str | None:
        """The Registry that ``record`` means here."""
        return None if self.record is None else self.registries.get(self.record, self.record)

    @model_validator(mode="after")
    def _ages_what_it_records(self) -> Self:
        if self.record is None and "record_age" in self.model_fields_set:
            raise ValueError("expected record_age with record only")
        return self
