"""The templates for CI, by the shell lines that they have: what they call at a forge, and what not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ci_runner import ROOT, Runner, load
from forge_stand_in import BOT, TOKEN, ForgeStandIn
from git_repository import WrittenRepository
from published import hold_to_schema

GITHUB = "examples/ci/github"
GITLAB = "examples/ci/gitlab/reconciler.gitlab-ci.yml"
SPECS = """\
apiVersion: reconciler/v1
kind: Environment
metadata: {name: dev}
spec: {project: shop}
---
apiVersion: reconciler/v1
kind: Environment
metadata: {name: prod}
spec: {project: shop}
---
apiVersion: reconciler/v1
kind: Service
metadata: {name: web}
spec: {image: "busybox:1.36"}
"""
CHANGE = SPECS.replace("1.36", "1.37")
FORK = {"head_repository": {"owner": {"login": "ann"}}, "head_branch": "patch-1", "pull_requests": []}


@pytest.fixture(name="repository")
def _repository(tmp_path: Path) -> WrittenRepository:
    repository = WrittenRepository(tmp_path / "origin")
    repository.commit({"specs/shop.yaml": SPECS})
    return repository


@pytest.fixture(name="forge", params=["github"])
def _forge(request: pytest.FixtureRequest) -> Iterator[ForgeStandIn]:
    with ForgeStandIn(kind=request.param) as forge:
        yield forge


def proposed(repository: WrittenRepository, text: str = CHANGE) -> tuple[str, str]:
    """The commits of a pull request: where it starts, and its newest."""
    base = repository.git("rev-parse", "HEAD")
    repository.git("checkout", "-q", "-b", "patch-1")
    head = repository.commit({"specs/shop.yaml": text})
    repository.git("checkout", "-q", "main")
    return base, head


def runner(tmp_path: Path, repository: WrittenRepository, forge: ForgeStandIn) -> Runner:
    event = {"github.event_name": "pull_request", "github.token": TOKEN, "github.event.workflow_run.id": "1"}
    return Runner(tmp_path / "runner", repository.path, event, forge.variables())


def plan_and_comment(machine: Runner, base: str, head: str) -> int:
    """Both workflows, one after the other, as GitHub runs them for a fork's pull request."""
    given = dict(machine.given)
    machine.given = {
        **given,
        "github.event_name": "pull_request",
        "github.event.pull_request.head.sha": head,
        "github.event.pull_request.base.sha": base,
    }
    planned = machine.job(f"{GITHUB}/plan.yml", "plan")
    path = machine.folder / "event.json"
    path.write_text(json.dumps({"repository": {"id": 1}, "workflow_run": {"head_sha": head, **FORK}}))
    machine.given = {**given, "github.event_name": "workflow_run"}
    machine.variables = {**machine.variables, "GITHUB_EVENT_PATH": str(path)}
    commented = machine.job(f"{GITHUB}/comment.yml", "comment")
    return planned or commented


def test_a_forks_pull_request_is_planned_without_a_token_and_shown_by_the_other_workflow(
    tmp_path: Path, repository: WrittenRepository, forge: ForgeStandIn
) -> None:
    base, head = proposed(repository)
    machine = runner(tmp_path, repository, forge)
    forge.pulls = [{"number": 12, "head": {"sha": head}, "label": "ann:patch-1"}]
    for number in range(130):
        forge.add_comment("mallory", f"<!-- reconciler:plan:shop/dev -->\n{number}")
    assert plan_and_comment(machine, base, head) == 0, machine.said
    (artifact,) = (machine.artifacts / "reconciler-plan").iterdir()
    value = json.loads(artifact.read_text())
    hold_to_schema(value)
    assert (artifact.name, value["mode"]) == ("plan.json", "offline")
    assert TOKEN not in machine.said
    ours = [comment["body"] for comment in forge.comments if comment["user"]["login"] == BOT]
    assert [body.splitlines()[0] for body in ours] == [
        "<!-- reconciler:plan:shop/dev -->",
        "<!-- reconciler:plan:shop/prod -->",
    ]
    assert all("| `Service web` | replace" in body for body in ours)
    assert len(forge.written) == 2


