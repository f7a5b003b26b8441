"""Verbs that promise to change nothing leave engine, registry and repository as they were, to the byte."""

from __future__ import annotations

import hashlib
import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e import Site
from ground import RunningEngine

pytestmark = pytest.mark.engine

VERBS = (
    ("plan", "dev", "--explain"),
    ("plan", "dev", "--base", "main"),
    ("drift", "dev", "--deep"),
    ("status", "dev"),
    ("why", "dev", "web"),
    ("history", "dev"),
    ("render", "dev"),
)


@pytest.fixture(name="site")
def _site(newest_engine: RunningEngine, registry_host: str) -> Iterator[Site]:
    with Site(newest_engine, registry_host) as site:
        site.declare("Registry", "main", provider="oci", url=registry_host)
        site.image("web", {"Dockerfile": "FROM {busybox}\nCOPY page /page\n", "page": "one\n"})
        site.declare("Config", "page", file="page.txt")
        site.service("web", image="web", configs=[{"source": "page", "target": "/etc/page.txt"}])
        site.service("db", volumes=["data:/data"], environment={"PASSWORD": {"secret": "password"}})
        site.declare("Volume", "data")
        site.secret("password", "not to be seen")
        site.commit({"page.txt": "first\n"})
        site.apply()
        yield site


def engine_state(site: Site) -> dict[str, Any]:
    """Every object of the project, inspected; what its health checks do goes on by itself."""
    found: dict[str, Any] = {}
    for name, row in site.containers().items():
        row["State"].pop("Health", None)
        row.pop("ExecIDs", None)
        row["Mounts"].sort(key=lambda mount: str(mount["Destination"]))  # the engine keeps no order
        found[name] = row
    for kind in ("networks", "volumes"):
        for row in site.listed(kind, site.owner):
            name = row["Name"]
            found[f"{kind}/{name}"] = site.ask("GET", f"/{kind}/{name}")
    images = site.ask("GET", "/images/json?all=1&digests=1")
    mine = [row for row in images if site.project in json.dumps([row["RepoTags"], row["RepoDigests"]])]
    found["images"] = sorted((row["Id"], row["RepoTags"], row["RepoDigests"]) for row in mine)
    assert len(found["images"]) == 1
    return found


def differing(one: Any, other: Any, path: str = "") -> list[str]:
    """Where two states differ, by path."""
    if isinstance(one, dict) and isinstance(other, dict):
        names = sorted({*one, *other})
        return [it for name in names for it in differing(one.get(name), other.get(name), f"{path}/{name}")]
    return [] if one == other else [f"{path}: {one!r} was {other!r}"]


def registry_state(site: Site) -> dict[str, Any]:
    """The project's repositories, their tags, and what each tag means."""

    def read(path: str) -> tuple[Any, str | None]:
        accept = (
            "application/vnd.oci.image.manifest.v1+json,application/vnd.docker.distribution.manifest.v2+json"
        )
        asked = urllib.request.Request(f"http://{site.registry}/v2/{path}", headers={"Accept": accept})
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return json.load(answer), answer.headers.get("Docker-Content-Digest")

    names = [name for name in read("_catalog?n=1000")[0]["repositories"] if site.project in name]
    found = {}
    for name in names:
        tags = read(f"{name}/tags/list")[0]["tags"]
        found[name] = {tag: read(f"{name}/manifests/{tag}")[1] for tag in sorted(tags)}
    assert len(found) == 1
    return found


def files_state(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Every file, git's own included: its size, when it was written, and its content."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            stat, content = path.stat(), path.read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            found[str(path.relative_to(folder))] = (stat.st_size, stat.st_mtime_ns, digest)
    return found


def test_nothing_is_changed_by_looking(site: Site) -> None:
    """Where a change is pending, something has drifted, and the index of the clone is out of date."""
    site.repository.git("checkout", "-q", "-b", "change")
    site.commit({"web/page": "two\n"})
    name = next(iter(site.live("web")))
    site.engine.cli("update", "--restart", "no", name)
    (site.repository.path / "page.txt").write_text("first\n")  # the same, written later
    site.repository.write({"specs/untracked.yaml.txt": "nothing\n"})
    folder = site.repository.path
    before = engine_state(site), registry_state(site), files_state(folder)
    said = {words[0]: site.run(*words, exits=None) for words in VERBS}
    assert said["drift"].exit == 2
    assert "restart: " in said["drift"].out
    assert "web" in said["plan"].out
    assert differing(engine_state(site), before[0]) == []
    assert registry_state(site) == before[1]
    assert files_state(folder) == before[2]
    # The snapshots see what is done: the same after one deed in each place.
    site.engine.cli("update", "--restart", "always", name)
    assert engine_state(site) != before[0]
    site.repository.git("status")
    assert files_state(folder) != before[2]
