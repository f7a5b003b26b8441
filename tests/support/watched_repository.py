"""A watch of one real repository over engines in memory, and all that it tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from git_repository import WrittenRepository
from providers.memory import MemoryBuilder, MemoryEngine
from reconciler.cli.loop_audience import Refusal
from reconciler.cli.loop_source import Openers, RepositoryWatch
from reconciler.cli.reach import Reach
from reconciler.cli.workspace import Workspace
from reconciler.provider import Builder, Login, ProviderError, Runtime
from reconciler.snapshot import Snapshot
from specs.run_repository import RunRepository

HEAD = "apiVersion: reconciler/v1\nkind: "
SERVICE = f"{HEAD}Service\nmetadata: {{name: web}}\nspec: {{image: 'redis:7'}}\n"


def environment(name: str, **words: str) -> str:
    spec = "".join(f", {key}: {value}" for key, value in words.items())
    return f"{HEAD}Environment\nmetadata: {{name: {name}}}\nspec: {{project: shop{spec}}}\n---\n"


@dataclass
class Told:
    """A watch of one repository, and all that it told."""

    repository: WrittenRepository
    environments: tuple[str, ...] = ()
    words: dict[str, object] = field(default_factory=dict)
    """More of the entry's own words."""
    takes: bool = True
    """Whether nobody else keeps the owner."""
    engine: MemoryEngine = field(default_factory=MemoryEngine)
    refusals: list[Refusal] = field(default_factory=list)
    offered: list[tuple[str, str]] = field(default_factory=list)
    healing: list[bool] = field(default_factory=list)
    faults: list[tuple[str, str]] = field(default_factory=list)
    waits: list[tuple[str, str | None, str]] = field(default_factory=list)
    workspaces: list[Workspace] = field(default_factory=list)

    def __post_init__(self) -> None:
        folder = str(self.repository.path)
        entry = RunRepository(name="shop", folder=folder, ref="main", environments=self.environments)
        self.entry = entry.model_copy(update=self.words)
        self.begin()

    def begin(self) -> None:
        """As a process that was started just now."""
        openers = Openers(self._runtime, self._builder)
        self.watch = RepositoryWatch(
            self.entry, openers, self._offer, self._fault, self._unreachable, self._waits
        )

    def _runtime(self, reach: Reach) -> Runtime:
        assert not reach.personal, "a loop has no docker settings of a person"
        return self.engine

    def _builder(self, reach: Reach, logins: Mapping[str, Login]) -> Builder:
        return MemoryBuilder({}, MemoryEngine().time)

    def _offer(self, workspace: Workspace, snapshot: Snapshot) -> bool:
        self.offered.append((workspace.owner.environment, workspace.desired.commit))
        self.workspaces.append(workspace)
        self.healing.append(snapshot.desired.policy.heal)
        return self.takes

    def _waits(self, environment_name: str, applied: str | None, pending: str) -> None:
        self.waits.append((environment_name, applied, pending))

    def _fault(self, refusal: Refusal) -> None:
        self.refusals.append(refusal)
        self.faults += [(refusal.environment, problem.code) for problem in refusal.problems]

    def _unreachable(self, error: ProviderError) -> None:
        raise error


def written(tmp_path: Path, text: str) -> tuple[WrittenRepository, str]:
    repository = WrittenRepository(tmp_path / "repository")
    return repository, repository.commit({"specs/all.yaml": text})
