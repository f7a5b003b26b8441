"""Proxies that crash, that somebody removes, or whose work somebody changes: seen, told, and made again."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from ground import Ground
from routed_site import RoutedSite
from running_loop import until

pytestmark = pytest.mark.engine
ROUTES = "/config/apps/http/servers/edge/routes"


@pytest.fixture(name="site")
def _site(ground: Ground, registry_host: str) -> Iterator[RoutedSite]:
    with RoutedSite(next(iter(ground.engines.values())), registry_host) as site:
        yield site


def drifted(site: RoutedSite) -> list[str]:
    """What differs, as CI reads it."""
    found = site.run("drift", "dev", "--json", exits=2).json
    return [f"{row['service']} {diff['path']}" for row in found["services"] for diff in row["diffs"]]


def test_what_somebody_changes_on_the_way_is_told_and_healed(site: RoutedSite) -> None:
    site.environment(drift="report")
    site.web("one")
    site.service("neighbour")
    site.commit()
    site.apply()
    site.end_process("reconciler-edge")
    until(lambda: site.says("one"))

    site.tell_proxy("reconciler-edge", "DELETE", f"{ROUTES}/0")
    (site.folder_of_tables() / "current" / "5").write_text("deadbeef0000")
    both = ["reconciler-edge proxy.config.apps.http.servers.edge.routes", "web route.table"]
    assert drifted(site) == both
    assert "it drifted (route.table)" in site.apply().out
    assert drifted(site) == both, "an environment that reports drift leaves it"
    site.environment()
    site.commit()
    site.apply()
    site.run("drift", "dev")
    assert site.says("one")

    (site.folder_of_tables().parent.parent / "edge/caddy/autosave.json").write_text('{"apps": {')
    site.end_process("reconciler-edge")
    (site.folder_of_tables() / "current").unlink()
    site.hand("rm", "--force", site.one("reconciler-inner"))
    site.apply()
    assert site.says("one")
    assert site.output("neighbour", "wget", "-qO-", "http://web:8080/") == "one"

    shutil.rmtree(site.folder_of_tables().parent)
    assert site.read()[0] == 503
    assert drifted(site) == ["web route.table"]
    for name in ("reconciler-edge", "reconciler-inner"):
        site.hand("rm", "--force", site.one(name))
    site.hand("volume", "rm", f"{site.project}_dev_reconciler-proxy")
    site.apply()
    assert site.says("one")
    site.run("drift", "dev")
