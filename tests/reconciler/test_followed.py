"""An environment that follows another: what it runs is what its pins say, and nothing else moves it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import pytest

from answering import answering_apart
from cli_world import CliWorld, live_name
from reconciler.cli.apply import report_apply
from reconciler.cli.plan import report_plan
from reconciler.cli.validate import run as validate
from reconciler.cli.workspace import open_workspace
from reconciler.observed import Observed
from reconciler.ownership import Owner
from reconciler.rollback_mark import met_by

PROD = """\
apiVersion: reconciler/v1
kind: Environment
metadata: {name: prod}
spec:
  project: shop
  follows: dev
  patches: [{kind: Service, name: web, spec: {environment: {PLACE: prod}}}]
"""


@dataclass
class Following:
    """A settled dev and a prod that follows it."""

    world: CliWorld

    def pin(
        self,
        *,
        commit: str | None = None,
        digest: str | None = None,
        web: str = "",
        image: str = "web",
        repository: str = "web",
        key: str = "",
    ) -> str:
        """prod takes web as dev runs it, by hand."""
        container = self.world.engine.hand.container(live_name(self.world, "web"))
        labels = container.labels
        _, _, seen = labels["reconciler.image"].partition("@")
        given = key or labels["reconciler.input"]
        at = commit or self.world.repository.git("rev-parse", "HEAD")
        text = f"""\
