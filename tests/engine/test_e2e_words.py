"""A service with every word about one container: applied, in force, without drift, and left alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from all_words import FILES, NEWER, WRITTEN
from e2e import HEALTHY, Site
from ground import RunningEngine

pytestmark = pytest.mark.engine
SEEN = {
    "hostname": "all-words",
    'echo "$FROM_FILE $BOTH $WITH"': "a $b own here/x",
    "grep -c 10.9.8.7 /etc/hosts": "1",
    "cat /proc/sys/net/core/somaxconn /proc/sys/kernel/msgmax": "512\n65536",
    "ulimit -n": "1024",
    "cat /proc/1/oom_score_adj": "300",
    "touch /x 2>/dev/null || echo read-only": "read-only",
    "stat -c '%a %u %g' /scratch /cache": "750 7 8\n700 0 0",
    "cp /bin/busybox /scratch/echo && /scratch/echo runs": "runs",
    "df -k /scratch /dev/shm | awk 'NR > 1 {print $2}'": "16384\n32768",
    "id -G": "0 1234 4321",
    "grep -c ndots:2 /etc/resolv.conf": "1",
    "cat /proc/1/comm": "docker-init",
    "test -t 1 && echo terminal": "terminal",
}
"""What a process in the container sees."""


@pytest.fixture(name="site")
def _site(engine: RunningEngine, registry_host: str) -> Iterator[Site]:
    with Site(engine, registry_host) as site:
        site.declare("Environment", "dev", project=site.project, variables={"WHERE": "here"})
        yield site


def _is_new(engine: RunningEngine) -> bool:
    return engine.version != "20.10"


def test_every_word_is_in_force_and_nothing_is_left_to_do(site: Site) -> None:
    newer: dict[str, Any] = NEWER if _is_new(site.engine) else {}
    check = {**HEALTHY, "start_interval": "500ms"} if newer else HEALTHY
    site.service("web", **WRITTEN, **newer, environment={"BOTH": "own"}, healthcheck=check)
    site.commit(FILES)
    site.run("validate")
    site.apply()
    told = site.run("drift", "dev", "--json").json
    assert told["result"] == "clean", told
    assert site.apply("--json").json["outcomes"] == []
    name = site.one("web")
    script = "; ".join(f"echo '@'; {command}" for command in SEEN)
    output = site.hand("exec", "-t", name, "sh", "-c", script)
    answers = [answer.strip() for answer in output.replace("\r", "").split("@")[1:]]
    assert dict(zip(SEEN, answers, strict=True)) == SEEN
    labels = site.containers("web")[name]["Config"]["Labels"]
    assert labels["com.example.team"] == "shop"


def test_a_changed_file_of_variables_replaces_its_services_alone(
    newest_engine: RunningEngine, registry_host: str
) -> None:
    with Site(newest_engine, registry_host) as site:
        site.service("web", env_file="a.env")
        site.service("other")
        site.commit({"a.env": "A=1\n"})
        site.apply()
        before = site.live()
        site.commit({"a.env": "# only a comment\nA=1\n"})
        assert site.apply("--json").json["outcomes"] == []
        assert site.live() == before
        site.commit({"a.env": "A=2\n"})
        told = site.run("plan", "dev").out
        assert "environment.A" in told
        site.apply()
        assert site.live("other").items() <= before.items()
        assert "A=2" in site.containers("web")[site.one("web")]["Config"]["Env"]
        (site.repository.path / "a.env").write_text("A=3\n")
        assert "a.env" in site.run("plan", "dev").err


def test_a_word_that_the_engine_would_drop_blocks_the_plan(site: Site) -> None:
    if _is_new(site.engine):
        site.service("web", **NEWER)
        site.commit()
        site.run("plan", "dev")
        return
    site.service("web", healthcheck={**HEALTHY, "start_interval": "1s"}, **NEWER)
    site.commit()
    told = site.run("apply", "dev", "--json", exits=4).json
    (block,) = told["remaining"]["blocks"]
    assert (block["code"], "annotations.org.example.team" in block["reason"]) == ("PLAN022", True)
    assert "1.41" in block["reason"]
    assert site.live() == {}
