"""Kind Lock: the digest that each reference from outside means (contracts, section 1). Machine-written."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, Field, StringConstraints

from specs.model import Model
from specs.reference import ImageRef, InvalidReference

LOCK_NAME: Final = "lock"
LOCK_FILE: Final = "lock.yaml"


def refuse_no_reference(text: str) -> str:
    """A reference as a Service or a Dockerfile writes it, without a digest. Raises ValueError."""
    try:
        has_digest = ImageRef.parse(text).digest is not None
    except InvalidReference:
        has_digest = True
    if has_digest:
        raise ValueError("expected a reference without a digest, such as redis:7")
    return text


LockedReference = Annotated[
    str, StringConstraints(min_length=1, max_length=512), AfterValidator(refuse_no_reference)
]
LockedDigest = Annotated[str, StringConstraints(pattern=r"^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$")]


class Lock(Model):
    """Which digest each tagged reference means; it decides wherever it has an entry."""

    images: dict[LockedReference, LockedDigest] = Field(
        default={},
        description="References as written in a Service or after FROM, each with the digest that it means.",
        examples=[{"redis:7": f"sha256:{'0' * 64}"}],
    )
