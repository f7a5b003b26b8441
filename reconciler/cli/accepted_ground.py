"""What an engine tells of an environment before anything is planned: what was accepted there, what runs, and
whether it is the engine that it was."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from reconciler.accepted import SOURCE, Accepted, engine_confirmation, is_other_engine, read_accepted
from reconciler.cli.acceptance import Lineage
from reconciler.cli.bounds import BoundsCheck
from reconciler.cli.envelope import failure
from reconciler.cli.reach import Reach
from reconciler.cli.workspace import OpenRuntime
from reconciler.observed import Marker
from reconciler.ownership import Owner, Role
from reconciler.provider import Question, Runtime, World
from reconciler.secrets import SecretStore, secrets_folder
from reconciler.source import is_same_source
from reconciler.view import newest_markers
from specs.environment import Environment
from specs.problem import Problem
from specs.run_repository import RunRepository

_KINDS = ("instances", "markers")


@dataclass(frozen=True, slots=True)
class Ground:
    """One look at the engine of one environment."""

    owner: Owner
    runtime: Runtime
    world: World

    @property
    def marker(self) -> Marker | None:
        """The newest marker ``source``."""
        return newest_markers(self.world.markers).get((SOURCE, ""))

    @property
    def accepted(self) -> Accepted | None:
        """What it says."""
        return read_accepted(self.marker)

    def unread(self) -> Problem | None:
        """What could not be read of what decides."""
        reasons = [entry.reason for entry in self.world.unreadable if entry.what in _KINDS]
        return unread(self.owner.environment, reasons[0]) if reasons else None

    def lineage(self) -> Lineage:
        """What the next commit must contain: what was accepted, else what runs."""
        accepted = self.accepted
        if accepted is not None and accepted.commit is not None:
            return Lineage((accepted.commit,), accepted.tag)
        live = {i.commit.removesuffix("-dirty") for i in self.world.instances if i.role is Role.LIVE}
        return Lineage(tuple(sorted(commit for commit in live if commit)))

    def other_engine(self, known: str | None) -> Problem | None:
        """That this is not the engine that is known, and holds nothing of the environment."""
        if not is_other_engine(known, self.world.engine, self.accepted, self.world.instances):
            return None
        identity = engine_confirmation(self.owner, self.world.engine)
        name = self.owner.environment
        return failure(
            "POL040",
            f"Environment {name}",
            f"engine {self.world.engine} answers, which holds nothing of it; it was on engine {known}",
            "the engine that it was on, whatever way it is reached",
            f"correct the endpoint; or, to move here: reconciler adopt {name} --confirm={identity}",
        )

    def other_source(self, source: str) -> Problem | None:
        """That what runs belongs to another source."""
        accepted = self.accepted
        theirs = [accepted.source] if accepted else [i.source for i in self.world.instances]
        others = sorted({other for other in theirs if not is_same_source(other, source)})
        if not others:
            return None
        name = self.owner.environment
        return failure(
            "POL033",
            f"Environment {name}",
            f"what runs came from another source: {others[0]}",
            "the repository that it came from",
            f"correct the Run file; or hand it over, from a clone of this one: reconciler adopt {name}",
        )

    async def mark(self, accepted: Accepted) -> None:
        """Write that this was accepted, unless it is known already or belongs to another source. Raises
        ProviderError."""
        seen = self.marker
        known = self.accepted is not None and self.accepted.says(accepted)
        if self.world.unreadable or known or self.other_source(accepted.source):
            return
        sequence = seen.sequence + 1 if seen else 1
        await self.runtime.put_marker(self.owner, Marker(SOURCE, "", sequence, accepted.write()))


@dataclass(frozen=True, slots=True)
class Surveyor:
    """Looks at the engines of the environments of one entry."""

    entry: RunRepository
    open_runtime: OpenRuntime
    secrets: str | None = None

    async def look(self, environment_name: str, environment: Environment) -> Ground:
        """Raises Stop where the Run file grants no such place, ProviderError."""
        placed = BoundsCheck(self.entry).place(environment_name, environment)
        owner = Owner(placed.project, environment_name)
        folder = Path(self.secrets) if self.secrets else secrets_folder(os.environ)
        reach = Reach(environment_name, placed.runtime, SecretStore(owner, folder), personal=False)
        runtime = self.open_runtime(reach)
        return Ground(owner, runtime, await runtime.observe(Question(owner)))


def unread(environment_name: str, reason: str) -> Problem:
    """That what was accepted cannot be told."""
    seen = f"the engine does not tell what was accepted: {reason}"
    return failure("POL034", f"Environment {environment_name}", seen, "an answer", "it is asked again")
