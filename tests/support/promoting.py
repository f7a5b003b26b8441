"""A loop in memory that promotes by itself, over a bare repository that people push to, too."""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass, field
from pathlib import Path

from git_repository import WrittenRepository
from memory_loop import LoopSite
from reconciler.decision import Wait
from reconciler.desired import Json
from reconciler.journal import Journal
from reconciler.keeper import Keeper
from reconciler.ownership import Owner

LOOP = "Loop <loop@example.com>"
_HEAD = "apiVersion: reconciler/v1\nkind: "


@dataclass
class Promoted:
    """``folder``/shop is the bare repository, ``work`` a person's clone."""

    folder: Path
    site: LoopSite = field(init=False)
    work: WrittenRepository = field(init=False)

    def __post_init__(self) -> None:
        self.site = LoopSite(self.folder)
        self.remote = WrittenRepository(self.folder / "shop", "--bare")
        self.work = WrittenRepository(self.folder / "work")
        self.work.git("remote", "add", "origin", str(self.remote.path))

    def write(self, version: str, **follows: str) -> str:
        """A version of the one service, and environments that follow dev with these words; pushed."""
        words = f"image: '{self.site.image}', environment: {{VERSION: '{version}'}}"
        texts = [f"{_HEAD}Environment\nmetadata: {{name: dev}}\nspec: {{project: shop}}\n"]
        for name, more in follows.items():
            spec = f"project: shop, {more}"
            texts.append(f"{_HEAD}Environment\nmetadata: {{name: {name}}}\nspec: {{{spec}}}\n")
        rollout = "rollout: {monitor: 100ms, deadline: 20s}"
        texts.append(f"{_HEAD}Service\nmetadata: {{name: web}}\nspec: {{{words}, {rollout}}}\n")
        if self.remote.git("for-each-ref", "refs/heads/main"):
            self.work.git("-c", "rebase.autoStash=true", "pull", "-q", "--rebase", "origin", "main")
        return self.push({"specs/all.yaml": "---\n".join(texts)})

    def push(self, files: dict[str, str]) -> str:
        """A person's commit, pushed; the loop is told of it where it runs."""
        commit = self.work.commit(files)
        self.work.git("push", "-q", "origin", "HEAD:refs/heads/main")
        self.tell()
        return commit

    def tell(self) -> None:
        watch = self.site.loop.watches.get("shop") if hasattr(self.site, "loop") else None
        if watch is not None:
            watch.announce("test")

    def hook(self, name: str, text: str) -> Path:
        """A hook of the bare repository."""
        path = self.remote.path / "hooks" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    @property
    def entry(self) -> str:
        return f', push: {{author: "{LOOP}"}}'

    def log(self, style: str = "%an %s", ref: str = "main") -> list[str]:
        """Subjects, or what ``style`` says, of the commits of the remote, newest first."""
        return self.remote.git("log", f"--format={style}", ref).splitlines()

    def version(self, environment_name: str) -> str | None:
        """What the live instance of an environment runs."""
        containers = self.site.engine.ground.containers.values()
        live = [c for c in containers if re.fullmatch(rf"shop_{environment_name}_web_[0-9a-f]+_\d+", c.name)]
        forms = [c.form for c in live if c.form is not None]
        return str(forms[0].spec.environment["VERSION"]) if len(forms) == 1 else None

    def keepers(self) -> list[Keeper]:
        return list(self.site.loop.keepers.values())

    def waits(self, environment_name: str) -> list[Wait]:
        rest = self.site.loop.keepers[Owner("shop", environment_name)].rest
        return list(rest.plan.waits) if rest is not None else []

    def notes(self, environment_name: str = "prod") -> list[dict[str, Json]]:
        """What the journal has of promotions."""
        entries = Journal.of(Owner("shop", environment_name)).newest()
        return [dict(entry) for entry in entries if entry.get("verb") == "promote"]