def test_what_the_first_workflow_left_is_not_trusted(
    tmp_path: Path, repository: WrittenRepository, forge: ForgeStandIn
) -> None:
    machine = runner(tmp_path, repository, forge)
    (machine.artifacts / "reconciler-plan").mkdir()
    (machine.artifacts / "reconciler-plan" / "plan.json").write_text("[" * 50_000)
    assert machine.job(f"{GITHUB}/comment.yml", "comment") == 1
    assert "[FORGE005]" in machine.said
    assert "Traceback" not in machine.said
    assert forge.calls == []


_PULL = ("pull_request.head.sha", "pull_request.head.repo.full_name")
_SAID = {
    "pull_request_target": _PULL,
    "pull_request": _PULL,
    "push": _PULL,
    "workflow_run": ("workflow_run.head_sha", "workflow_run.head_repository.full_name"),
}
"""Where an event says of which commit it is, and from which repository."""


def test_a_forks_code_is_not_run_where_there_are_credentials(
    tmp_path: Path, repository: WrittenRepository, forge: ForgeStandIn
) -> None:
    base, head = proposed(repository)
    merged = _merge(repository, base, head)
    refused = {}
    machine = runner(tmp_path, repository, forge)
    machine._checkout({})
    (guard, *_) = load(".github/actions/reconciler/action.yml")["runs"]["steps"]
    for event in _SAID:
        for checked_out in (base, head, merged):
            for source in ("ann/shop", "team/shop"):
                (machine.work / ".git" / "HEAD").write_text(f"{checked_out}\n")
                machine.code = 0
                given = {
                    "github.event_name": event,
                    f"github.event.{_SAID[event][0]}": head,
                    f"github.event.{_SAID[event][1]}": source,
                }
                machine._step(guard, {**machine.given, **given})
                refused[event, checked_out, source] = machine.code
    events = ("pull_request_target", "workflow_run")
    wanted = {(event, commit, "ann/shop") for event in events for commit in (head, merged)}
    assert {key for key, code in refused.items() if code} == wanted


def _merge(repository: WrittenRepository, base: str, head: str) -> str:
    tree = repository.git("rev-parse", f"{head}^{{tree}}")
    merged = repository.git("commit-tree", tree, "-p", base, "-p", head, "-m", "merge")
    repository.git("branch", "merged", merged)
    return merged


def test_a_promotion_becomes_a_pull_request(
    tmp_path: Path, repository: WrittenRepository, forge: ForgeStandIn
) -> None:
    """The step that opens it; what ``promote`` prints is held to its schema by the tests of promote."""
    machine = runner(tmp_path, repository, forge)
    request = {"title": "Promote dev to prod", "body": "all", "branch": "promote/prod", "base": "main"}
    lists: dict[str, Any] = {"services": [], "gates": [], "copies": []}
    told = {"from": "dev", "to": "prod", "result": "written", "branch": "x", "pull_request": request, **lists}
    shell = {"schema": "reconciler/promote/v1", "tool": "t 1", "exit": 0, "owner": None, "commit": None}
    more = {"at": "2026-01-02T03:04:05Z", "mode": "live", "problems": [], "unreadable": []}
    (machine.temp / "promote.json").write_text(json.dumps({**shell, **more, **told}))
    (step,) = [
        s for s in load(f"{GITHUB}/promote.yml")["jobs"]["promote"]["steps"] if "post" in s.get("run", "")
    ]
    machine._step(step, machine.given)
    assert (machine.code, forge.written) == (0, [("POST", "/repos/team/shop/pulls")]), machine.said
    assert forge.pulls[0]["head"] == "promote/prod"


@pytest.mark.parametrize("forge", ["gitlab"], indirect=True)
def test_a_merge_request_has_its_plan_in_the_job_and_in_a_note(
    tmp_path: Path, repository: WrittenRepository, forge: ForgeStandIn
) -> None:
    base, head = proposed(repository)
    machine = runner(tmp_path, repository, forge)
    machine._checkout({"ref": head})
    job = {"CI_MERGE_REQUEST_DIFF_BASE_SHA": base, "CI_COMMIT_SHA": head, "CI_MERGE_REQUEST_IID": "12"}
    machine.variables = {**machine.variables, **job}
    assert machine.script(GITLAB, "reconciler-plan") == 0, machine.said
    assert "| `Service web` | replace" in machine.said
    # A fork's pipeline has no token: there the job that posts is none.
    assert forge.calls == []
    rule = load(GITLAB)["reconciler-comment"]["rules"][0]["if"]
    assert rule == '$CI_PIPELINE_SOURCE == "merge_request_event" && $GITLAB_TOKEN'
    machine.variables = {**machine.variables, "GITLAB_TOKEN": TOKEN}
    assert machine.script(GITLAB, "reconciler-comment") == 0, machine.said
    assert forge.written == [("POST", "/projects/7/merge_requests/12/notes")] * 2
    assert TOKEN not in machine.said


