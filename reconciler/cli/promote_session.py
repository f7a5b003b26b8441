"""What one promotion works with: a person's command, or a loop's own."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.cli.forge_reader import ForgeReader, reader_here
from reconciler.cli.offer import Connect, close_runtime
from reconciler.cli.options import Options
from reconciler.cli.person import person
from reconciler.clients import Clients
from reconciler.gate_result import GateResult

if TYPE_CHECKING:
    from providers.git.repository import GitRepository
    from specs.environment import Environment

Show = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Session:
    """What one promotion works with."""

    options: Options
    repository: GitRepository
    environment: Environment
    """That takes, as the commit has it that was read first."""
    connect: Connect
    show: Show
    actor: str = field(default_factory=person)
    """Who does it, for ``history``."""
    reader: Callable[[str | None], ForgeReader | None] = lambda remote: reader_here(os.environ, remote)
    """Who may ask the forge of a remote."""
    end: Callable[[Clients], Awaitable[None]] = close_runtime
    """How it leaves the engine."""
    judged: Callable[[tuple[GateResult, ...]], object] = lambda gates: None
    """Told what the gates say."""

    @property
    def from_name(self) -> str:
        """The environment that gives."""
        return self.options.source_environment
