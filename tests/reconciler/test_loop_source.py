"""What a loop reads of a repository: which environments, at which commit, and what it leaves alone."""

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

_HEAD = "apiVersion: reconciler/v1\nkind: "
_SERVICE = f"{_HEAD}Service\nmetadata: {{name: web}}\nspec: {{image: 'redis:7'}}\n"


def environment(name: str, **words: str) -> str:
    spec = "".join(f", {key}: {value}" for key, value in words.items())
    return f"{_HEAD}Environment\nmetadata: {{name: {name}}}\nspec: {{project: shop{spec}}}\n---\n"


@dataclass
class Told:
    """A watch of one repository, and all that it told."""

    repository: WrittenRepository
    environments: tuple[str, ...] = ()
    offered: list[tuple[str, str]] = field(default_factory=list)
    healing: list[bool] = field(default_factory=list)
    faults: list[tuple[str, str]] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    workspaces: list[Workspace] = field(default_factory=list)

    def __post_init__(self) -> None:
        folder = str(self.repository.path)
        entry = RunRepository(name="shop", folder=folder, ref="main", environments=self.environments)
        openers = Openers(self._runtime, self._builder)
        self.watch = RepositoryWatch(
            entry, openers, self._offer, self._fault, self._unreachable, self.left.append
        )

    def _runtime(self, reach: Reach) -> Runtime:
        assert not reach.personal, "a loop has no docker settings of a person"
        return MemoryEngine()

    def _builder(self, reach: Reach, logins: Mapping[str, Login]) -> Builder:
        return MemoryBuilder({}, MemoryEngine().time)

    def _offer(self, workspace: Workspace, snapshot: Snapshot) -> None:
        self.offered.append((workspace.owner.environment, workspace.desired.commit))
        self.workspaces.append(workspace)
        self.healing.append(snapshot.desired.policy.heal)

    def _fault(self, refusal: Refusal) -> None:
        self.faults += [(refusal.environment, problem.code) for problem in refusal.problems]

    def _unreachable(self, error: ProviderError) -> None:
        raise error


def written(tmp_path: Path, text: str) -> tuple[WrittenRepository, str]:
    repository = WrittenRepository(tmp_path / "repository")
    return repository, repository.commit({"specs/all.yaml": text})


async def test_every_environment_of_the_policy_ref_at_what_it_tracks(tmp_path: Path) -> None:
    text = environment("dev") + environment("prod", tracks="stable", drift="report") + _SERVICE
    repository, first = written(tmp_path, text)
    repository.git("branch", "stable")
    second = repository.commit({"note": "two\n"})
    told = Told(repository)
    await told.watch.look()
    assert told.offered == [("dev", second), ("prod", first)]
    assert told.healing == [True, False], "drift: report is told and not healed"


async def test_the_policy_ref_decides_where_things_run_and_credentials_go(tmp_path: Path) -> None:
    registry = f"{_HEAD}Registry\nmetadata: {{name: main}}\nspec: {{url: r.example.com/shop}}\n---\n"
    built = "{registry: main, repository: web, build: {}}"
    image = f"{_HEAD}Image\nmetadata: {{name: web}}\nspec: {built}\n---\n"
    rest = image + _SERVICE.replace("'redis:7'", "web")
    text = environment("dev", tracks="stable") + registry + rest
    repository, _ = written(tmp_path, text)
    repository.commit({"Dockerfile": "FROM scratch\n"})
    repository.git("switch", "-q", "-c", "stable")
    stolen = "{url: evil.example.com, auth: {username: u, password: {secret: bank}}}"
    theirs = environment("dev", tracks="stable", runtime="{endpoint: 'tcp://10.0.0.1:2376'}")
    hostile = theirs + registry.replace("{url: r.example.com/shop}", stolen) + rest
    second = repository.commit({"specs/all.yaml": hostile})
    told = Told(repository)
    told.watch.entry = told.watch.entry.model_copy(update={"bounds": "any"})
    await told.watch.look()
    assert told.offered == [("dev", second)]
    (workspace,) = told.workspaces
    assert next(str(i.ref) for i in workspace.desired.images.values()).startswith("r.example.com/shop/web:")
    assert workspace.effective.environment.runtime.endpoint is None
    assert workspace.registries.logins() == {}
    assert [p.subject for p in workspace.problems if p.code == "POL002"] == [
        "Environment dev",
        "Registry main",
    ]


