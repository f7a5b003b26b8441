"""Kind Release: which commit and which digests the services of one environment run, where that is not what
its tracked ref says now (contracts, section 7). Machine-written.

Where an environment follows another, an entry is the pin of a service. Where it follows no other, an entry is
a rollback: it names what it stands ``instead_of``.
"""

from __future__ import annotations

from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from specs.image import RepositoryPath
from specs.lock import LockedDigest
from specs.model import Model, Name, Text
from specs.reference import ImageRef, InvalidReference

RELEASES_FOLDER: Final = "releases"
_ZEROS: Final = "0" * 64

CommitId = Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})$")]
InputKey = Annotated[str, StringConstraints(pattern=r"^in-[0-9a-f]{32}$")]
FingerprintText = Annotated[str, StringConstraints(pattern=r"^v[0-9]{1,3}:[0-9a-f]{64}$")]
InputText = Annotated[str, StringConstraints(min_length=1, max_length=512)]
SpecPath = Annotated[str, StringConstraints(pattern=r"^[^/\x00][^\x00]{0,1023}$")]
_TIME: Final = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$"
TimeText = Annotated[str, StringConstraints(pattern=_TIME)]


def refuse_no_image(text: str) -> str:
    """A reference as a Service writes it. Raises ValueError."""
    try:
        ImageRef.parse(text)
    except InvalidReference:
        raise ValueError("expected an image reference such as postgres:16") from None
    return text


Reference = Annotated[str, StringConstraints(min_length=1, max_length=512), AfterValidator(refuse_no_image)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=500)]


class ReleasedImage(Model):
    """An image by its bytes: one of ours by repository and input, one from outside by its reference."""

    digest: LockedDigest = Field(description="The digest that runs.", examples=[f"sha256:{_ZEROS}"])
    repository: RepositoryPath | None = Field(
        default=None, description="Of an Image of ours: its repository.", examples=["web"]
    )
    input: InputKey | None = Field(
        default=None, description="Of an Image of ours: its input key.", examples=[f"in-{_ZEROS[:32]}"]
    )
    reference: Reference | None = Field(
        default=None, description="From outside: the reference as written.", examples=["postgres:16"]
    )

    @model_validator(mode="after")
    def _is_ours_or_not(self) -> Self:
        if (self.repository is None) != (self.input is None) or (self.repository is None) == (
            self.reference is None
        ):
            raise ValueError("expected either repository with input, or reference")
        return self


class InsteadOf(Model):
    """What the specs said of a service, as it is known without network or engine."""

    fingerprint: FingerprintText = Field(description="Of the effective service.", examples=[f"v1:{_ZEROS}"])
    input: InputText = Field(
        description="Input key of an Image of ours, else the reference as written.", examples=["postgres:16"]
    )
    digest: LockedDigest | None = Field(
        default=None, description="Where the reference or the lock names one.", examples=[f"sha256:{_ZEROS}"]
    )


class Refusal(InsteadOf):
    """A generation that a rollback refused: no automatic promotion writes it again."""

    reason: Line | None = Field(default=None, description="Why.", examples=["it answered 500"])


class Evidence(Model):
    """What spoke for it when it was written: shown, believed only as far as it can be checked."""

    from_: Name | None = Field(
        default=None, alias="from", description="The environment that proved it.", examples=["dev"]
    )
    healthy_since: TimeText | None = Field(
        default=None, description="Since when it was healthy there.", examples=["2026-01-31T12:00:00Z"]
    )
    checks: tuple[Line, ...] = Field(default=(), description="Checks that passed.", examples=[["ci/test"]])
    approved_by: tuple[Line, ...] = Field(default=(), description="Who approved it.", examples=[["alice"]])
    hotfix: Line | None = Field(
        default=None,
        description="Why it went past the environment that is followed.",
        examples=["an expired certificate"],
    )
    drops: CommitId | None = Field(
        default=None,
        description="The commit of a hotfix that it replaces and does not contain, given up by name.",
        examples=["0123456789abcdef0123456789abcdef01234567"],
    )


class ReleasedService(Model):
    """One service as it is at one commit."""

    serial: Annotated[int, Field(ge=1, le=1 << 53)] = Field(
        description="Raised by every write, so that two at once conflict in git.", examples=[1]
    )
    commit: CommitId = Field(
        description="The commit that the service, its networks, volumes and Configs are read at.",
        examples=["0123456789abcdef0123456789abcdef01234567"],
    )
    path: SpecPath = Field(default="specs", description="The spec path in that commit.")
    images: dict[Text, ReleasedImage] = Field(
        description="Its image, by the name or reference that the service writes.",
        examples=[{"web": {"repository": "web", "digest": f"sha256:{_ZEROS}", "input": f"in-{_ZEROS[:32]}"}}],
    )
    evidence: Evidence = Field(default=Evidence(), description="What spoke for it.")
    refused: tuple[Refusal, ...] = Field(
        default=(),
        max_length=20,
        description="Generations that a rollback refused.",
        examples=[[{"fingerprint": f"v1:{_ZEROS}", "input": "postgres:16"}]],
    )
    instead_of: InsteadOf | None = Field(
        default=None,
        description="Of a rollback: it counts for as long as the specs say exactly this of the service.",
        examples=[{"fingerprint": f"v1:{_ZEROS}", "input": "postgres:16"}],
    )


class RemovedService(Model):
    """A service that a promotion took away: without such an entry, what has no pin is left as it is."""

    serial: Annotated[int, Field(ge=1, le=1 << 53)] = Field(
        description="Raised by every write, so that two at once conflict in git.", examples=[2]
    )
    reason: Line | None = Field(default=None, description="Why.", examples=["dev does not have it any more"])


class Release(Model):
    """What the services of one environment run."""

    services: dict[Name, ReleasedService] = Field(
        default={},
        description="Where the environment follows another: its pins. Else what was rolled back.",
        examples=[{}],
    )
    removed: dict[Name, RemovedService] = Field(
        default={}, description="Services that a promotion took away.", examples=[{"old": {"serial": 2}}]
    )
