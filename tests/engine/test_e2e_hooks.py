"""Hooks on a real engine: a migration that succeeds, fails and is killed in the middle; what follows a proof,
and what comes before a stop."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from e2e import Site
from ground import RunningEngine

pytestmark = pytest.mark.engine
FIRST = "echo migrate $$VERSION; cat /run/secrets/token"
FAILS = "echo no such column >&2; exit 3"
ONCE = "test -f /state/seen && exit 0; touch /state/seen; echo migrating; sleep 60"
LEAVE = "echo leaving $$VERSION > /proc/1/fd/1"


@pytest.fixture(name="site")
def _site(newest_engine: RunningEngine, registry_host: str) -> Iterator[Site]:
    with Site(newest_engine, registry_host) as site:
        site.declare("Volume", "state")
        site.declare("Secret", "token")
        site.secret("token", "t0ken")
        yield site


def declare(site: Site, version: str, **hooks: str) -> None:
    site.service(
        "web",
        environment={"VERSION": version},
        secrets=["token"],
        volumes=["state:/state"],
        ports=["8080"],
        labels={"traffic": "yes"},
        hooks={name: {"command": ["sh", "-c", script]} for name, script in hooks.items()},
    )
    site.commit()


def live(site: Site) -> dict[str, tuple[str, str]]:
    return {name: row for name, row in site.live().items() if not name.endswith("-deploy")}


def hooks_of(site: Site) -> list[str]:
    return sorted(name for name in site.containers() if name.endswith("-deploy"))


def test_a_migration_succeeds_fails_and_is_killed_in_the_middle(site: Site) -> None:
    declare(site, "1", pre_deploy=FIRST, post_deploy="exit 9", pre_stop=LEAVE)
    assert "post_deploy failed: it ended with exit code 9" in site.apply().out
    _made_like_an_instance(site)
    running = live(site)
    declare(site, "2", pre_deploy=FAILS, pre_stop=LEAVE)
    told = site.apply(exits=5).out
    for words in ("PLAN024", "exit code 3", "no such column", "reconciler retry dev web", "is held"):
        assert words in told, told
    assert live(site) == running
    status = site.run("status", "dev", "--json", "--exit-code", exits=5).json["services"][0]
    assert (status["state"], "exit code 3" in status["reason"]) == ("held", True)

    declare(site, "3", pre_deploy=ONCE, pre_stop=LEAVE)
    name = _kill_in_the_middle(site)
    assert site.containers()[name]["State"]["Running"], "it goes on without us"
    site.hand("kill", name)
    told = site.apply(exits=5).out
    assert "PLAN025" in told
    assert "killed in the middle" in told
    assert live(site) == running, "neither failure touched what serves"
    site.run("retry", "dev", "web")
    site.apply()
    assert live(site).keys() != running.keys()
    assert [site.containers()[name]["State"]["ExitCode"] for name in hooks_of(site)] == [0]
    (kept,) = [name for name in site.containers() if name.endswith("_kept")]
    assert "leaving 1" in site.hand("logs", kept)


def _made_like_an_instance(site: Site) -> None:
    after, before = hooks_of(site)
    assert after.endswith("_1_post-deploy")
    assert site.hand("logs", before).splitlines() == ["migrate 1", "t0ken"]
    made = site.containers()[before]
    assert made["HostConfig"]["RestartPolicy"]["Name"] == "no"
    assert not made["HostConfig"]["PortBindings"]
    assert "traffic" not in made["Config"]["Labels"]
    assert {mount["Destination"] for mount in made["Mounts"]} == {"/state"}


def _kill_in_the_middle(site: Site) -> str:
    """The name of a hook's container whose reconciler was killed while it ran."""
    process = site.start("apply", "dev")
    until = time.monotonic() + 30
    while not (running := [n for n in hooks_of(site) if site.containers()[n]["State"]["Running"]]):
        assert time.monotonic() < until, "no hook began"
        time.sleep(0.1)
    process.kill()
    process.communicate()
    return running[0]
