"""A loop promotes by itself: from a push to prod, through a kill -9 between copying and pushing."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from e2e import SERVING, Site
from ground import RunningEngine
from labelled import remove_labelled
from running_loop import until
from warm_command import Started

pytestmark = pytest.mark.engine

DOCKERFILE = 'FROM {busybox}\nCOPY www /www\nCOPY start /start\nCMD ["sh", "/start"]\n'


class Kept(Site):
    """dev and prod on one engine, kept by a loop that may push to their remote."""

    def page(self, environment: str) -> str | None:
        """What the one container of web in an environment has; None without one that runs."""
        rows = self.listed("containers/json", f"reconciler.owner={self.project}/{environment}")
        names = [row["Names"][0].lstrip("/") for row in rows if row["State"] == "running"]
        live = [name for name in names if not name.endswith(("_kept", "_held"))]
        return self.engine.cli("exec", live[0], "cat", "/www/index.html").strip() if len(live) == 1 else None

    def tags(self, path: str) -> list[str]:
        host, _, _ = self.registry.partition("/")
        try:
            with urllib.request.urlopen(f"http://{host}/v2/{path}/tags/list", timeout=5) as answer:
                return sorted(json.loads(answer.read())["tags"] or [])
        except urllib.error.HTTPError:
            return []

    @contextmanager
    def loop(self) -> Iterator[Started]:
        endpoint = f"unix://{self.engine.socket}"
        variables = {f"RECONCILER_ENDPOINT_{name}": endpoint for name in ("DEV", "PROD")}
        process = self.start("run", "--config", str(self.folder / "run.yaml"), **variables)
        (self.folder / "pid").write_text(str(process.pid))
        try:
            yield process
        finally:
            process.kill()
            process.communicate(timeout=30)

    def clean(self) -> None:
        super().clean()
        labels = (f"reconciler.owner={self.project}/prod",)
        remove_labelled(self.engine.socket, self.listed, labels)


@pytest.fixture(name="site")
def _site(newest_engine: RunningEngine, registry_host: str) -> Iterator[Kept]:
    with Kept(newest_engine, registry_host) as site:
        yield site


def test_a_push_reaches_prod_by_itself(site: Kept) -> None:
    remote = site.folder / "remote.git"
    site.repository.git("init", "--bare", "--quiet", "--initial-branch=main", str(remote))
    site.declare("Registry", "main", provider="oci", url=f"{site.registry}/dev")
    site.declare("Registry", "prod-main", provider="oci", url=f"{site.registry}/prod")
    site.image("web", {"Dockerfile": DOCKERFILE, "www/index.html": "one\n", "start": f"{SERVING}\n"})
    site.service("web", None, image="web")
    prod = {"project": site.project, "follows": "dev", "registries": {"main": "prod-main"}}
    site.declare("Environment", "prod", **prod, promotion={"mode": "auto"})
    site.commit()
    site.repository.git("push", "--quiet", str(remote), "HEAD:refs/heads/main")
    push = {"author": "The Loop <loop@example.com>"}
    entry = {"name": "shop", "folder": str(remote), "poll": "1s", "bounds": "any", "push": push}
    run = {"apiVersion": "reconciler/v1", "kind": "Run", "spec": {"repositories": [entry], "resync": "3s"}}
    (site.folder / "run.yaml").write_text(json.dumps(run))
    hook = remote / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\nkill -9 $(cat {site.folder}/pid)\nexit 1\n")
    hook.chmod(0o755)

    with site.loop() as process:
        assert process.wait(timeout=60) == -9
    assert site.page("dev") == "one"
    (copied,) = site.tags(f"prod/{site.project}/web")
    assert copied.startswith("d-")
    hook.unlink()
    with site.loop():
        until(lambda: site.page("prod") == "one")
    log = site.repository.git("-C", str(remote), "log", "--format=%an", "main").splitlines()
    assert log == ["The Loop", "A"]
    assert "promote" in site.run("history", "prod", "--repo", str(remote)).out
