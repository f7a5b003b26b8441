"""The secrets that sign webhooks: files that the Run file names, read at each use, so that they can be
rotated."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from reconciler.cli.envelope import failure
from reconciler.cli.loop_signature import signing_key
from specs.problem import Problem
from specs.run_repository import RunRepository

LEAST: Final = 16
"""Bytes: a shorter one can be guessed, and an empty one would sign everything."""
_MOST: Final = 1 << 12


def read_secret(path: str | None) -> bytes | None:
    """The secret without the space around it; None where there is none that is worth anything."""
    if path is None:
        return None
    try:
        with Path(path).open("rb") as stream:
            secret = stream.read(_MOST + 1).strip()
    except OSError:
        return None
    return secret if len(signing_key(secret)) >= LEAST and len(secret) <= _MOST else None


def check_secrets(entries: Iterable[RunRepository]) -> list[Problem]:
    """What is wrong with the secrets that a Run file names, before anything listens (CLI044)."""
    return [
        failure(
            "CLI044",
            f"webhook_secret of repository {entry.name}",
            f"{entry.webhook_secret} cannot be read, or holds fewer than {LEAST} bytes",
            f"a secret of {LEAST} bytes or more",
            f"openssl rand -hex 32 > {entry.webhook_secret}",
        )
        for entry in entries
        if entry.webhook_secret is not None and read_secret(entry.webhook_secret) is None
    ]
