"""Whose commits count: the signature policy of one repository (contracts, section 9)."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from specs.model import Model

KeyFile = Annotated[str, StringConstraints(pattern=r"^/[^\x00]*$", max_length=4096)]
CommitId = Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})$")]


class Signatures(Model):
    """Every commit since the last accepted one must be signed by somebody whom these files name."""

    allowed_signers: KeyFile | None = Field(
        default=None, description="Keys for ssh signatures, as ALLOWED SIGNERS of ssh-keygen(1)."
    )
    gpg_keys: KeyFile | None = Field(
        default=None, description="Public keys for gpg signatures, as gpg --export gives them."
    )
    release_signers: KeyFile | None = Field(
        default=None,
        description="Keys for ssh signatures, as allowed_signers, that count only for commits which change "
        "Releases and the lock: those of loops that promote. The key that this loop signs with is one.",
    )
    since: CommitId | None = Field(
        default=None, description="Where the signed history begins, while nothing was accepted yet."
    )

    @model_validator(mode="after")
    def _names_keys(self) -> Self:
        if self.allowed_signers is None and self.gpg_keys is None:
            raise ValueError("expected allowed_signers, gpg_keys, or both")
        return self
