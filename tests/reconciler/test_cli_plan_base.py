"""``plan --base``: two commits of a real repository, and nothing else in the world."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from git_repository import WrittenRepository
from published import hold_to_schema
from reconciler.cli.options import Options
from reconciler.cli.source import open_repository, read_ref
from reconciler.cli.start import main
from reconciler.cli.workspace import read_workspace

ENVIRONMENTS = """\
apiVersion: reconciler/v1
kind: Environment
metadata: {name: dev}
spec: {project: shop, variables: {LEVEL: info}}
---
apiVersion: reconciler/v1
kind: Environment
metadata: {name: prod}
spec:
  project: shop
  runtime: {endpoint: "ssh://deploy@prod-1"}
  variables: {LEVEL: info}
  prune: {limit: 1}
  patches:
    - {kind: Service, name: web, spec: {deploy: {replicas: 2}}}
---
apiVersion: reconciler/v1
kind: Registry
metadata: {name: main}
spec: {url: registry.invalid/shop, auth: {username: ci, password: {secret: registry-password}}}
---
apiVersion: reconciler/v1
kind: Image
metadata: {name: web}
spec: {registry: main, repository: web, build: {context: web}}
"""
WEB = """\
apiVersion: reconciler/v1
kind: Service
metadata: {name: web}
spec:
  image: web
  environment: {LOG_LEVEL: "${LEVEL}", PASSWORD: {secret: db-password}}
  depends_on: [db]
"""
DB = """\
apiVersion: reconciler/v1
kind: Service
metadata: {name: db}
spec: {image: "postgres:16", volumes: ["data:/var/lib/postgresql/data"], networks: [default]}
---
apiVersion: reconciler/v1
kind: Volume
metadata: {name: data}
spec: {}
"""
FILES = {
    "specs/environments.yaml": ENVIRONMENTS,
    "specs/web.yaml": WEB,
    "specs/db.yaml": DB,
    "web/Dockerfile": "FROM busybox:1.36\nCOPY app /app\n",
    "web/app": "one\n",
}
Plan = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture(name="repository")
def _repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WrittenRepository:
    """On branch ``change``, which parted from ``main``. Nothing outside can be reached, and a secret folder
    that must not be read is in the way."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nowhere.sock")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "absent"))
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/proc/self/mem")
    repository = WrittenRepository(tmp_path / "repository")
    repository.commit(FILES, "first")
    repository.git("checkout", "-q", "-b", "change")
    return repository


@pytest.fixture(name="plan")
def _plan(repository: WrittenRepository, capsys: pytest.CaptureFixture[str]) -> Plan:
    def run(*words: str, folder: Path = repository.path) -> tuple[int, dict[str, Any]]:
        capsys.readouterr()
        code = main(["plan", *words, "--repo", str(folder), "--json"])
        found = json.loads(capsys.readouterr().out)
        assert found["exit"] == code
        assert found["mode"] == "offline"
        hold_to_schema(found)
        return code, found

    return run


