"""What a loop reads of a repository: which environments, at which commit, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from watched_repository import HEAD, SERVICE, Told, environment, written


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


async def test_every_environment_of_the_policy_ref_at_what_it_tracks(tmp_path: Path) -> None:
    text = environment("dev") + environment("prod", tracks="stable", drift="report") + SERVICE
    repository, first = written(tmp_path, text)
    repository.git("branch", "stable")
    second = repository.commit({"note": "two\n"})
    told = Told(repository)
    await told.watch.look()
    assert told.offered == [("dev", second), ("prod", first)]
    assert told.healing == [True, False], "drift: report is told and not healed"


async def test_the_policy_ref_decides_where_things_run_and_credentials_go(tmp_path: Path) -> None:
    registry = f"{HEAD}Registry\nmetadata: {{name: main}}\nspec: {{url: r.example.com/shop}}\n---\n"
    built = "{registry: main, repository: web, build: {}}"
    image = f"{HEAD}Image\nmetadata: {{name: web}}\nspec: {built}\n---\n"
    rest = image + SERVICE.replace("'redis:7'", "web")
    text = environment("dev", tracks="stable") + registry + rest
    repository, _ = written(tmp_path, text)
    repository.commit({"Dockerfile": "FROM scratch\n"})
    repository.git("switch", "-q", "-c", "stable")
    stolen = "{url: evil.example.com, auth: {username: u, password: {secret: bank}}}"
    theirs = environment("dev", tracks="stable", runtime="{endpoint: 'tcp://10.0.0.1:2376'}")
    hostile = theirs + registry.replace("{url: r.example.com/shop}", stolen) + rest
    second = repository.commit({"specs/all.yaml": hostile})
    told = Told(repository, words={"bounds": "any"})
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
    text = environment("dev") + environment("prod", runtime="{endpoint: 'ssh://root@bank-1'}") + SERVICE
    repository, first = written(tmp_path, text)
    told = Told(repository)
    await told.watch.look()
    assert (told.offered, told.faults) == ([("dev", first)], [("prod", "POL010")])


async def test_nothing_new_is_not_read_again(tmp_path: Path) -> None:
    repository, _ = written(tmp_path, environment("dev") + SERVICE)
    told = Told(repository)
    await told.watch.look()
    await told.watch.look()
    assert len(told.offered) == 1
    third = repository.commit({"note": "three\n"})
    await told.watch.look()
    assert told.offered[-1] == ("dev", third)


async def test_the_newest_version_is_kept_whatever_was_tagged_last(tmp_path: Path) -> None:
    repository, first = written(tmp_path, environment("next", tracks="{tags: 'v*'}") + SERVICE)
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
    repository, _ = written(tmp_path, environment("dev", tracks="stable") + SERVICE)
    repository.git("tag", "stable")
    told = Told(repository)
    await told.watch.look()
    assert (told.offered, told.faults) == ([], [("dev", "GIT011")])
    second = repository.commit({"note": "two\n"})
    repository.git("branch", "stable", second)
    await told.watch.look()
    assert told.offered == [("dev", second)]


async def test_a_commit_with_an_error_is_told_and_offers_nothing(tmp_path: Path) -> None:
    repository, first = written(tmp_path, environment("dev") + SERVICE)
    told = Told(repository)
    await told.watch.look()
    repository.commit({"specs/all.yaml": environment("dev") + SERVICE.replace("image:", "imgae:")})
    await told.watch.look()
    assert told.offered == [("dev", first)]
    assert ("", "SPEC012") in told.faults
    assert told.watch.refused == {"dev"}


async def test_an_environment_that_is_not_there_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    repository, first = written(tmp_path, environment("dev") + SERVICE)
    told = Told(repository, ("dve", "dev"))
    await told.watch.look()
    assert told.offered == [("dev", first)]
    assert told.faults == [("dve", "CLI041")]


async def test_who_announces_is_answered_when_it_has_been_read(tmp_path: Path) -> None:
    told = Told(written(tmp_path, environment("dev") + SERVICE)[0])
    read = told.watch.announce("webhook 1")
    assert not read.is_set()
    await told.watch.look()
    assert read.is_set()
