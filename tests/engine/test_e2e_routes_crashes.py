"""The command dies at every boundary of a switch, under requests: the next one goes on, nothing is lost."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e_door import Act, Door
from ground import RunningEngine
from route_clients import asking
from routed_site import HOST, RoutedSite

pytestmark = pytest.mark.engine

CALLS: tuple[tuple[str, Act], ...] = (
    (r"POST /containers/create\?name=.*_web_", "after"),
    (r"POST /containers/[^/]+/start", "after"),
    ("half written", "after"),
    ("not turned", "after"),
    ("turned", "after"),
    (r"POST /containers/[^/]+/rename", "after"),
    (r"DELETE /volumes/.*_marker_release_web_", "before"),
)
"""Boundaries in the order in which an update comes by them: calls of the engine, moments of the switch."""


@pytest.fixture(name="site")
def _site(newest_engine: RunningEngine, registry_host: str) -> Iterator[RoutedSite]:
    with RoutedSite(newest_engine, registry_host) as site:
        yield site


@pytest.fixture(name="door")
def _door(site: RoutedSite, tmp_path: Path) -> Iterator[Door]:
    with Door(tmp_path / "door.sock", site.engine.socket) as door:
        site.variables["RECONCILER_ENDPOINT_DEV"] = door.endpoint
        yield door


def kill_at(site: RoutedSite, door: Door, call: str, act: Act) -> bool:
    """Apply, and be killed at a boundary; whether it came by it."""
    if "/" not in call:
        return site.start_dying(call, "apply", "dev").wait(60) == -signal.SIGKILL
    rule = door.rule(call, act)
    process = site.start("apply", "dev")
    while process.poll() is None and not rule.reached.wait(0.05):
        pass
    process.kill()
    process.communicate()
    door.rules.clear()
    return rule.reached.is_set()


def check(site: RoutedSite) -> None:
    """As an uninterrupted run ends: one that serves, one kept, nothing left to do."""
    site.apply()
    assert len(site.live("web")) == 1
    assert len(site.containers("web")) == 2
    assert site.slots() == site.short_ids()
    site.run("plan", "dev", "--exit-code")


def test_killed_at_every_boundary_of_an_update_nothing_is_lost(site: RoutedSite, door: Door) -> None:
    site.web("one")
    site.commit()
    site.apply()
    with asking(site.port, HOST) as heard:
        site.web("two")
        site.commit()
        missed = [call for call, act in CALLS if not kill_at(site, door, call, act)]
        check(site)
    assert not missed, missed
    assert not heard.lost
    assert heard.order[0] == "one"
    assert heard.order[-1] == "two"
