"""``reconciler run`` as a process beside a site, as many as a test wants, each with folders of its own."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from e2e import Site
from warm_command import Started


@dataclass
class RunningLoop:
    """Use it in ``with``. ``repository`` is a folder; the endpoint may lead through a door."""

    site: Site
    name: str
    endpoint: str
    repository: Path | None = None
    poll: str = "1s"
    process: Started = field(init=False)

    @property
    def state(self) -> Path:
        return self.site.folder / f"state-{self.name}"

    def __enter__(self) -> Self:
        entry = {
            "name": "shop",
            "folder": str(self.repository or self.site.repository.path),
            "poll": self.poll,
            "bounds": "any",
        }
        document = {
            "apiVersion": "reconciler/v1",
            "kind": "Run",
            "metadata": {"name": "main"},
            "spec": {"repositories": [entry], "resync": "3s"},
        }
        self.config = self.site.folder / f"run-{self.name}.yaml"
        self.config.write_text(json.dumps(document))
        self.begin()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def begin(self) -> None:
        """Start it, again after it ended."""
        self.process = self.site.start(
            "run",
            "--config",
            str(self.config),
            RECONCILER_ENDPOINT_DEV=self.endpoint,
            XDG_STATE_HOME=str(self.state),
            XDG_CACHE_HOME=str(self.state / "cache"),
        )

    def kill(self) -> None:
        """kill -9, when it lives."""
        if self.process.returncode is None:
            self.process.kill()
            self.process.communicate(timeout=30)

    def stop(self) -> str:
        """Ask it to end; everything that it said since it began."""
        self.process.send_signal(signal.SIGTERM)
        said = "".join(self.process.communicate(timeout=60))
        assert self.process.returncode == 0, said
        assert "Traceback" not in said, said
        return said


def variable(site: Site, name: str) -> str | None:
    """What a variable of the one live container of ``web`` says; None while there is not just one, or it does
    not run."""
    containers = site.containers("web")
    live = [row for key, row in containers.items() if not key.endswith(("_kept", "_held"))]
    if len(live) != 1 or not live[0]["State"]["Running"]:
        return None
    return dict(v.split("=", 1) for v in live[0]["Config"]["Env"]).get(name)


def settled(site: Site) -> str | None:
    """The commit that a loop has settled on, as its marker says."""
    for row in site.listed("volumes", site.owner):
        if "_marker_loop_" in row["Name"]:
            commit: str | None = json.loads(row["Labels"]["reconciler.value"])["commit"]
            return commit
    return None


def until(condition: Callable[[], object], seconds: float = 40.0) -> None:
    """Wait for it; AssertionError when it does not come."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "it does not happen"
        time.sleep(0.1)
