"""An environment that follows another: what it runs is what its pins say, and nothing else moves it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from cli_world import CliWorld, live_name
from reconciler.cli.apply import report_apply
from reconciler.cli.plan import report_plan
from reconciler.cli.workspace import open_workspace
from reconciler.ownership import Owner

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

    def pin(self, *, commit: str | None = None, digest: str | None = None, web: str = "") -> str:
        """prod takes web as dev runs it, by hand."""
        container = self.world.engine.hand.container(live_name(self.world, "web"))
        labels = container.labels
        _, _, seen = labels["reconciler.image"].partition("@")
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
      images: {{web: {{repository: web, digest: "{digest or seen}", input: "{labels["reconciler.input"]}"}}}}
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
