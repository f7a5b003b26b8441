"""dev and prod with a registry each, in memory, behind a bare repository that both clones push to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cli_world import CliWorld
from git_repository import WrittenRepository
from promotions import RELEASE, Place
from providers.memory import MemoryRegistry

PROD = """\
apiVersion: reconciler/v1
kind: Registry
metadata: {{name: prod-main}}
spec: {{provider: oci, url: prod.test/shop}}
---
apiVersion: reconciler/v1
kind: Environment
metadata: {{name: prod}}
spec:
  project: shop
{follows}  registries: {{local: prod-main}}
"""
FOLLOWS = "  follows: dev\n"
SECOND = """\
---
apiVersion: reconciler/v1
kind: Image
metadata: {name: api}
spec: {registry: local, repository: api, build: {context: web}}
---
apiVersion: reconciler/v1
kind: Service
metadata: {name: api}
spec: {image: api, rollout: {monitor: 1s, deadline: 20s}}
"""


@dataclass
class Sites(Place):
    """dev and prod behind a bare remote, each with a registry of its own."""

    remote: Path = Path()

    @property
    def registry(self) -> MemoryRegistry:
        """Of prod."""
        return self.world.registries["prod.test"]

    @property
    def lock(self) -> Path:
        """What says that somebody works with the clone."""
        return self.world.repository.path / ".git/index.lock"

    def push(self) -> None:
        self.git("push", "-q", "origin", "HEAD:main")

    def pull(self) -> None:
        self.git("pull", "-q", "--ff-only", "origin", "main")

    def change(self, text: str) -> None:
        """dev proves another version of web and api."""
        self.pull()
        self.world.repository.commit({"web/app": f"{text}\n"})
        self.push()
        self.apply()

    def hook(self, name: str, script: str) -> None:
        hook = self.remote / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\n{script}\n")
        hook.chmod(0o755)

    def disarm(self) -> None:
        self.when_shown = lambda: None
        for leftover in (self.lock, *(self.remote / "hooks").glob("*-receive")):
            leftover.unlink(missing_ok=True)

    def written(self) -> int:
        """How many commits of the remote's branch wrote pins."""
        return int(self.git("--git-dir", str(self.remote), "rev-list", "--count", "main", "--", RELEASE))

    def clone(self, name: str, *options: str) -> Sites:
        """Another person's."""
        path = self.world.repository.path.parent / name
        self.git("clone", "-q", *options, f"file://{self.remote}", str(path))
        repository = object.__new__(WrittenRepository)
        repository.path = path
        world = object.__new__(CliWorld)  # the same engine and registries
        world.__dict__.update({**self.world.__dict__, "repository": repository})
        return Sites(world, remote=self.remote)


@pytest.fixture(name="sites")
def open_sites(shop: CliWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sites]:
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Ann")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "ann@example.com")
    remote = tmp_path / "remote.git"
    shop.repository.git("init", "-q", "--bare", "--initial-branch=main", str(remote))
    shop.repository.git("remote", "add", "origin", str(remote))
    shop.registries["prod.test"] = MemoryRegistry("prod.test")
    shop.engine.connect(*shop.registries.values())
    specs = (shop.repository.path / "specs/shop.yaml").read_text() + SECOND
    shop.repository.commit({"specs/shop.yaml": specs, "specs/prod.yaml": PROD.format(follows=FOLLOWS)})
    found = Sites(shop, remote=remote)
    found.push()
    found.apply()
    return found
