"""The verbs on a git repository and a world in memory: what they say, and with which exit code."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from cli_world import CliWorld, make_world
from providers.memory import Behaviour
from reconciler.cli.apply import report_apply
from reconciler.cli.destroy import report_destroy
from reconciler.cli.drift import report_drift
from reconciler.cli.envelope import Report, Stop, dump, envelope, problem_lines
from reconciler.cli.plan import report_plan
from reconciler.cli.retry import report_retry
from reconciler.cli.session import report_of
from reconciler.cli.status import report_status
from reconciler.cli.why import report_why
from reconciler.cli.workspace import open_workspace

SPECS = """\
apiVersion: reconciler/v1
kind: Environment
metadata: {name: dev}
spec: {project: shop, worktree: allow}
---
apiVersion: reconciler/v1
kind: Registry
metadata: {name: local}
spec: {provider: local}
---
apiVersion: reconciler/v1
kind: Image
metadata: {name: web}
spec: {registry: local, repository: web, build: {context: web}}
---
apiVersion: reconciler/v1
kind: Config
metadata: {name: page}
spec: {file: page.txt}
---
apiVersion: reconciler/v1
kind: Service
metadata: {name: web}
spec:
  image: web
  configs: [{source: page, target: /etc/page.txt}]
  rollout: {monitor: 1s, deadline: 20s}
---
apiVersion: reconciler/v1
kind: Service
metadata: {name: cache}
spec: {image: "busybox:1.36", rollout: {monitor: 1s, deadline: 20s}}
"""
SECRET = """\
---
apiVersion: reconciler/v1
kind: Service
metadata: {name: db}
spec:
  image: "busybox:1.36"
  environment: {PASSWORD: {secret: db-password}}
  rollout: {monitor: 1s, deadline: 20s}