@pytest.fixture(name="text")
def _text(repository: WrittenRepository, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    def run(*words: str) -> str:
        capsys.readouterr()
        main(["plan", *words, "--repo", str(repository.path), "--base", "main"])
        return capsys.readouterr().out

    return run


def done(plan: dict[str, Any], service_name: str) -> set[str]:
    """The verbs for a service, up to the end, but for our own notes."""
    actions = [action for step in plan["forecast"] for action in step["actions"]]
    verbs = {a["verb"] for a in actions if a["subject"]["name"] == service_name}
    return verbs - {"put-marker", "remove-marker"}


def codes(found: dict[str, Any]) -> list[str]:
    return [problem["code"] for problem in found["problems"]]


def test_a_change_is_told_for_every_environment_to_its_end(
    repository: WrittenRepository, plan: Plan, text: Callable[..., str]
) -> None:
    base = repository.git("rev-parse", "HEAD")
    changed = ENVIRONMENTS.replace("LEVEL: info}\n  prune", "LEVEL: warning}\n  prune")
    repository.commit({"web/app": "two\n", "specs/environments.yaml": changed})
    code, found = plan("--base", "main")
    assert code == 0
    assert (found["base"], found["owner"], found["settled"]) == (base, None, False)
    dev, prod = found["environments"]
    assert [it["owner"]["environment"] for it in (dev, prod)] == ["dev", "prod"]
    image = dev["images"]["web"]
    assert image["before"] not in (None, image["input"])
    assert (image["built"], image["digest"], image["changed"]) == (None, None, ["file app"])
    assert {"create", "retire"} <= done(dev, "web")
    assert done(dev, "db") == set()
    (build,) = [a for a in dev["actions"] if a["verb"] == "build"]
    assert build["cause"]["refs"] == ["file app"]
    diffs = [d for s in prod["forecast"] for a in s["actions"] for d in a["cause"]["diffs"]]
    level = next(d for d in diffs if d["path"] == "environment.LOG_LEVEL")
    assert (level["applied"], level["desired"], level["live"]) == ("info", "warning", None)
    assert {it["what"] for it in prod["unknown"]} >= {"holds", "drift", "built", "names", "secrets"}
    assert prod["unreadable"] == []
    assert plan("--base", "main", "--exit-code")[0] == 2
    assert plan("prod", "--base", base)[1]["plan_id"] == prod["plan_id"]
    told = text("prod")
    assert 'environment.LOG_LEVEL: "info" -> "warning"' in told
    assert "file app" in told
    assert "nobody was asked, so not known: what is held" in told
    assert "registry-password" not in told


def test_what_is_taken_from_the_other_commit_changes_nothing(repository: WrittenRepository) -> None:
    """A service that is alike gets the form that it had: the same as if it were made again."""
    config = WEB.replace("name: web", "name: conf") + "  configs: [{source: page, target: /page}]\n"
    page = "---\napiVersion: reconciler/v1\nkind: Config\nmetadata: {name: page}\nspec: {file: page.txt}\n"
    net = (
        "---\napiVersion: reconciler/v1\nkind: Network\nmetadata: {name: default}\nspec: {internal: false}\n"
    )
    texts = {"specs/conf.yaml": config + page, "page.txt": "one\n", "specs/net.yaml": net}
    commits = [repository.commit(texts), repository.commit({"page.txt": "two\n"})]
    commits.append(repository.commit({"specs/db.yaml": DB.replace("16", "17")}))
    commits.append(repository.commit({"specs/net.yaml": net.replace("false", "true")}))
    options = Options("plan", "prod", base="main", repo=str(repository.path))
    sources = [read_ref(open_repository(options.repo), commit, "specs") for commit in commits]
    made = [read_workspace(options, source) for source in sources]
    for like in made:
        for workspace, source in zip(made, sources, strict=True):
            assert read_workspace(options, source, like=like).desired == workspace.desired


def test_nothing_that_runs_differently_is_nothing(repository: WrittenRepository, plan: Plan) -> None:
    repository.commit({"README.md": "hello\n"})
    code, found = plan("--base", "main", "--exit-code")
    assert code == 0
    assert [(it["settled"], it["actions"]) for it in found["environments"]] == [(True, [])] * 2


def test_what_leaves_is_removed_and_the_guard_is_that_of_the_base(
    repository: WrittenRepository, plan: Plan, text: Callable[..., str]
) -> None:
    repository.git("checkout", "-q", "main")
    more = "".join(WEB.replace("name: web", f"name: extra-{n}") for n in range(2) for _ in "x")
    repository.commit(
        {f"specs/extra-{n}.yaml": WEB.replace("{name: web}", f"{{name: extra-{n}}}") for n in (1, 2)}
    )
    assert more
    repository.git("checkout", "-q", "-B", "change")
    for n in (1, 2):
        (repository.path / f"specs/extra-{n}.yaml").unlink()
    weaker = ENVIRONMENTS.replace("limit: 1", "limit: 100")
    repository.commit({"specs/environments.yaml": weaker})
    code, found = plan("--base", "main", "--exit-code")
    dev, prod = found["environments"]
    assert code == 4
    assert dev["blocks"] == []
    removed = {a["subject"]["name"] for a in dev["actions"] if a["verb"] == "remove" and a["destructive"]}
    assert removed == {"extra-1", "extra-2"}
    assert [block["code"] for block in prod["blocks"]] == ["PLAN030"]
    assert prod["prune_id"] is not None
    told = text("prod")
    assert f"--allow-prune={prod['prune_id']}" in told
    assert "Environment prod prune.limit: 1 -> 100" in told


def test_policy_that_a_change_edits_is_shown_and_does_not_judge_it(
    repository: WrittenRepository, plan: Plan, text: Callable[..., str]
) -> None:
    policy = ENVIRONMENTS.replace("deploy@prod-1", "deploy@elsewhere").replace(
        "registry.invalid", "evil.invalid"
    )
    policy = policy.replace("prune: {limit: 1}", "prune: {limit: 1}\n  allow: {cap_add: [NET_ADMIN]}")
    policy = policy.replace(
        "{project: shop, variables", "{project: shop, allow: {cap_add: [NET_ADMIN]}, variables"
    )
    web = WEB.replace("secret: db-password", "secret: other") + "  cap_add: [NET_ADMIN]\n"
    repository.commit({"specs/environments.yaml": policy, "specs/web.yaml": web})
    code, found = plan("prod", "--base", "main", "--exit-code")
    assert code == 4
    assert [block["code"] for block in found["blocks"]] == ["PLAN050"]
    changes = {(it["subject"], it["path"]): (it["before"], it["after"]) for it in found["policy"]}
    endpoint = ("ssh://deploy@prod-1", "ssh://deploy@elsewhere")
    assert changes["Environment prod", "runtime.endpoint"] == endpoint
    assert changes["Registry main", "url"] == ("registry.invalid/shop", "evil.invalid/shop")
    assert changes["Service web", "environment.PASSWORD"] == ({"secret": "db-password"}, {"secret": "other"})
    assert ("Environment prod", "allow.cap_add.NET_ADMIN") in changes
    told = text("prod")
    assert "policy changed by this change (shown, not used)" in told
    assert "Service web environment.PASSWORD: secret db-password -> secret other" in told


def test_one_service_is_chosen_and_a_manual_environment_waits(
    repository: WrittenRepository, plan: Plan
) -> None:
    repository.git("checkout", "-q", "main")
    gone = WEB.replace("{name: web}", "{name: gone}")
    repository.commit({"specs/gone.yaml": gone})
    repository.git("checkout", "-q", "-B", "change")
    (repository.path / "specs/gone.yaml").unlink()
    manual = ENVIRONMENTS.replace("{project: shop, variables", "{project: shop, deploy: manual, variables")
    new = WEB.replace("{name: web}", "{name: new}").replace("image: web", 'image: "busybox:1.36"')
    texts = {"specs/new.yaml": new, "web/app": "two\n"}
    repository.commit({**texts, "specs/environments.yaml": manual})
    code, found = plan("dev", "--base", "main", "--service", "new")
    assert (code, codes(found)) == (0, [])
    assert done(found, "new") == {"create"}
    assert (done(found, "web"), done(found, "gone")) == (set(), set())
    assert ["deploy: manual" in wait["reason"] for wait in found["waits"]].count(True) == 1
    assert done(plan("dev", "--base", "main")[1], "gone") == {"remove"}


def test_environments_come_and_go(repository: WrittenRepository, plan: Plan) -> None:
    dev, prod, *rest = ENVIRONMENTS.split("---\n")
    stage = dev.replace("name: dev", "name: stage")
    repository.commit({"specs/environments.yaml": "---\n".join([dev, stage, *rest])})
    assert prod
    code, found = plan("--base", "main")
    assert code == 0
    by_name = {it["owner"]["environment"]: it for it in found["environments"]}
    assert {name: it["presence"] for name, it in by_name.items()} == {
        "dev": "kept",
        "prod": "gone",
        "stage": "new",
    }
    assert by_name["prod"]["actions"] == []
    assert codes(by_name["prod"]) == ["CLI104"]
    assert {"create"} <= done(by_name["stage"], "web")
    assert plan("nope", "--base", "main")[0] == 1


def test_errors_of_the_change_are_told_with_their_places(
    repository: WrittenRepository, plan: Plan, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.commit(
        {"specs/web.yaml": WEB.replace("environment:", "enviroment:"), "specs/x.yaml": "a: [\n"}
    )
    assert main(["plan", "--base", "main", "--repo", str(repository.path)]) == 1
    told = capsys.readouterr().err
    assert "specs/web.yaml:6:3: Service web: unknown field" in told
    assert "specs/x.yaml" in told
    code, found = plan("--base", "main")
    assert code == 1
    assert len(codes(found)) >= 2


def test_errors_of_the_base_are_a_warning_and_what_ran_before_it_counts(
    repository: WrittenRepository, plan: Plan
) -> None:
    repository.git("checkout", "-q", "main")
    repository.commit({"specs/web.yaml": WEB.replace("environment:", "enviroment:")}, "broken")
    repository.git("checkout", "-q", "-B", "change")
    repository.commit({"specs/web.yaml": WEB.replace("LOG_LEVEL", "LEVEL_OF_LOG")}, "mended")
    code, found = plan("dev", "--base", "main", "--exit-code")
    assert code == 2
    assert codes(found) == ["CLI103"]
    paths = {d["path"] for s in found["forecast"] for a in s["actions"] for d in a["cause"]["diffs"]}
    assert paths == {"environment.LOG_LEVEL", "environment.LEVEL_OF_LOG"}


def test_a_base_without_any_valid_commit_cannot_tell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repository = WrittenRepository(tmp_path / "broken")
    repository.commit({**FILES, "specs/web.yaml": "a: [\n"})
    repository.git("checkout", "-q", "-b", "change")
    repository.commit(FILES)
    assert main(["plan", "dev", "--base", "main", "--repo", str(repository.path)]) == 3
    assert "[CLI103]" in capsys.readouterr().err


def clone(repository: WrittenRepository, folder: Path, *options: str) -> WrittenRepository:
    repository.git("clone", "-q", *options, f"file://{repository.path}", str(folder))
    return WrittenRepository(folder)


def type_remedy(found: dict[str, Any], copy: WrittenRepository) -> str:
    """Do what the last problem says."""
    command = found["problems"][-1]["remedy"]
    assert command.startswith("git fetch ")
    copy.git(*shlex.split(command)[1:])
    return str(command)


def test_a_shallow_clone_cannot_tell_until_its_command_is_typed(
    repository: WrittenRepository, plan: Plan, tmp_path: Path
) -> None:
    repository.commit({"web/app": "two\n"})
    repository.commit({"web/app": "three\n"})
    bare = clone(repository, tmp_path / "checkout", "--depth=1", "--branch=change")
    code, found = plan("--base", "origin/main", folder=bare.path)
    assert (code, codes(found)) == (3, ["GIT011"])
    assert (
        type_remedy(found, bare) == "git fetch --unshallow origin +refs/heads/main:refs/remotes/origin/main"
    )
    assert plan("--base", "origin/main", "--exit-code", folder=bare.path)[0] == 2


def test_two_shallow_tips_cannot_tell_where_they_parted(
    repository: WrittenRepository, plan: Plan, tmp_path: Path
) -> None:
    repository.commit({"web/app": "two\n"})
    both = clone(repository, tmp_path / "both", "--depth=1", "--no-single-branch", "--branch=change")
    code, found = plan("--base", "main", folder=both.path)
    assert (code, codes(found)) == (3, ["GIT007"])
    assert type_remedy(found, both) == "git fetch --unshallow origin"
    assert plan("--base", "main", "--exit-code", folder=both.path)[0] == 2


def test_a_merge_commit_of_a_shallow_checkout_is_enough(
    repository: WrittenRepository, plan: Plan, tmp_path: Path
) -> None:
    """As forges check out a request to merge: both parents, and no more."""
    repository.commit({"web/app": "two\n"})
    repository.git("checkout", "-q", "main")
    base = repository.commit({"README.md": "on main\n"})
    repository.git("merge", "-q", "--no-ff", "-m", "merged", "change")
    repository.git("branch", "-f", "change", "main")
    copy = clone(repository, tmp_path / "merge", "--depth=2", "--branch=change")
    code, found = plan("dev", "--base", base, "--exit-code", folder=copy.path)
    assert (code, found["base"]) == (2, base)


def test_a_merge_base_behind_a_cut_is_not_taken_for_the_answer(
    repository: WrittenRepository, plan: Plan, tmp_path: Path
) -> None:
    """The clone has a common ancestor, and a later one that it cannot see."""
    first = repository.git("rev-parse", "HEAD")
    repository.git("checkout", "-q", "main")
    later = repository.commit({"README.md": "later\n"})
    repository.commit({"README.md": "tip of main\n"})
    repository.git("checkout", "-q", "-B", "side", later)
    for n in range(4):
        repository.commit({"notes": f"{n}\n"})
    repository.git("checkout", "-q", "-B", "change", first)
    repository.git("merge", "-q", "--no-ff", "-m", "merged", "side")
    copy = clone(repository, tmp_path / "cut", "--depth=3", "--no-single-branch", "--branch=change")
    assert copy.git("merge-base", "origin/main", "HEAD") == first
    code, found = plan("dev", "--base", "main", folder=copy.path)
    assert (code, codes(found)) == (3, ["GIT007"])
    type_remedy(found, copy)
    assert plan("dev", "--base", "main", folder=copy.path)[1]["base"] == later


def test_histories_without_a_common_commit_are_an_error(repository: WrittenRepository, plan: Plan) -> None:
    repository.git("checkout", "-q", "--orphan", "apart")
    repository.commit({"web/app": "apart\n"})
    code, found = plan("--base", "main")
    assert (code, codes(found)) == (1, ["CLI101"])


def test_branches_merged_crosswise_are_compared_with_a_warning(
    repository: WrittenRepository, plan: Plan
) -> None:
    mine = repository.commit({"web/app": "mine\n"})
    repository.git("checkout", "-q", "main")
    theirs = repository.commit({"README.md": "theirs\n"})
    repository.git("merge", "-q", "-m", "cross", mine)
    repository.git("checkout", "-q", "change")
    repository.git("merge", "-q", "-m", "cross", theirs)
    repository.commit({"web/app": "both\n"})
    code, found = plan("dev", "--base", "main", "--exit-code")
    assert (code, codes(found)) == (2, ["CLI102"])
    assert found["base"] in (mine, theirs)


def test_a_partial_clone_that_lacks_files_cannot_tell(
    repository: WrittenRepository, plan: Plan, tmp_path: Path
) -> None:
    repository.commit({"specs/web.yaml": WEB.replace("LOG_LEVEL", "LOG")})
    repository.git("config", "uploadpack.allowFilter", "true")
    copy = clone(repository, tmp_path / "partial", "--filter=blob:none", "--branch=change")
    code, found = plan("dev", "--base", "origin/main", folder=copy.path)
    assert (code, codes(found)) == (3, ["GIT006"])
    type_remedy(found, copy)
    assert plan("dev", "--base", "origin/main", "--exit-code", folder=copy.path)[0] == 2


@pytest.mark.parametrize("words", [(), ("dev", "prod"), ("dev", "--base", "main", "--worktree")])
def test_words_that_do_not_go_together_are_wrong_usage(
    repository: WrittenRepository, words: tuple[str, ...]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["plan", *words, "--repo", str(repository.path)])
    assert ended.value.code == 64


HOSTILE = (
    "::set-output name=x::y",
    "##[add-mask]x",
    "##vso[task.setvariable]x",
    "\x1b[2J::stop",
    "@team #1 ```",
)


def test_no_line_is_a_command_to_the_build_service(
    repository: WrittenRepository, capsys: pytest.CaptureFixture[str]
) -> None:
    """Names of files, keys and values that a change brings, in every form, on both streams."""
    labels = "".join(
        f"    {json.dumps(it.replace('=', '-'))}: {json.dumps(it)}\n" for it in HOSTILE if "\x1b" not in it
    )
    web = WEB + f"  labels:\n{labels}" + '  annotations: {"::error::x": "::error::x"}\n'
    odd = {f"web/{name.replace('/', '')}": "x\n" for name in HOSTILE}
    repository.commit({"specs/web.yaml": web, **odd, "::warning::x.yaml": "a: 1\n", "web/app": "two\n"})
    for path, expected in (("specs", 0), (".", 1)):
        for form in ((), ("--markdown",), ("--json",), ("--explain",)):
            words = ["plan", "--base", "main", "--path", path, "--repo", str(repository.path), *form]
            assert main(words) == expected
            said = capsys.readouterr()
            assert "set-output" in said.out + said.err or path == "."
            for line in (said.out + said.err).splitlines():
                assert not line.lstrip().startswith("::")
                assert "##[" not in line
                assert "##vso[" not in line
                assert "\x1b" not in line


def test_the_values_behind_a_cause_are_explained(
    repository: WrittenRepository, plan: Plan, text: Callable[..., str]
) -> None:
    changed = ENVIRONMENTS.replace("LEVEL: info}\n  prune", "LEVEL: warning}\n  prune")
    repository.commit({"specs/environments.yaml": changed.replace("replicas: 2", "replicas: 3")})
    found = plan("prod", "--base", "main", "--explain")[1]
    (web,) = found["explained"]
    values = {value["path"]: value for value in web["values"]}
    assert values["environment.LOG_LEVEL"]["value"] == "warning"
    assert values["environment.LOG_LEVEL"]["origin"]["kind"] == "variable"
    told = text("prod", "--explain")
    assert 'environment.LOG_LEVEL: "warning"  # variable ${LEVEL} specs/web.yaml:6' in told
