"""Looks at what nobody touched, again and again, for drift that nobody made."""

from __future__ import annotations

import asyncio
import os

import pytest

from e2e import Site
from reconciler.assess import assess_drift
from reconciler.cli.arguments import parse_arguments
from reconciler.cli.session import open_buildx, open_docker
from reconciler.cli.workspace import open_workspace
from reconciler.loop import look
from reconciler.plan import plan

PASSES = int(os.environ.get("RECONCILER_TEST_PASSES", "50"))
"""Looks at the services of every field; 1,000 of them take about half a minute."""


async def find_differences(site: Site, passes: int) -> list[str]:
    """Look and compare many times in one process; everything that was said to differ."""
    options = parse_arguments(["drift", "dev", "--repo", str(site.repository.path)])
    workspace = open_workspace(options)
    clients = workspace.clients(open_docker, open_buildx)
    found: list[str] = []
    try:
        desired = workspace.meet(await look(workspace.desired, clients))
        for number in range(passes):
            observed = await look(workspace.desired, clients)
            drifts = assess_drift(desired, observed, observed.at)
            found += [f"{number}: {d}" for d in drifts if d.result != "clean" or d.pending or d.diffs]
            found += [f"{number}: {action}" for action in plan(desired, observed, observed.at).actions]
            found += [f"{number}: {entry}" for entry in observed.unreadable]
    finally:
        await workspace.registries.close()
        await clients.runtime.close()
    return found


def assess(site: Site, passes: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    for name in ("DOCKER_HOST", "DOCKER_CONFIG", "CREDENTIALS_DIRECTORY", "HOME"):
        monkeypatch.setenv(name, site.variables[name])
    return asyncio.run(find_differences(site, passes))
