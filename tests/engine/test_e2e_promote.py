"""dev to prod as a user does it: a promotion for review, a merge, prod, a rollback, and what it refuses."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ci_runner import Runner
from e2e import SERVING, Ran, Site
from forge_stand_in import TOKEN, ForgeStandIn
from ground import RunningEngine
from labelled import remove_labelled
from published import hold_to_schema

pytestmark = pytest.mark.engine

DOCKERFILE = 'FROM {busybox}\nCOPY www /www\nCOPY start /start\nCMD ["sh", "/start"]\n'
PERSON = {
    f"GIT_{role}_{word}": "ann@example.com" for role in ("AUTHOR", "COMMITTER") for word in ("NAME", "EMAIL")
}


class Places(Site):
    """dev and prod on one engine, each with a registry path of its own, behind one remote."""

    def declare_prod(self, **more: object) -> None:
        patch = {"kind": "Service", "name": "web", "spec": {"environment": {"PLACE": "prod"}}}
        self.declare(
            "Environment",
            "prod",
            project=self.project,
            follows="dev",
            registries={"main": "prod-main"},
            patches=[patch],
            **more,
        )

    def promote(self, *words: str, exits: int = 0) -> Ran:
        return self.run("promote", "dev", "prod", *words, exits=exits)

    def prod(self, exits: int = 0) -> Ran:
        return self.run("apply", "prod", exits=exits)

    def page(self, environment: str) -> str:
        """What the one container of web in an environment has."""
        rows = self.listed("containers/json", f"reconciler.owner={self.project}/{environment}")
        names = [row["Names"][0].lstrip("/") for row in rows if row["State"] == "running"]
        (name,) = [name for name in names if "_web_" in name]
        return self.engine.cli("exec", name, "cat", "/www/index.html").strip()

    def tags(self, path: str) -> list[str]:
        host, _, _ = self.registry.partition("/")
        try:
            with urllib.request.urlopen(f"http://{host}/v2/{path}/tags/list", timeout=5) as answer:
                return sorted(json.loads(answer.read())["tags"] or [])
        except urllib.error.HTTPError:
            return []

    def clean(self) -> None:
        super().clean()
        labels = (f"reconciler.owner={self.project}/prod",)
        remove_labelled(self.engine.socket, self.listed, labels)


@pytest.fixture(name="site")
def _site(newest_engine: RunningEngine, registry_host: str) -> Iterator[Places]:
    with Places(newest_engine, registry_host, variables=PERSON) as site:
        yield site


def dispatched(site: Places, remote: Path) -> dict[str, Any]:
    """What ``promote`` prints in a job of the template, which has nobody's name and a clone of its own."""
    words = {"from": "dev", "to": "prod", "service": ""}
    given = {f"inputs.{name}": value for name, value in words.items()}
    given |= {"github.event_name": "workflow_dispatch", "github.token": TOKEN}
    nobodys = {name: value for name, value in site.variables.items() if not name.startswith("GIT_")}
    with ForgeStandIn() as forge:
        runner = Runner(site.folder / "runner", remote, given, {**nobodys, **forge.variables()})
        assert runner.job("examples/ci/github/promote.yml", "promote") == 0, runner.said
        told: dict[str, Any] = json.loads((runner.temp / "promote.json").read_text())
        hold_to_schema(told)
        (opened,) = forge.pulls
        request = {"head": told["branch"], **{k: told["pull_request"][k] for k in ("title", "body", "base")}}
        assert opened | request == opened
    return told


def test_from_dev_to_prod_and_back(site: Places) -> None:
    remote = site.folder / "remote.git"
    site.repository.git("init", "--bare", "--quiet", "--initial-branch=main", str(remote))
    site.declare("Registry", "main", provider="oci", url=f"{site.registry}/dev")
    site.declare("Registry", "prod-main", provider="oci", url=f"{site.registry}/prod")
    site.image("web", {"Dockerfile": DOCKERFILE, "www/index.html": "one\n", "start": f"{SERVING}\n"})
    site.service("web", None, image="web")
    site.service("cache")
    site.declare_prod()
    site.commit()
    branch = site.repository.git("symbolic-ref", "--short", "HEAD")
    site.repository.git("remote", "add", "origin", str(remote))
    site.repository.git("push", "--quiet", "origin", f"HEAD:{branch}")
    site.apply()

    # Nothing of it runs in prod, and a dry run writes nothing.
    assert "not promoted" in site.prod().all
    said = site.promote("--dry-run").out
    assert "service web: new, at" in said
    assert site.tags(f"prod/{site.project}/web") == []

    # For review: the branch, the pull request; merged, prod runs the same bytes from its own registry.
    proposed = dispatched(site, remote)
    assert (proposed["result"], proposed["branch"]) == ("written", "promote/prod")
    assert proposed["pull_request"]["base"] == branch
    (copied, *_) = proposed["copies"]
    assert copied["to"] == f"{site.registry}/prod/{site.project}/web"
    assert [tag for tag in site.tags(f"prod/{site.project}/web") if not tag.startswith("d-")] == []
    site.repository.git("fetch", "--quiet", "origin")
    site.repository.git("merge", "--quiet", "--no-edit", "origin/promote/prod")
    site.repository.git("push", "--quiet", "origin", f"HEAD:{branch}")
    site.prod()
    assert site.page("prod") == site.page("dev") == "one"
    assert "nothing to promote" in site.promote().out

    # A merge moves dev alone; a promotion moves prod, by a commit that the clone's own branch follows.
    site.commit({"web/www/index.html": "two\n"})
    site.repository.git("push", "--quiet", "origin", f"HEAD:{branch}")
    site.apply()
    site.prod()
    assert (site.page("dev"), site.page("prod")) == ("two", "one")
    written = site.promote("--reason", "prices").out
    assert f"on {branch} of origin" in written
    site.prod()
    assert site.page("prod") == "two"
    assert site.repository.git("rev-parse", "HEAD") == site.repository.git("rev-parse", f"origin/{branch}")

    # Back is a commit; what it refused is not taken again unless somebody says so.
    site.run("rollback", "prod", "web", "--reason", "it says two")
    assert site.page("prod") == "one"
    assert "a rollback refused exactly this: it says two" in site.promote(exits=4).out
    assert site.promote("--again").exit == 0

    # A hand-edited Release is checked like a spec.
    site.repository.git("pull", "--quiet", "--ff-only", "origin", branch)
    release = site.repository.path / "specs/releases/prod.yaml"
    written = release.read_text()
    beside = site.repository.git("commit-tree", "HEAD^{tree}", "-m", "on no branch and under no tag")
    release.write_text(re.sub(r'commit: "[0-9a-f]{40}"', f'commit: "{beside}"', written))
    wrong = site.run("validate", exits=1).err
    assert "specs/releases/prod.yaml:" in wrong
    assert "PLAN040" in wrong
