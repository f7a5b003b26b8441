"""`doctor` on a real engine: what is well, what is not, and that one part stops no other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e import ENVIRONMENT, Ran, Site
from e2e_registries import running
from fake_registry import FakeRegistry
from ground import RunningEngine
from local_registry import find_free_port
from registry_twists import answer

pytestmark = pytest.mark.engine
PASSWORD = "right-horse-battery"
DENIED = '{"errors": [{"code": "DENIED", "message": "no"}]}'
JSON = {"Content-Type": "application/json"}


@pytest.fixture(name="site")
def _site(newest_engine: RunningEngine, registry_host: str) -> Iterator[Site]:
    with Site(newest_engine, registry_host) as site:
        yield site


def results(ran: Ran) -> dict[str, str]:
    return {f"{c['part']} {c['name'] or ''}".strip(): c["result"] for c in ran.json["checks"]}


def seen(ran: Ran, part: str) -> str:
    return next(
        str(c["seen"]) for c in ran.json["checks"] if f"{c['part']} {c['name'] or ''}".strip() == part
    )


def declare_built(site: Site, host: str) -> None:
    site.declare("Registry", "main", url=host, auth={"username": "ci", "password": {"secret": "push"}})
    site.image("web", {"Dockerfile": "FROM {busybox}\n"})
    site.service("web", None, image="web")
    site.service("cache")


def test_all_is_well_and_nothing_is_left_anywhere(site: Site) -> None:
    with running(FakeRegistry(login=("ci", PASSWORD), mode="basic")) as registry:
        declare_built(site, registry.host)
        site.declare("Environment", ENVIRONMENT, project=site.project, record="main")
        site.secret("push", PASSWORD)
        site.commit()
        remote = site.folder / "remote.git"
        site.repository.git("clone", "--quiet", "--bare", str(site.repository.path), str(remote))
        site.repository.git("remote", "add", "origin", str(remote))
        before = site.inventory()
        ran = site.run("doctor", ENVIRONMENT, "--json")
        found = results(ran)
        assert {part: result for part, result in found.items() if result != "ok"} == {"lock": "warning"}
        assert {"engine", "clock", "disk", "limits", "builder", "registry main", "git", "secret"} <= set(
            found
        )
        assert site.engine.exact_version in seen(ran, "engine")
        assert "may pull and push 2 of 2" in seen(ran, "registry main")
        assert "is this commit" in seen(ran, "git")
        assert site.inventory() == before
        assert registry.count("PUT", r".*") == 0
        assert registry.count("DELETE", r"/v2/.*/blobs/uploads/.*") == 2
        assert all(not shelf.blobs and not shelf.tags for shelf in registry.shelves.values())
        shown = site.run("doctor", ENVIRONMENT).out
        assert "push has a value" in shown
        assert PASSWORD not in shown + ran.out


def test_each_part_that_fails_is_told_and_the_others_are_asked(site: Site, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "docker").write_text("#!/bin/sh\nexit 1\n")
    (tools / "docker").chmod(0o755)
    with running(FakeRegistry(login=("ci", PASSWORD), mode="basic")) as registry:
        declare_built(site, registry.host)
        site.declare("Registry", "down", url=f"127.0.0.1:{find_free_port()}/x")
        site.image("other", {"Dockerfile": "FROM {busybox}\n"}, registry="down")
        site.service("other", None, image="other")
        site.service("db", environment={"PASSWORD": {"secret": "db-password"}})
        site.service("gone", image=f"{site.registry}/no-such-image:1")
        site.secret("push", "wrong")
        site.commit()
        path = f"{tools}:{site.variables['PATH']}"
        ran = site.run("doctor", ENVIRONMENT, "--json", exits=1, PATH=path)
        problems = {part for part, result in results(ran).items() if result == "problem"}
        assert problems == {
            "builder",
            "registry down",
            "registry main",
            f"image {site.registry}/no-such-image:1",
            "secret db-password",
        }
        codes = {f"{c['part']} {c['name'] or ''}".strip(): c["code"] for c in ran.json["checks"]}
        assert (codes["builder"], codes["registry main"]) == ("BLD002", "REG021")
        assert results(ran)["engine"] == "ok"
        assert all(c["remedy"] for c in ran.json["checks"] if c["result"] == "problem")

        site.secret("push", PASSWORD)
        registry.twist("POST", r"/v2/.*/blobs/uploads/", answer(403, DENIED, JSON), times=-1)
        ran = site.run("doctor", ENVIRONMENT, "--json", exits=1)
        assert results(ran)["registry main"] == "ok", "the login itself"
        assert results(ran)[f"registry main/{site.project}/web"] == "problem"


def test_an_engine_that_is_not_there_stops_no_other_part(site: Site) -> None:
    site.service("cache")
    site.commit()
    for host in (f"unix://{site.folder}/nowhere.sock", "tcp://no port"):
        ran = site.run("doctor", ENVIRONMENT, "--json", exits=1, DOCKER_HOST=host)
        found = results(ran)
        assert (found["engine"], found["secret"]) == ("problem", "ok"), host
        assert found[f"image {site.busybox}"] == "ok"


def test_specs_that_cannot_be_read_are_told(site: Site) -> None:
    site.declare("Service", "web", image="busybox:1", replicsa=2)
    site.commit()
    ran = site.run("doctor", ENVIRONMENT, "--json", exits=1)
    assert results(ran) == {"specs": "problem"}
    assert ran.json["problems"][0]["code"] == "SPEC012"