async def test_going_beyond_the_bounds_fails_that_environment_alone(tmp_path: Path) -> None:
    text = environment("dev") + environment("prod", runtime="{endpoint: 'ssh://root@bank-1'}") + _SERVICE
    repository, first = written(tmp_path, text)
    told = Told(repository)
    await told.watch.look()
    assert (told.offered, told.faults) == ([("dev", first)], [("prod", "POL010")])


async def test_nothing_new_is_not_read_again(tmp_path: Path) -> None:
    repository, _ = written(tmp_path, environment("dev") + _SERVICE)
    told = Told(repository)
    await told.watch.look()
    await told.watch.look()
    assert len(told.offered) == 1
    third = repository.commit({"note": "three\n"})
    await told.watch.look()
    assert told.offered[-1] == ("dev", third)


async def test_what_is_not_for_a_loop_is_left_alone(tmp_path: Path) -> None:
    text = environment("dev", deploy="manual") + _SERVICE
    told = Told(written(tmp_path, text)[0])
    await told.watch.look()
    assert (told.offered, told.left, told.faults) == ([], ["dev"], [])


async def test_the_newest_version_is_kept_whatever_was_tagged_last(tmp_path: Path) -> None:
    repository, first = written(tmp_path, environment("next", tracks="{tags: 'v*'}") + _SERVICE)
    told = Told(repository)
    await told.watch.look()
    assert (told.offered, told.faults) == ([], [("next", "GIT011")])
    repository.git("tag", "-a", "-m", "first", "v1.10.0")
    second = repository.commit({"note": "two\n"})
    repository.git("tag", "v1.9.0")
    repository.git("tag", "v2")
    repository.git("tag", "v2.0.0-rc.1", f"{first}^{{tree}}")
    repository.git("branch", "v3.0.0")
    await told.watch.look()
    assert told.offered == [("next", first)]
    repository.git("tag", "v2.0.0", second)
    await told.watch.look()
    assert told.offered[-1] == ("next", second)


async def test_a_tag_never_poses_as_the_branch_that_is_tracked(tmp_path: Path) -> None:
    repository, _ = written(tmp_path, environment("dev", tracks="stable") + _SERVICE)
    repository.git("tag", "stable")
    told = Told(repository)
    await told.watch.look()
    assert (told.offered, told.faults) == ([], [("dev", "GIT011")])
    second = repository.commit({"note": "two\n"})
    repository.git("branch", "stable", second)
    await told.watch.look()
    assert told.offered == [("dev", second)]


async def test_a_commit_with_an_error_is_told_and_offers_nothing(tmp_path: Path) -> None:
    repository, first = written(tmp_path, environment("dev") + _SERVICE)
    told = Told(repository)
    await told.watch.look()
    repository.commit({"specs/all.yaml": environment("dev") + _SERVICE.replace("image:", "imgae:")})
    await told.watch.look()
    assert told.offered == [("dev", first)]
    assert ("", "SPEC012") in told.faults
    assert told.watch.refused == {"dev"}


async def test_an_environment_that_is_not_there_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    repository, first = written(tmp_path, environment("dev") + _SERVICE)
    told = Told(repository, ("dve", "dev"))
    await told.watch.look()
    assert told.offered == [("dev", first)]
    assert told.faults == [("dve", "CLI041")]


async def test_who_announces_is_answered_when_it_has_been_read(tmp_path: Path) -> None:
    told = Told(written(tmp_path, environment("dev") + _SERVICE)[0])
    read = told.watch.announce("webhook 1")
    assert not read.is_set()
    await told.watch.look()
    assert read.is_set()
