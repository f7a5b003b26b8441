"""What a builder is asked for, and what it answers; ``reconciler.provider`` passes it on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from specs.reference import Digest, ImageRef

LogLine = Callable[[str], None]
"""Receives one line of build or container output, without its line end."""


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """One image to build and push. ``dockerfile`` has its bases written as digests already;
    ``context`` yields the bytes of an uncompressed tar with exactly the files of the manifest."""

    key: str
    push: ImageRef
    dockerfile: bytes
    context: Callable[[], Iterator[bytes]]
    target: str | None
    args: Mapping[str, str]
    platforms: Sequence[str]
    contexts: Mapping[str, ImageRef]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Secret values by id; given to the builder by environment or file, never on a command line."""


class Builder(Protocol):
    """Builds an image and pushes it."""

    async def examine(self) -> str:
        """The builder's version. Raises Refused where there is none."""
        ...

    async def build(self, request: BuildRequest, log: LogLine) -> Digest:
        """The digest that was pushed. Raises Refused for a failing Dockerfile, with the failing step
        and its last lines in ``log``; ProviderError where trying again may work."""
        ...


@dataclass(frozen=True, slots=True)
class Login:
    """A registry login; ``password`` is a secret and never printed."""

    username: str
    password: str = field(repr=False)
