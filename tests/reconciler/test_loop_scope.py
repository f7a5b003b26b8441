"""What a moved ref makes a loop read again: what may have changed by it, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from git_http import GitHttp
from reconciler.cli.loop_scope import scope_of
from specs.environment import Environment, Tags
from specs.run_repository import RunRepository
from watched_repository import SERVICE, Told, environment, written

_ENVIRONMENTS = {
    "dev": Environment(project="shop"),
    "prod": Environment(project="shop", tracks="stable"),
    "edge": Environment(project="shop", tracks=Tags(tags="v*")),
    "own": Environment(project="shop", tracks="refs/heads/x/y"),
}
_BEFORE = {"HEAD": "1", "refs/heads/main": "1", "refs/heads/stable": "1", "refs/heads/x/y": "1"}


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.parametrize(
    ("moved", "policy", "names"),
    [
        ({}, "main", set()),
        ({"refs/heads/other": "2", "refs/tags/w1": "2", "refs/notes/x": "2"}, "main", set()),
        ({"refs/heads/stable": "2"}, "main", {"prod"}),
        ({"refs/remotes/origin/stable": "2"}, "main", {"prod"}),
        ({"refs/tags/stable": "2"}, "main", set()),
        ({"refs/tags/v2": "2", "refs/heads/v3": "2"}, "main", {"edge"}),
        ({"refs/heads/x/y": "2"}, "main", {"own"}),
        ({"refs/heads/main": "2"}, "main", None),
        ({"HEAD": "2"}, None, None),
        ({"default branch": "refs/heads/stable"}, None, None),
        ({"HEAD": "2"}, "main", set()),
        ({"refs/heads/stable": "2", "refs/heads/main": "2"}, "main", None),
    ],
)
def test_what_a_ref_may_change_is_read(
    moved: Mapping[str, str], policy: str | None, names: set[str] | None
) -> None:
    scope = scope_of(policy, _ENVIRONMENTS, _BEFORE, {**_BEFORE, **moved})
    assert scope.names == names
    assert [name for name in _ENVIRONMENTS if scope.takes(name)] == [
        name for name in _ENVIRONMENTS if names is None or name in names
    ]


def test_a_ref_that_is_gone_has_moved() -> None:
    tips = {ref: oid for ref, oid in _BEFORE.items() if ref != "refs/heads/stable"}
    assert scope_of("main", _ENVIRONMENTS, _BEFORE, tips).names == {"prod"}


def test_what_was_never_read_is_read_whole() -> None:
    assert scope_of("main", None, _BEFORE, _BEFORE).names is None
    assert scope_of("main", _ENVIRONMENTS, None, _BEFORE).names is None


@pytest.mark.parametrize("ref", ["main", None])
async def test_only_who_tracks_a_branch_reads_it_and_others_cost_no_fetch(
    tmp_path: Path, ref: str | None
) -> None:
    text = environment("dev") + environment("prod", tracks="stable") + SERVICE
    repository, first = written(tmp_path, text)
    repository.git("branch", "stable")
    with GitHttp(tmp_path) as server:
        told = Told(repository)
        told.entry = RunRepository(name="shop", url=f"{server.address}/repository", ref=ref)
        told.begin()
        await told.watch.look()
        assert told.offered == [("dev", first), ("prod", first)]
        repository.git("switch", "-q", "-c", "feature")
        second = repository.commit({"note": "two\n"})
        repository.git("switch", "-q", "main")
        server.asked.clear()
        await told.watch.look()
        assert (len(told.offered), len(server.asked)) == (2, 2), "one ls-remote, no fetch"
        repository.git("branch", "-f", "stable", second)
        await told.watch.look()
        assert told.offered[2:] == [("prod", second)]
        assert told.watch.commits == {"dev": first, "prod": second}
        third = repository.commit({"note": "three\n"})
        await told.watch.look()
        assert told.offered[3:] == [("dev", third), ("prod", second)]


async def test_fifty_moves_between_two_looks_are_one_and_the_newest_wins(tmp_path: Path) -> None:
    repository, _ = written(tmp_path, environment("dev") + SERVICE)
    with GitHttp(tmp_path) as server:
        told = Told(repository)
        told.entry = RunRepository(name="shop", url=f"{server.address}/repository", ref="main")
        told.begin()
        await told.watch.look()
        reads = [told.watch.announce(f"webhook {number}") for number in range(50)]
        for number in range(10):
            repository.commit({"note": f"{number}\n"})
        newest = repository.git("rev-parse", "HEAD")
        server.asked.clear()
        await told.watch.look()
        assert all(read.is_set() for read in reads)
        assert told.offered[1:] == [("dev", newest)]
        assert sum(path.startswith("/repository/info/refs") for path in server.asked) == 2


async def test_who_is_refused_is_read_again_whatever_moves(tmp_path: Path) -> None:
    repository, first = written(tmp_path, environment("dev") + environment("prod", tracks="stable") + SERVICE)
    told = Told(repository)
    await told.watch.look()
    assert (told.offered, told.watch.refused) == ([("dev", first)], {"prod"})
    repository.git("branch", "other")
    await told.watch.look()
    assert told.watch.refused == {"prod"}
    repository.git("branch", "stable")
    await told.watch.look()
    assert (told.offered[-1], told.watch.refused) == (("prod", first), set())
