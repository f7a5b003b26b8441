"""What fails is told with place and remedy, held where it should be, and never takes the old one away."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from e2e import ALIVE, Site
from ground import RunningEngine

pytestmark = pytest.mark.engine
SHORT = {"monitor": "200ms", "deadline": "4s"}
NEVER = {"test": ["CMD-SHELL", "echo the table is missing; exit 1"], "interval": "300ms", "retries": 2}


@pytest.fixture(name="site")
def _site(newest_engine: RunningEngine, registry_host: str) -> Iterator[Site]:
    with Site(newest_engine, registry_host) as site:
        yield site


def test_a_failing_dockerfile_shows_its_step_and_last_lines(site: Site) -> None:
    site.declare("Registry", "main", provider="oci", url=site.registry)
    site.image("web", {"Dockerfile": f'FROM {{busybox}}\nCMD ["sh", "-c", "{ALIVE}"]\n'})
    site.service("web", None, image="web")
    site.service("other")
    site.commit()
    site.apply()
    running = site.live()
    failing = "RUN echo one && echo the compiler is missing >&2 && exit 7"
    site.repository.write({"web/Dockerfile": f"FROM {site.busybox}\n{failing}\n"})
    site.service("new")
    site.commit()
    told = site.apply(exits=5)
    assert "the compiler is missing" in told.out
    assert "exit 7" in told.out
    assert "[2/2] RUN echo one" in told.out, "the step"
    assert running.items() <= site.live().items()
    assert site.live("new"), "a failing build delays nobody else"
    assert site.run("drift", "dev").exit == 0


def test_a_generation_that_never_gets_healthy_is_held_and_the_fix_ends_it(site: Site) -> None:
    site.service("web")
    site.commit()
    site.apply()
    running = site.live()
    site.service("web", f"echo looking for the table; {ALIVE}", healthcheck=NEVER, rollout=SHORT)
    site.commit()
    told = site.apply(exits=5)
    assert "looking for the table" in told.out, "the held instance's last words"
    assert "the table is missing" in told.all, "what the check said"
    assert "reconciler retry dev web" in told.out
    assert site.live() == running, "the old one was never touched"
    (held,) = [name for name in site.containers() if name.endswith("_held")]
    assert site.containers()[held]["State"]["Status"] == "exited"

    status = site.run("status", "dev", "--json", "--exit-code", exits=5).json["services"][0]
    assert (status["state"], status["replicas"]) == ("held", {"desired": 1, "ready": 1})
    assert site.apply("--json", exits=5).json["outcomes"] == [], "it is not tried again by itself"

    site.hand("rm", "-f", site.one("web"))
    site.apply(exits=5)
    assert len(site.live()) == 1, "what serves is healed while the new one is held"

    site.run("retry", "dev", "web")
    again = site.apply("--json", exits=5).json
    assert [o["verb"] for o in again["outcomes"]].count("create") == 1
    assert len([name for name in site.containers() if name.endswith("_held")]) == 1

    site.service("web", f"echo fixed; {ALIVE}", rollout=SHORT)
    site.commit()
    site.apply()
    assert "fixed" in site.hand("logs", site.one("web"))
    assert not [name for name in site.containers() if name.endswith("_held")]
    assert site.apply("--json").json["outcomes"] == []


def test_an_image_that_exits_at_once_is_held(site: Site) -> None:
    site.service("web", "echo no prices >&2; exit 3", healthcheck=None, rollout=SHORT)
    site.service("job", "echo no disk; exit 4", healthcheck=None, restart="no", rollout={"deadline": "5s"})
    site.service("missing", None, command=["/no/such/program"], healthcheck=None, rollout=SHORT)
    site.commit()
    told = site.apply(exits=5)
    for words in ("no prices", "no disk", "/no/such/program"):
        assert words in told.out
    states = site.run("status", "dev", "--json").json["services"]
    assert {row["name"] if "name" in row else row["service"]: row["state"] for row in states} == {
        "job": "held",
        "missing": "held",
        "web": "held",
    }
    assert len(site.containers()) == 3
    assert not [row for row in site.containers().values() if row["State"]["Running"]]


def test_a_reference_that_does_not_exist_takes_nothing_away(site: Site) -> None:
    site.service("web")
    site.commit()
    site.apply()
    running = site.live()
    site.service("web", image=f"{site.registry}/no-such-image:1")
    site.service("new")
    site.commit()
    told = site.apply(exits=4)
    assert f"{site.registry}/no-such-image:1" in told.out
    assert running.items() <= site.live().items()
    assert site.live("new")


def test_stop_first_that_fails_starts_the_kept_one_again(site: Site) -> None:
    site.declare("Volume", "state")
    site.service("db", volumes=["state:/state"])
    site.commit()
    site.apply()
    running = site.containers()
    site.service("db", "exit 9", volumes=["state:/state"], healthcheck=None, rollout=SHORT)
    site.commit()
    assert "interrupts" in site.run("plan", "dev").out
    site.apply(exits=5)
    assert {row["Id"] for row in running.values()} == {identity for identity, _ in site.live().values()}
    assert site.run("status", "dev", "--json").json["services"][0]["replicas"] == {"desired": 1, "ready": 1}
    assert site.run("drift", "dev").exit == 0


def test_what_ends_for_memory_hangs_in_its_check_or_ignores_a_stop_is_told_as_that(site: Site) -> None:
    limit = {"resources": {"limits": {"memory": "8M"}}}
    hanging = {
        "test": ["CMD-SHELL", "echo asking; sleep 60"],
        "interval": "200ms",
        "timeout": "500ms",
        "retries": 2,
    }
    deaf = f"trap '' TERM; echo deaf to it; {ALIVE.removeprefix(ALIVE.split(';')[0] + ';')}"
    site.service("greedy", "tail /dev/zero", healthcheck=None, deploy=limit, rollout=SHORT)
    site.service("hanging", healthcheck=hanging, rollout=SHORT)
    site.service("deaf", deaf, healthcheck=NEVER, stop_grace_period="1s", rollout=SHORT)
    site.commit()
    told = site.apply("--json", exits=5).json
    held = {row["service"]: row for row in told["held"]}
    assert held["greedy"]["reason"] == "it was killed for using more memory than its limit"
    assert (held["greedy"]["exit_code"], held["greedy"]["out_of_memory"]) == (137, True)
    assert held["hanging"]["reason"] == "its health check failed"
    assert held["deaf"]["reason"] == "its health check failed"
    assert not [row for row in site.containers().values() if row["State"]["Running"]], (
        "killed after its grace"
    )
    assert not [line for row in held.values() for line in (*row["log"], *row["health"])], "not without --logs"
    again = site.apply(exits=5).out
    assert "| deaf to it" in again
    assert "health check: the table is missing" in again
    assert "killed for memory" in again
    assert "reconciler retry dev hanging" in again
