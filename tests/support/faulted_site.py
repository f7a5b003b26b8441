"""A small environment that changes and is meddled with, applied through an engine that fails all the time."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Mapping
from pathlib import Path

from e2e import ALIVE, Site
from faulty_engine import FaultyEngine
from hasty_engine import MOMENT, HastyEngine
from providers.docker import DockerRuntime
from providers.docker.faults import CODES
from reconciler.cli.arguments import parse_arguments
from reconciler.cli.session import open_buildx
from reconciler.cli.workspace import open_workspace
from reconciler.loop import Converged, PassReport, converge
from reconciler.provider import Runtime

TRIES = 60
PACE = {"monitor": "100ms", "deadline": "60s"}
_SAID = re.compile(r"^(?P<where>.+?): (?P<seen>.+?); expected (?P<expected>.+?); (?P<remedy>.+)$", re.DOTALL)


class FaultedSite:
    """One project. ``errors`` are the codes and words of everything that failed."""

    def __init__(self, site: Site, faulty: FaultyEngine) -> None:
        self.site, self.faulty = site, faulty
        self.errors: list[tuple[str, str]] = []
        self.applies = 0
        self.moment = MOMENT
        """Seconds within which an answer must come."""

    def declare(self, version: int) -> None:
        """Two versions: another file, network and environment, one service instead of another."""
        site, odd = self.site, str(version % 2 == 1).lower()
        site.declare("Network", "front", driver_opts={"com.docker.network.bridge.enable_icc": odd})
        site.declare("Volume", "state")
        site.declare("Config", "page", content=f"page {odd}\n")
        told = {"rollout": PACE}
        site.service(
            "web", networks=["default", "front"], user="1000", deploy={"replicas": 2},
            configs=[{"source": "page", "target": "/etc/page"}],
            secrets=[{"source": "token", "target": "/run/token"}], **told,
        )  # fmt: skip
        site.declare("Secret", "token")
        limits = {"resources": {"limits": {"memory": "64M"}}}
        state, odds = ["state:/state"], {"ODD": odd}
        site.service("db", ALIVE, volumes=state, deploy=limits, environment=odds, **told)
        site.service(f"only-{odd}", **told)
        other = site.repository.path / f"specs/service-only-{'false' if odd == 'true' else 'true'}.yaml"
        other.unlink(missing_ok=True)
        site.commit()

    async def apply(self) -> int:
        """Apply again and again until it is settled; how often that took."""
        for number in range(1, TRIES + 1):
            converged = await self.apply_once()
            if converged.result == "settled":
                return number
            await asyncio.sleep(0.05)
        raise AssertionError(f"not settled: {converged.result} {converged.plan} {converged.outcomes}")

    async def apply_once(self) -> Converged:
        self.applies += 1
        options = parse_arguments(["apply", "dev", "--repo", str(self.site.repository.path)])
        workspace = await asyncio.to_thread(open_workspace, options)
        clients = workspace.clients(self._open, open_buildx)
        try:
            return await converge(
                workspace.desired, clients, within=60.0, report=self._check, meet=workspace.meet,
                first_pause=0.05,
            )  # fmt: skip
        finally:
            await workspace.registries.close()
            await clients.runtime.close()

    def _open(self, _: str | None) -> Runtime:
        engine = HastyEngine(str(self.faulty.path))
        engine.moment = self.moment
        return DockerRuntime(engine=engine)

    def _check(self, report: PassReport) -> None:
        """Whatever failed says where, what was seen and expected, and what to do; under a stable code."""
        for outcome in report.outcomes:
            if outcome.result == "failed":
                self._note(outcome.code, outcome.error or "")
        for entry in report.observed.unreadable:
            words, _, code = entry.reason.rpartition("  [")
            if entry.what != "namesakes":  # which follows from the other kinds
                self._note(code.rstrip("]"), words)

    def _note(self, code: str, words: str) -> None:
        assert code in CODES or code.startswith(("RUN", "PLAN")), (code, words)
        assert _SAID.match(words), (code, words)
        self.errors.append((code, words))

    async def meddle(self) -> None:
        """By hand, past the proxy: rename, limit, disconnect, pause, stop."""
        site = self.site
        first, second = sorted(site.live("web"))
        only = next(name for name in site.live() if "_only-" in name)
        front = next(row["Name"] for row in site.listed("networks", site.owner) if "_front_" in row["Name"])
        for words in (
            ("rename", first, f"{site.project}-mine"),
            ("network", "disconnect", front, second),
            ("update", "--memory", "96m", "--memory-swap", "96m", site.one("db")),
            ("pause", only),
            ("stop", "-t", "1", site.one("db")),
        ):
            await asyncio.to_thread(insist, site, words)

    def check(self, version: int, *, is_last: bool = False) -> None:
        """What is desired runs, once; nothing is doubled and nothing is left but what is kept. A lease that
        could not be given back in a whole is cleared by the next apply alone."""
        site, odd = self.site, str(version % 2 == 1).lower()
        containers = site.containers()
        live = [name for name in containers if not name.endswith(("_kept", "_held"))]
        services = sorted(name.split("_")[2] for name in live)
        assert services == ["db", f"only-{odd}", "web", "web"], services
        assert all(containers[name]["State"]["Running"] for name in live), live
        assert not [name for name in containers if name.endswith(("_held", "_filler"))]
        assert f"ODD={odd}" in containers[site.one("db")]["Config"]["Env"]
        assert containers[site.one("db")]["HostConfig"]["Memory"] == 64 << 20
        for name in live:
            if "_web_" in name:
                shown = site.hand("exec", name, "cat", "/etc/page", "/run/token")
                assert shown == f"page {odd}\ncorrect-horse", shown
                assert len(containers[name]["NetworkSettings"]["Networks"]) == 2
        left = site.inventory()
        assert len(left["networks"]) == 2, left["networks"]
        markers = [name.rsplit("_", 1)[0] for name in left["volumes"] if "_marker_" in name]
        assert not is_last or len(markers) == len(set(markers)), markers

    def strangers(self) -> Mapping[str, str]:
        """Objects of others with names like ours, made once: what they are now."""
        site, mark = self.site, f"e2e={self.site.project}"
        found = {row["Id"]: json.dumps(row["State"]) for row in site.listed("containers/json", mark)}
        found |= {row["Id"]: "network" for row in site.listed("networks", mark)}
        return found | {row["Name"]: row["CreatedAt"] for row in site.listed("volumes", mark)}

    def add_strangers(self) -> None:
        site = self.site
        mark, foreign = f"e2e={site.project}", f"reconciler.owner={site.project}/prod"
        name = f"{site.project}_dev_stranger"
        site.hand(
            "run", "-d", "--name", name, "--label", mark, "--label", foreign, "busybox:1.36", "sleep", "999"
        )
        site.hand("network", "create", "--label", mark, f"{name}_net")
        site.hand("volume", "create", "--label", mark, f"{name}_marker_lease_-_1")


def insist(site: Site, words: tuple[str, ...]) -> None:
    """By hand; an engine that is busy can fail to freeze a container."""
    for _ in range(4):
        try:
            site.hand(*words)
            return
        except AssertionError:
            time.sleep(0.3)
    site.hand(*words)


def faulty_before(site: Site) -> FaultyEngine:
    return FaultyEngine(Path(site.folder) / "faulty.sock", site.engine.socket)