def every_template() -> list[str]:
    paths = [*sorted((ROOT / "examples/ci").rglob("*.yml")), ROOT / ".github/actions/reconciler/action.yml"]
    return [str(path.relative_to(ROOT)) for path in paths]


@pytest.mark.parametrize("path", every_template())
def test_no_template_has_an_open_door(path: str) -> None:
    """Scripts take nothing from expressions, actions are pinned, and credentials and forks never meet."""
    text, value = (ROOT / path).read_text(), yaml.safe_load((ROOT / path).read_text())
    for uses in re.findall(r"uses: (\S+)", text):
        assert uses == "./.github/actions/reconciler" or re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", uses)
    for script in _scripts(value):
        assert "${{" not in script
        assert "eval" not in script
    assert "pull_request_target" not in text or path.endswith("action.yml")
    if "pull_request" in (value.get(True) or ()):
        assert value["permissions"] == {"contents": "read"}
        assert "secrets." not in text
        assert "github.token" not in text
    if "workflow_run" in (value.get(True) or ()):
        (job,) = value["jobs"].values()
        assert [step["with"] for step in job["steps"] if "checkout" in step.get("uses", "")] == [
            {"persist-credentials": False}
        ]


def _scripts(value: Any) -> list[str]:
    if isinstance(value, list):
        return [script for part in value for script in _scripts(part)]
    if not isinstance(value, dict):
        return []
    own = [value["run"]] if isinstance(value.get("run"), str) else []
    return own + [script for part in value.values() for script in _scripts(part)]


def five_lines() -> list[tuple[str, str, str]]:
    """The blocks of the page: heading, verb, text."""
    page = (ROOT / "docs/ci.md").read_text().partition("## Five lines each")[2].partition("\n## ")[0]
    found = []
    for part in page.split("\n### ")[1:]:
        blocks = re.findall(r"```(?:yaml|sh)\n(.*?)```", part, re.DOTALL)
        found += [(part.splitlines()[0], re.findall(r"\b(validate|plan|drift)\b", b)[-1], b) for b in blocks]
    return found


def test_five_lines_are_enough(tmp_path: Path, repository: WrittenRepository, forge: ForgeStandIn) -> None:
    """Each block of the page, by its own shell lines without what brings the command; a command once."""
    base, head = proposed(repository)
    machine = runner(tmp_path, repository, forge)
    machine._checkout({"ref": head})
    job = {"GITHUB_BASE_REF": "main", "CI_MERGE_REQUEST_DIFF_BASE_SHA": base}
    job |= {"RECONCILER_ENDPOINT_PROD": f"unix://{tmp_path}/nowhere.sock"}
    wanted = {"validate": 0, "plan": 0, "drift": 3}
    ran: dict[str, int] = {}
    for place, verb, block in five_lines():
        assert len(block.splitlines()) <= 5
        script = block if place == "A shell" else _only_script(yaml.safe_load(block))
        script = script.replace("pipx run gitops-reconciler", "reconciler").removeprefix(BROUGHT)
        if script not in ran:
            ran[script] = machine.shell(script, job)
        told = {"A shell": {"plan": 2, "drift": 1}}.get(place, {})
        assert ran[script] == told.get(verb, wanted[verb]), (place, verb, machine.said)
    assert len(five_lines()) == 9
    assert "service web: create, retire" in machine.said


BROUGHT = "pip install -q gitops-reconciler\n"


def _only_script(value: dict[Any, Any]) -> str:
    if "jobs" not in value:
        (job,) = value.values()
        return "\n".join(job["script"])
    (job,) = value["jobs"].values()
    return "\n".join(step["run"] for step in job["steps"] if "run" in step)
