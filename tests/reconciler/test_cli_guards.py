"""What the verbs refuse, leave alone or keep to themselves."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cli_world import SECRET_SERVICE, SPECS, CliWorld, live_name, states
from reconciler.cli.apply import report_apply
from reconciler.cli.destroy import report_destroy
from reconciler.cli.drift import report_drift
from reconciler.cli.envelope import Report, Stop, dump, envelope, problem_lines
from reconciler.cli.forms import written
from reconciler.cli.plan import report_plan
from reconciler.cli.status import report_status
from reconciler.cli.why import report_why
from reconciler.cli.workspace import Workspace
from reconciler.clients import Clients

CANARY = "correct-horse-battery"


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
    assert not settled.engine.ground.volumes
    assert "nothing of ours" in settled.run(report_destroy).text
    settled.run(report_apply)
    for container in list(settled.engine.ground.containers.values()):
        settled.engine.hand.remove(container.name)
    left = settled.run(report_destroy)
    assert (left.exit, "network shop_dev_default_" in left.text) == (4, True)
    assert settled.run(report_destroy, confirm=str(left.members["confirm"])).exit == 0
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


def test_one_service_can_be_chosen(shop: CliWorld) -> None:
    report = shop.run(report_apply, services=("cache",))
    assert report.exit == 0
    assert list(states(shop.run(report_status, services=("cache",)))) == ["cache"]
    assert not shop.builder.built
    with pytest.raises(Stop) as stopped:
        shop.run(report_plan, services=("cach",))
    assert "cache" in stopped.value.problems[0].remedy


def test_a_commit_off_the_branch_is_refused(shop: CliWorld) -> None:
    tracking = SPECS.replace("project: shop,", "project: shop, tracks: main,")
    shop.repository.commit({"specs/shop.yaml": tracking})
    shop.repository.git("switch", "-q", "-c", "side")
    shop.repository.commit({"page.txt": "side\n"})
    with pytest.raises(Stop) as stopped:
        shop.run(report_apply)
    assert stopped.value.exit == 4
    assert "--off-branch" in str(stopped.value.problems[-1])
    assert shop.run(report_apply, off_branch=True).exit == 0


def test_a_commit_without_a_version_is_refused_where_versions_are_tracked(shop: CliWorld) -> None:
    tracking = SPECS.replace("project: shop,", "project: shop, tracks: {tags: 'v*'},")
    shop.repository.commit({"specs/shop.yaml": tracking})
    shop.repository.git("branch", "v1.0.0")
    shop.repository.git("tag", "v1")
    with pytest.raises(Stop) as stopped:
        shop.run(report_apply)
    assert stopped.value.exit == 4
    assert "--off-branch" in str(stopped.value.problems[-1])
    shop.repository.git("tag", "-a", "-m", "one", "v1.0.0")
    shop.repository.git("tag", "v0.9.0")
    assert shop.run(report_apply).exit == 0


def test_the_remotes_default_branch_is_tracked_by_default(shop: CliWorld, tmp_path: Path) -> None:
    shop.repository.git("clone", "-q", str(shop.repository.path), str(tmp_path / "clone"))
    shop.repository.path = tmp_path / "clone"
    shop.repository.git("switch", "-q", "-c", "side")
    shop.repository.commit({"page.txt": "side\n"})
    with pytest.raises(Stop) as stopped:
        shop.run(report_apply)
    assert stopped.value.exit == 4
    shop.repository.git("switch", "-q", "main")
    assert shop.run(report_apply, services=("cache",)).exit == 0


def test_a_commit_that_is_not_merged_does_not_say_what_is_tracked(shop: CliWorld, tmp_path: Path) -> None:
    shop.repository.git("clone", "-q", str(shop.repository.path), str(tmp_path / "clone"))
    shop.repository.path = tmp_path / "clone"
    shop.repository.git("switch", "-q", "-c", "side")
    shop.repository.commit(
        {"specs/shop.yaml": SPECS.replace("project: shop,", "project: shop, tracks: side,")}
    )
    with pytest.raises(Stop) as stopped:
        shop.run(report_apply, services=("cache",))
    assert (stopped.value.exit, stopped.value.problems[-1].code) == (4, "CLI004")
    assert shop.run(report_apply, services=("cache",), off_branch=True).exit == 0


def test_an_older_commit_is_refused_unless_said(settled: CliWorld) -> None:
    old = settled.repository.git("rev-parse", "HEAD")
    settled.repository.commit({"page.txt": "newer\n"})
    assert settled.run(report_apply).exit == 0
    assert settled.run(report_apply, ref=old).exit == 4
    assert settled.run(report_apply, ref=old, backwards=True).exit == 0


def test_a_worktree_needs_leave_and_its_commit_says_so(shop: CliWorld) -> None:
    shop.repository.write({"page.txt": "not committed\n"})
    report = shop.run(report_plan)
    assert "page.txt: changed and not committed" in "".join(problem_lines(report.problems))
    shop.repository.write({"web/app": "not committed\n"})
    report = shop.run(report_plan)
    assert "page.txt, web/app: changed and not committed" in "".join(problem_lines(report.problems))
    dirty = shop.run(report_apply, worktree=True)
    assert dirty.exit == 0
    assert str(dirty.commit).endswith("-dirty")
    shop.repository.commit({"specs/shop.yaml": SPECS.replace(", worktree: allow", "")})
    with pytest.raises(Stop) as stopped:
        shop.run(report_plan, worktree=True)
    assert stopped.value.exit == 4


def test_no_secret_leaves_in_any_output(
    shop: CliWorld, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shop.repository.commit({"specs/shop.yaml": SPECS + SECRET_SERVICE})
    blocked = shop.run(report_apply)
    assert (blocked.exit, "db-password" in blocked.text) == (4, True)
    monkeypatch.setenv("RECONCILER_SECRET_SHOP__DEV__DB_PASSWORD", CANARY)
    reports = [shop.run(report_apply)]
    assert reports[0].exit == 0
    shop.engine.hand.edit(live_name(shop, "db"), "environment.PASSWORD", f"{CANARY}-by-hand")
    reports += [shop.run(verb) for verb in (report_plan, report_drift, report_status)]
    reports.append(shop.run(report_why, service="db"))
    monkeypatch.setenv("RECONCILER_SECRET_SHOP__DEV__DB_PASSWORD", f"{CANARY}-rotated")
    reports += [shop.run(report_why, service="db"), shop.run(report_apply)]
    shown = "".join(dump(envelope("x", r)) + r.text for r in reports)
    told = {verb: shop.run(report) for verb, report in (("plan", report_plan), ("drift", report_drift))}
    for form in ("markdown", "sarif", "junit"):
        shown += "".join(str(written(r, shop.options(verb, **{form: True}))) for verb, r in told.items())
    journal = "".join(path.read_text() for path in (tmp_path / "state").rglob("*.jsonl"))
    assert CANARY not in shown + journal
    assert reports[-1].members["result"] == "settled"


def test_a_secret_that_changes_meanwhile_makes_no_instance_that_says_otherwise(
    shop: CliWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.repository.commit({"specs/shop.yaml": SPECS + SECRET_SERVICE})
    monkeypatch.setenv("RECONCILER_SECRET_SHOP__DEV__DB_PASSWORD", f"{CANARY}-1")
    assert shop.run(report_apply).exit == 0
    before = live_name(shop, "db")
    monkeypatch.setenv("RECONCILER_SECRET_SHOP__DEV__DB_PASSWORD", f"{CANARY}-2")
    assert "another value of db-password" in shop.run(report_plan).text
    assert "another value of db-password" in shop.run(report_why, service="db").text

    async def meddle(workspace: Workspace, clients: Clients) -> Report:
        monkeypatch.setenv("RECONCILER_SECRET_SHOP__DEV__DB_PASSWORD", f"{CANARY}-3")
        return await report_apply(workspace, clients)

    report = shop.run(meddle, "apply")
    assert (report.exit, "SEC003" in report.text) == (5, True), report.text
    assert live_name(shop, "db") == before
    assert shop.run(report_apply).members["result"] == "settled"
    assert live_name(shop, "db") != before
