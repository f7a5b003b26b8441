"""People and a loop on a real engine: hands off with broken specs, stops by hand, what waits for apply."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from e2e import Site
from ground import RunningEngine
from warm_command import Started

pytestmark = pytest.mark.engine


@pytest.fixture(name="site")
def _site(newest_engine: RunningEngine, registry_host: str) -> Iterator[Site]:
    with Site(newest_engine, registry_host) as site:
        yield site


@contextmanager
def looping(site: Site) -> Iterator[Started]:
    """``reconciler run`` beside the site, which is stopped in the end as a service manager does."""
    folder = {"name": "shop", "folder": str(site.repository.path), "poll": "1s", "bounds": "any"}
    spec = {"repositories": [folder], "resync": "20s"}
    document = {"apiVersion": "reconciler/v1", "kind": "Run", "metadata": {"name": "main"}, "spec": spec}
    (site.folder / "run.yaml").write_text(json.dumps(document))
    words = ("run", "--config", str(site.folder / "run.yaml"))
    process = site.start(*words, RECONCILER_ENDPOINT_DEV=f"unix://{site.engine.socket}")
    try:
        yield process
    finally:
        process.terminate()
        out, err = process.communicate(timeout=60)
        print(err)
        assert process.returncode == 0, (out, err)
        assert "Traceback" not in err, err


def until(condition: Callable[[], object], seconds: float = 40.0) -> None:
    """Wait for it; AssertionError when it does not come."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "it does not happen"
        time.sleep(0.1)


def keeps(site: Site) -> object:
    """The settled commit that the loop tells of."""
    return (site.run("status", "dev", "--json", exits=None).json.get("loop") or {}).get("settled_at")


def marker(site: Site, kind: str) -> list[str]:
    """The volumes of markers of a kind."""
    names = [row["Name"] for row in site.listed("volumes", site.owner)]
    return [name for name in names if f"_marker_{kind}_" in name]


def memory(site: Site, service_name: str) -> int:
    """The limit of the one container of a service, as the engine has it."""
    return int(site.containers(service_name)[site.one(service_name)]["HostConfig"]["Memory"])


def state(site: Site, service_name: str) -> tuple[str, str | None]:
    """State and reason by ``status``."""
    services = site.run("status", "dev", "--json").json["services"]
    return next((s["state"], s["reason"]) for s in services if s["service"] == service_name)


def test_hands_off_while_git_is_broken_and_the_marker_comes_back(site: Site) -> None:
    site.service("web")
    site.service("api", deploy={"resources": {"limits": {"memory": "32M"}}})
    good = site.commit()
    with looping(site):
        until(lambda: len(site.live()) == 2)
        until(lambda: keeps(site))
        looked_on = site.apply("--json").json
        assert (looked_on["result"], looked_on["commit"], looked_on["outcomes"]) == ("settled", good, [])
        assert looked_on["followed"]

        site.hand("stop", site.one("web"))
        until(lambda: site.containers("web")[site.one("web")]["State"]["Running"])
        until(lambda: "stopped by hand (exit code" in site.run("history", "dev").out)
        assert "reconciler suspend dev web --reason TEXT" in site.run("why", "dev", "web").out

        for _ in range(5):
            site.hand("update", "--memory", "48m", "--memory-swap", "96m", site.one("api"))
            until(lambda: memory(site, "api") == 32 << 20)
        until(lambda: state(site, "api")[0] == "unstable")
        assert f"set to {32 << 20} and found as {48 << 20}" in str(state(site, "api")[1]).replace('"', "")

        site.commit({"specs/broken.yaml": "apiVersion: reconciler/v1\nkind: [\n"})
        ran = site.run("suspend", "dev", "web", "--reason", "looking into it", "--for", "1h")
        assert "CLI017" in ran.err
        site.hand("rm", "--force", site.one("web"))
        site.hand("rm", "--force", site.one("api"))
        until(lambda: len(site.live("api")) == 1)
        assert site.live("web") == {}, "the loop was at work, and left it alone"
        for name in marker(site, "suspend"):
            site.hand("volume", "rm", name)
        site.hand("rm", "--force", site.one("api"))
        until(lambda: marker(site, "suspend"))
        until(lambda: len(site.live("api")) == 1)
        assert site.live("web") == {}
        site.run("resume", "dev", "web")
        until(lambda: len(site.live("web")) == 1, 10.0)


def test_an_environment_that_waits_for_apply_is_healed_and_follows_it(site: Site) -> None:
    site.declare("Environment", "dev", project=site.project, deploy="manual")
    site.service("web", environment={"VERSION": "1"})
    site.commit()

    def version() -> str | None:
        live = site.live("web")
        if len(live) != 1:
            return None
        variables = site.containers("web").get(next(iter(live)), {}).get("Config", {}).get("Env", [])
        return dict(v.split("=", 1) for v in variables).get("VERSION")

    with looping(site):
        until(lambda: site.run("status", "dev", "--json").json["loop"])
        assert site.live() == {}
        assert site.apply("--json").json["result"] == "settled"
        until(lambda: keeps(site))
        site.hand("rm", "--force", site.one("web"))
        until(lambda: version() == "1")
        site.service("web", environment={"VERSION": "2"})
        second = site.commit()
        until(lambda: site.run("status", "dev", "--json").json["loop"].get("pending") == second)
        assert site.run("status", "dev", "--json").json["services"][0]["state"] == "waiting"
        assert version() == "1"
        assert site.apply("--json").json["result"] == "settled"
        assert version() == "2"
        site.hand("rm", "--force", site.one("web"))
        until(lambda: version() == "2")
