"""The drift template on a real engine: an issue opens when a hand changes what runs, and closes by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from ci_runner import Runner
from e2e import Site
from forge_stand_in import TOKEN, ForgeStandIn
from ground import RunningEngine

pytestmark = pytest.mark.engine


def test_drift_opens_an_issue_and_its_end_closes_it(
    newest_engine: RunningEngine, registry_host: str, tmp_path: Path
) -> None:
    with Site(newest_engine, registry_host) as site, ForgeStandIn() as forge:
        site.service("web")
        site.commit()
        site.apply()
        given = {"github.token": TOKEN, "github.event_name": "schedule"}
        given |= {"secrets.RECONCILER_SSH_KEY": "key", "vars.RECONCILER_KNOWN_HOSTS": "host"}
        variables = {**site.variables, **forge.variables()}
        machine = Runner(
            tmp_path, site.repository.path, given, variables, {"environments: prod": "environments: dev"}
        )
        site.hand("update", "--restart", "no", site.one("web"))
        assert machine.job("examples/ci/github/drift.yml", "drift") == 2, machine.said
        (issue,) = forge.issues
        assert (issue["title"], issue["state"]) == (f"Drift in {site.project}/dev", "open")
        assert 'restart: applied "unless-stopped", lives "no"' in issue["body"]
        assert (tmp_path / ".ssh" / "id_ed25519").stat().st_mode & 0o077 == 0
        site.apply()
        assert machine.job("examples/ci/github/drift.yml", "drift") == 0, machine.said
        assert issue["state"] == "closed"
        assert len(forge.written) == 2