apiVersion: reconciler/v1
kind: Release
metadata: {{name: prod}}
spec:
  services:
    web:
      serial: 1
      commit: "{at}"
      images: {{{image}: {{repository: {repository}, digest: "{digest or seen}", input: "{given}"}}}}
      evidence: {{from: dev}}
{web}"""
        return self.world.repository.commit({"specs/releases/prod.yaml": text})

    def plan(self) -> str:
        return self.world.run(report_plan, "plan", environment="prod").text

    def apply(self) -> str:
        report = self.world.run(report_apply, "apply", environment="prod")
        assert report.exit == 0, report.text
        return report.text


@pytest.fixture
def following(settled: CliWorld) -> Following:
    settled.repository.commit({"specs/prod.yaml": PROD})
    return Following(settled)


def test_without_a_pin_it_runs_nothing_and_says_what_to_do(following: Following) -> None:
    text = following.plan()
    assert "not promoted: reconciler promote dev prod" in text
    assert "create" not in text
    following.apply()
    assert not [c for c in following.world.engine.ground.containers.values() if "_prod_" in c.name]


def test_what_is_pinned_runs_with_its_own_patches_and_a_merge_changes_nothing(following: Following) -> None:
    world = following.world
    pinned_at = world.repository.git("rev-parse", "HEAD")
    following.pin()
    following.apply()
    (container,) = [c for c in world.engine.ground.containers.values() if "_prod_web_" in c.name]
    assert container.form is not None
    assert container.form.spec.environment["PLACE"] == "prod"
    assert container.labels["reconciler.pin"] == pinned_at
    assert container.labels["reconciler.commit"] == world.repository.git("rev-parse", "HEAD")
    world.repository.commit({"web/app": "two\n", "page.txt": "bye\n"})
    text = following.plan()
    assert "create" not in text
    assert "PLAN" not in text


def test_a_pin_that_cannot_be_followed_is_told_and_touches_nobody(following: Following) -> None:
    following.pin()
    following.apply()
    following.pin(commit="0123456789" * 4)
    text = following.plan()
    assert "PLAN040" in text
    assert "remove" not in text
    desired = open_workspace(following.world.options("plan", environment="prod")).desired
    assert desired.owner == Owner("shop", "prod")
    assert desired.following is not None
    assert set(desired.following.barred) == {"web"}


def test_a_pin_that_its_commit_contradicts_is_told_where_it_stands(following: Following) -> None:
    """Written by hand, or forged: nothing of it is acted on, and `validate` says where it stands."""
    world = following.world
    following.pin()
    following.apply()
    before = {c.name for c in world.engine.ground.containers.values()}
    first = world.repository.git("rev-parse", "HEAD")
    world.repository.git("switch", "-q", "--detach", f"{first}~1")
    astray = world.repository.commit({"web/app": "evil\n"})
    world.repository.git("switch", "-q", "main")
    for words, said in (
        ({"repository": "other"}, "it names another repository than web, as "),
        ({"key": f"in-{'0' * 32}"}, "its input key is not in-"),
        ({"image": "api"}, "it names another image than web, as "),
        ({"commit": astray}, "that commit is not in the history of this one, nor of a tag"),
    ):
        following.pin(**words)
        text = following.plan()
        assert "PLAN040" in text
        assert said in text
        assert "create" not in text
        found = validate(world.options("validate"))
        (problem,) = [it for it in found.problems if it.code == "PLAN040"]
        assert (found.exit, problem.file, problem.line) == (1, "specs/releases/prod.yaml", 6)
        assert world.run(report_apply, "apply", environment="prod").exit == 4
        assert {c.name for c in world.engine.ground.containers.values()} == before
    world.repository.git("tag", "v1.0.0", astray)
    following.pin(commit=astray)
    assert "its input key is not in-" in following.plan(), "reachable now, and another application"


def test_a_pin_is_a_claim_that_is_judged_by_the_gates_before_it(following: Following) -> None:
    world = following.world
    following.pin()
    following.apply()
    first = [c.name for c in world.engine.ground.containers.values() if "_prod_web_" in c.name]
    asked = PROD + "  promotion: {gates: {approvals: 1, approvers: [ann@example.com]}}\n"
    world.repository.commit({"specs/prod.yaml": asked})
    world.repository.commit({"web/app": "two\n"})
    assert world.run(report_apply, "apply").exit == 0
    # One commit takes the gate away and brings the pin: the gate that was there before holds it up.
    world.repository.write({"specs/prod.yaml": PROD})
    following.pin()
    report = world.run(report_apply, "apply", environment="prod")
    assert report.exit == 4, report.text
    assert "gate approvals of web" in report.text
    assert [c.name for c in world.engine.ground.containers.values() if "_prod_web_" in c.name] == first
    # What runs is healed all the same.
    (running,) = [c for c in world.engine.ground.containers.values() if "_prod_web_" in c.name]
    world.engine.hand.remove(running.name)
    world.run(report_apply, "apply", environment="prod")
    healed = [c for c in world.engine.ground.containers.values() if "_prod_web_" in c.name]
    assert [c.labels["reconciler.fingerprint"] for c in healed] == [running.labels["reconciler.fingerprint"]]
    assert [c.labels["reconciler.image"] for c in healed] == [running.labels["reconciler.image"]]


def test_a_pin_that_no_promotion_wrote_is_not_acted_on(following: Following) -> None:
    following.pin()
    release = following.world.repository.path / "specs/releases/prod.yaml"
    forged = release.read_text().replace("      evidence: {from: dev}\n", "")
    following.world.repository.commit({"specs/releases/prod.yaml": forged})
    assert "its evidence lacks from: dev" in following.plan()


def test_a_pin_of_an_image_from_outside_agrees_with_the_lock_of_its_commit(following: Following) -> None:
    world = following.world
    right = world.publish("busybox:1.36").text
    head = {"apiVersion": "reconciler/v1", "kind": "Lock", "metadata": {"name": "lock"}}
    lock = {**head, "spec": {"images": {"busybox:1.36": right}}}
    at = world.repository.commit({"specs/lock.yaml": json.dumps(lock)})
    for reference, digest, said in (
        ("busybox:1.36", right, ""),
        ("busybox:1.36", f"sha256:{'0' * 64}", "its digest is not sha256:"),
        ("evil:1", right, "it names another reference than busybox:1.36, as "),
    ):
        image = {"busybox:1.36": {"reference": reference, "digest": digest}}
        spec = {"services": {"cache": {"serial": 1, "commit": at, "images": image}}}
        release = {**head, "kind": "Release", "metadata": {"name": "prod"}, "spec": spec}
        world.repository.commit({"specs/releases/prod.yaml": json.dumps(release)})
        text = following.plan()
        assert ("PLAN040" in text) is bool(said)
        assert said in text


def test_a_review_at_the_forge_lets_a_pin_in_once_the_forge_answers(
    following: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, git = following.world, following.world.repository.git
    reviewed = PROD + "  promotion: {gates: {approvals: 1, reviewers: [alice]}}\n"
    world.repository.commit({"specs/prod.yaml": reviewed})
    git("switch", "-q", "-c", "promote/prod")
    head = following.pin()
    git("switch", "-q", "main")
    git("merge", "-q", "--no-ff", "-m", "merged", "promote/prod")
    merged = git("rev-parse", "HEAD")
    assert "there is no token with which the forge could be asked for reviews" in following.plan()
    with answering_apart() as forge:
        monkeypatch.setenv("GITHUB_API_URL", forge.url)
        monkeypatch.setenv("GITHUB_REPOSITORY", "team/shop")
        monkeypatch.setenv("GITHUB_TOKEN", "token")
        assert "the forge answered 404" in following.plan()
        pull = {"number": 7, "user": {"login": "carol"}, "head": {"sha": head}, "merge_commit_sha": merged}
        review = {"user": {"login": "alice"}, "state": "APPROVED", "commit_id": head}
        forge.answers[f"/repos/team/shop/commits/{merged}/pulls"] = (200, [{**pull, "merged_at": "now"}])
        forge.answers["/repos/team/shop/pulls/7/reviews"] = (200, [])
        text = following.plan()
        assert "0 approvals" in text
        assert "create web" not in text
        forge.answers["/repos/team/shop/pulls/7/reviews"] = (200, [review])
        assert "create web" in following.plan()


def test_what_cannot_be_told_of_a_pin_is_asked_for_again_in_another_minute(following: Following) -> None:
    asked = PROD + "  promotion: {gates: {approvals: 1}}\n"
    following.world.repository.commit({"specs/prod.yaml": asked})
    following.pin()
    workspace = open_workspace(following.world.options("plan", environment="prod"))
    observed = Observed(at=1000.0)
    unsure = workspace.meet(observed)
    claim = unsure.services["web"].claim
    assert claim is not None
    assert claim.is_unsure
    assert met_by(observed, unsure) != met_by(replace(observed, at=1060.0), unsure)
    sure = replace(unsure, services={})
    assert met_by(observed, sure) == met_by(replace(observed, at=1060.0), sure)
