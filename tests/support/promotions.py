"""A dev that has proved something and a prod that follows it, in memory and in a real git repository."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from cli_world import CliWorld
from reconciler.cli.apply import report_apply
from reconciler.cli.envelope import Report, Stop
from reconciler.cli.promote import report_promote
from reconciler.cli.rollback import report_rollback
from reconciler.cli.workspace import Workspace
from reconciler.clients import Clients
from virtual_time import run_hastily

RELEASE = "specs/releases/prod.yaml"
PROD = """\
apiVersion: reconciler/v1
kind: Environment
metadata: {{name: prod}}
spec:
  project: shop
  follows: dev
  patches: [{{kind: Service, name: web, spec: {{environment: {{PLACE: prod}}}}}}]
{more}"""
SECOND = {"web/app": "two\n", "page.txt": "bye\n"}


@dataclass
class Place:
    """A settled dev, and a prod that follows it."""

    world: CliWorld
    shown: list[str] = field(default_factory=list)
    when_shown: Callable[[], object] = lambda: None

    def git(self, *words: str) -> str:
        return self.world.repository.git(*words)

    def write(self, more: str = "") -> str:
        return self.world.repository.commit({"specs/prod.yaml": PROD.format(more=more)})

    def show(self, text: str) -> None:
        self.shown.append(text)
        self.when_shown()

    def promote(self, **words: object) -> Report:
        self.shown.clear()
        options = self.world.options("promote", environment="prod", **{"source_environment": "dev", **words})

        async def run() -> Report:
            clock = asyncio.create_task(self.world._tick())
            try:
                return await report_promote(options, self.world.clients, self.show)
            finally:
                clock.cancel()

        return run_hastily(run())

    def refused(self, exits: int = 4, **words: object) -> str:
        """The code of a refusal that has written nothing."""
        head = self.git("rev-parse", "HEAD")
        with pytest.raises(Stop) as stop:
            self.promote(**words)
        assert (stop.value.exit, self.git("rev-parse", "HEAD")) == (exits, head)
        return stop.value.problems[0].code

    def apply(self, environment: str = "dev") -> Report:
        report = self.world.run(report_apply, "apply", environment=environment)
        assert report.exit == 0, report.text
        return report

    def runs(self, environment: str = "prod") -> dict[str, str]:
        """Service -> image of what lives."""
        containers = self.world.engine.ground.containers.values()
        mine = [c for c in containers if re.fullmatch(rf"shop_{environment}_\w+_[0-9a-f]{{8}}_\d+", c.name)]
        return {c.labels["reconciler.service"]: c.labels["reconciler.image"] for c in mine}

    def roll_back(self, **words: object) -> Report:
        async def verb(workspace: Workspace, clients: Clients) -> Report:
            return await report_rollback(workspace, clients, self.world.clients, self.show)

        return self.world.run(verb, "rollback", environment="prod", **words)


@pytest.fixture(name="place")
def open_place(settled: CliWorld, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Ann")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "ann@example.com")
    found = Place(settled)
    found.write()
    found.apply()
    return found