"""
FILES = {
    "specs/shop.yaml": SPECS,
    "web/Dockerfile": "FROM busybox:1.36\nCOPY app /app\n",
    "web/app": "one\n",
    "page.txt": "hello\n",
}
CANARY = "correct-horse-battery"


@pytest.fixture(name="world")
def _world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliWorld:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return make_world(tmp_path / "repository", FILES)


@pytest.fixture(name="settled")
def _settled(world: CliWorld) -> CliWorld:
    report = world.run(report_apply)
    assert (report.exit, report.members["result"]) == (0, "settled"), report.text
    return world


def live(world: CliWorld, service_name: str) -> str:
    names = [c.name for c in world.engine.ground.containers.values()]
    (name,) = [n for n in names if re.fullmatch(rf"shop_dev_{service_name}_[0-9a-f]{{8}}_\d+", n)]
    return name


def states(report: Report) -> dict[str, str]:
    services = report.members["services"]
    assert isinstance(services, list)
    return {str(s["service"]): str(s["state"]) for s in services if isinstance(s, dict)}


def break_cache(world: CliWorld) -> Report:
    world.behave("busybox:2", Behaviour(exits_after=0.5, log=("boom \x1b[2J",)))
    world.repository.commit({"specs/shop.yaml": SPECS.replace("busybox:1.36", "busybox:2")})
    return world.run(report_apply)


def test_a_plan_changes_nothing_and_tells_that_something_is_pending(world: CliWorld) -> None:
    report = world.run(report_plan, exit_code=True)
    assert report.exit == 2
    assert not world.engine.made
    assert "run the local registry" in report.text
    assert "then: build web" in report.text
    assert world.run(report_plan).exit == 0


def test_a_second_apply_does_nothing(settled: CliWorld) -> None:
    made = len(settled.engine.made)
    report = settled.run(report_apply)
    assert (report.exit, report.members["outcomes"]) == (0, [])
    assert "settled after 1 pass" in report.text
    assert len(settled.engine.made) == made
    assert settled.run(report_plan, exit_code=True).exit == 0
    assert states(settled.run(report_status)) == {"cache": "settled", "web": "settled"}
    assert settled.run(report_drift).exit == 0


def test_only_what_changed_is_replaced_and_why_names_it(settled: CliWorld) -> None:
    cache = live(settled, "cache")
    settled.repository.commit({"web/app": "two\n", "README.md": "docs change nothing\n"})
    pending = settled.run(report_why, service="web")
    assert "apply would replace it" in pending.text
    assert settled.run(report_drift).exit == 0  # not deployed yet is no drift
    assert settled.run(report_apply).exit == 0
    told = settled.run(report_why, service="web")
    assert [change["input"] for change in told.members["inputs"]] == ["file app"]  # type: ignore[index, union-attr]
    assert "it replaced" in told.text
    assert told.members["last"] is not None
    assert live(settled, "cache") == cache
    assert "no version before" in settled.run(report_why, service="cache").text


def test_drift_is_told_by_field_and_healed_in_place(settled: CliWorld) -> None:
    cache = live(settled, "cache")
    settled.engine.hand.stop(cache)
    report = settled.run(report_drift)
    assert (report.exit, report.members["result"]) == (2, "drifted")
    assert "service cache: drifted" in report.text
    assert settled.run(report_apply).exit == 0
    assert live(settled, "cache") == cache
    assert settled.run(report_drift).members["result"] == "clean"


def test_a_failed_version_is_held_with_its_last_words(settled: CliWorld) -> None:
    report = break_cache(settled)
    assert (report.exit, report.members["result"]) == (5, "rolled_back")
    assert "boom \\x1b[2J" in report.text
    status = settled.run(report_status, exit_code=True)
    assert (status.exit, states(status)["cache"]) == (5, "held")
    assert settled.run(report_status).exit == 0
    assert settled.run(report_plan, exit_code=True).exit == 2  # a hold is no guard


def test_a_held_version_is_tried_again_when_asked(settled: CliWorld) -> None:
    break_cache(settled)
    settled.behave("busybox:2", Behaviour())
    assert settled.run(report_apply).exit == 5
    report = settled.run(report_retry, service="cache")
    assert (report.exit, report.members["services"]) == (0, ["cache"])
    assert settled.run(report_apply).exit == 0
    with pytest.raises(Stop):
        settled.run(report_retry)


def test_a_failing_build_is_told_with_its_log(world: CliWorld) -> None:
    from reconciler.provider import Refused

    world.builder.fail("*", Refused("BLD010", "Image web", "step 2 failed"), ("gcc: no input\x07",))
    report = world.run(report_apply, logs=True)
    assert (report.exit, report.members["result"]) == (5, "failed")
    assert "step 2 failed" in report.text
    assert "gcc" in dump(envelope("apply", report))
    assert "gcc" not in dump(envelope("apply", world.run(report_apply)))


def test_the_prune_guard_asks_and_its_id_releases(settled: CliWorld) -> None:
    head, _, _ = SPECS.partition("---\napiVersion: reconciler/v1\nkind: Image")
    settled.repository.commit({"specs/shop.yaml": head})
    report = settled.run(report_apply)
    assert (report.exit, report.members["result"]) == (4, "blocked")
    found = re.search(r"--allow-prune=([0-9a-f]+)", report.text)
    assert found is not None
    assert settled.run(report_apply, allow_prune="0" * len(found[1])).exit == 4
    assert settled.run(report_apply, allow_prune=found[1]).exit == 0
    assert not settled.engine.ground.containers


def test_destroy_asks_first_and_then_removes_everything(settled: CliWorld) -> None:
    report = settled.run(report_destroy)
    assert report.exit == 4
    assert len(settled.engine.ground.containers) == 2
    done = settled.run(report_destroy, confirm=str(report.members["confirm"]))
    assert done.exit == 0, done.text
    assert not settled.engine.ground.containers
    assert "nothing of ours" in settled.run(report_destroy).text


def test_what_cannot_be_read_exits_3_and_nothing_is_done(settled: CliWorld) -> None:
    settled.engine.unreadable("instances", "the engine hangs")
    made = len(settled.engine.made)
    for verb in (report_plan, report_drift, report_status):
        report = settled.run(verb)
        assert report.exit == 3
        assert "the engine hangs" in report.text
    assert settled.run(report_apply, timeout=0.1).exit in (2, 3)
    assert len(settled.engine.made) == made


def test_one_service_can_be_chosen(world: CliWorld) -> None:
    report = world.run(report_apply, services=("cache",))
    assert report.exit == 0
    assert list(states(world.run(report_status, services=("cache",)))) == ["cache"]
    assert not world.builder.built
    with pytest.raises(Stop) as stopped:
        world.run(report_plan, services=("cach",))
    assert "cache" in stopped.value.problems[0].remedy


def test_a_commit_off_the_branch_is_refused(world: CliWorld) -> None:
    tracking = SPECS.replace("project: shop,", "project: shop, tracks: main,")
    world.repository.commit({"specs/shop.yaml": tracking})
    world.repository.git("switch", "-q", "-c", "side")
    world.repository.commit({"page.txt": "side\n"})
    with pytest.raises(Stop) as stopped:
        world.run(report_apply)
    assert stopped.value.exit == 4
    assert "--off-branch" in str(stopped.value.problems[-1])
    assert world.run(report_apply, off_branch=True).exit == 0


def test_the_remotes_default_branch_is_tracked_by_default(world: CliWorld, tmp_path: Path) -> None:
    world.repository.git("clone", "-q", str(world.repository.path), str(tmp_path / "clone"))
    world.repository.path = tmp_path / "clone"
    world.repository.git("switch", "-q", "-c", "side")
    world.repository.commit({"page.txt": "side\n"})
    with pytest.raises(Stop) as stopped:
        world.run(report_apply)
    assert stopped.value.exit == 4
    world.repository.git("switch", "-q", "main")
    assert world.run(report_apply, services=("cache",)).exit == 0


def test_an_older_commit_is_refused_unless_said(settled: CliWorld) -> None:
    old = settled.repository.git("rev-parse", "HEAD")
    settled.repository.commit({"page.txt": "newer\n"})
    assert settled.run(report_apply).exit == 0
    assert settled.run(report_apply, ref=old).exit == 4
    assert settled.run(report_apply, ref=old, backwards=True).exit == 0


def test_a_worktree_needs_leave_and_its_commit_says_so(world: CliWorld) -> None:
    world.repository.write({"page.txt": "not committed\n"})
    report = world.run(report_plan)
    assert "page.txt: changed and not committed" in "".join(problem_lines(report.problems))
    world.repository.write({"web/app": "not committed\n"})
    report = world.run(report_plan)
    assert "page.txt, web/app: changed and not committed" in "".join(problem_lines(report.problems))
    dirty = world.run(report_apply, worktree=True)
    assert dirty.exit == 0
    assert str(dirty.commit).endswith("-dirty")
    world.repository.commit({"specs/shop.yaml": SPECS.replace(", worktree: allow", "")})
    with pytest.raises(Stop) as stopped:
        world.run(report_plan, worktree=True)
    assert stopped.value.exit == 4


def test_no_secret_leaves_in_any_output(
    world: CliWorld, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    world.repository.commit({"specs/shop.yaml": SPECS + SECRET})
    blocked = world.run(report_apply)
    assert (blocked.exit, "db-password" in blocked.text) == (4, True)
    monkeypatch.setenv("RECONCILER_SECRET_SHOP__DEV__DB_PASSWORD", CANARY)
    reports = [world.run(report_apply)]
    assert reports[0].exit == 0
    world.engine.hand.edit(live(world, "db"), "environment.PASSWORD", f"{CANARY}-by-hand")
    reports += [world.run(verb) for verb in (report_plan, report_drift, report_status)]
    reports.append(world.run(report_why, service="db"))
    monkeypatch.setenv("RECONCILER_SECRET_SHOP__DEV__DB_PASSWORD", f"{CANARY}-rotated")
    reports += [world.run(report_why, service="db"), world.run(report_apply)]
    shown = "".join(dump(envelope("x", r)) + r.text + str(r.markdown) for r in reports)
    written = "".join(path.read_text() for path in (tmp_path / "state").rglob("*.jsonl"))
    assert CANARY not in shown + written
    assert reports[-1].members["result"] == "settled"


def test_every_output_has_the_envelope(settled: CliWorld) -> None:
    workspace = open_workspace(settled.options("plan"))
    for verb, name in ((report_plan, "plan"), (report_drift, "drift"), (report_status, "status")):
        found = json.loads(dump(envelope(name, settled.run(verb))))
        assert found["schema"] == f"reconciler/{name}/v1"
        assert found["owner"] == {"project": "shop", "environment": "dev"}
        assert found["commit"] == workspace.source.commit
        assert (found["mode"], found["problems"], found["unreadable"]) == ("live", [], [])
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", found["at"])
    assert report_of.__doc__


def test_a_plan_as_markdown_is_fenced(world: CliWorld) -> None:
    report = world.run(report_plan, markdown=True)
    assert report.markdown is not None
    assert report.markdown.startswith("### Plan for shop/dev at ")
    assert "```text\n" in report.markdown
