"""From Compose on a Monday: init, then service by service, data and neighbours untouched."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e import Site
from e2e_door import Door
from ground import RunningEngine
from local_registry import find_free_port

pytestmark = pytest.mark.engine
WEB = "trap 'exit 0' TERM; httpd -f -p 8080 -h /data & wait"
CACHE = "trap 'exit 0' TERM; while :; do sleep 0.2; done"
COMPOSE = """\
name: {project}-old
services:
  web:
    image: {image}
    command: sh -c "{web}"
    ports: ["127.0.0.1:{port}:8080"]
    volumes: ["data:/data"]
    depends_on: [cache]
    healthcheck: {{test: [CMD, "true"], interval: 300ms, retries: 2}}
    stop_grace_period: 1s
  cache:
    image: {image}
    command: sh -c "{cache}"
    stop_grace_period: 1s
volumes:
  data:
"""


NETWORK = """\
apiVersion: reconciler/v1
kind: Network
metadata: {{name: default}}
spec: {{external: true, name: {name}}}
"""


@pytest.fixture(name="site")
def _site(newest_engine: RunningEngine, registry_host: str) -> Iterator[Site]:
    with Site(newest_engine, registry_host) as site:
        yield site


def compose(site: Site, *words: str) -> str:
    return site.engine.cli("compose", "--project-directory", str(site.repository.path), *words)


def read(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/index.html", timeout=10) as answer:
        return str(answer.read().decode())


def begin(site: Site) -> int:
    """What Compose runs, with data in its volume; and the specs that init makes of it."""
    port = find_free_port()
    text = COMPOSE.format(project=site.project, image=site.busybox, web=WEB, cache=CACHE, port=port)
    (site.repository.path / "specs" / "environment-dev.yaml").unlink()
    site.repository.write({"compose.yaml": text})
    site.hands.append(lambda: site.hand("volume", "rm", "--force", f"{site.project}-old_data"))
    site.hands.append(lambda: compose(site, "down", "--timeout", "1"))
    site.hands.append(site.clean)  # before that, so that nobody is on its network any more
    compose(site, "up", "--detach", "--wait")
    compose(site, "exec", "web", "sh", "-c", "echo precious > /data/index.html")
    site.run("init")
    environment = site.repository.path / "specs" / "environment.yaml"
    environment.write_text(environment.read_text().replace("project: repository", f"project: {site.project}"))
    for name in ("web", "cache"):
        spec = site.repository.path / "specs" / f"{name}.yaml"
        spec.write_text(f"{spec.read_text()}  rollout: {{monitor: 200ms, deadline: 20s}}\n")
    site.commit()
    return port


def leave(site: Site, service_name: str, container: str) -> tuple[str, ...]:
    """The command that the answer says to type."""
    asked = site.run("adopt", "dev", service_name, container, exits=4)
    confirm = re.search(r"--confirm=(\w+)", asked.out)
    assert confirm, asked.all
    return ("adopt", "dev", service_name, container, f"--confirm={confirm[1]}")


def adopt(site: Site, service_name: str, container: str) -> str:
    return site.run(*leave(site, service_name, container), exits=None).all


def states(site: Site) -> dict[str, tuple[str, bool]]:
    """Compose's containers: name -> (since when, whether it runs)."""
    listed = site.listed("containers/json", f"com.docker.compose.project={site.project}-old")
    found = {row["Names"][0][1:]: site.ask("GET", f"/containers/{row['Id']}/json")["State"] for row in listed}
    return {name: (state["StartedAt"], state["Running"]) for name, state in found.items()}


def test_taking_over_what_compose_runs(site: Site) -> None:
    port, old = begin(site), f"{site.project}-old"
    before = states(site)
    blocked = site.apply(exits=4)
    assert "PLAN033" in blocked.all or "PLAN018" in blocked.all
    assert f"reconciler adopt dev web {old}-web-1" in blocked.all
    assert f"adopt dev web {old}-web-1" in site.run("adopt", "dev").out
    assert f"it leaves network {old}_default" in site.run("adopt", "dev", "web", f"{old}-web-1", exits=4).out
    site.commit({"specs/network.yaml": NETWORK.format(name=f"{old}_default")})
    told = adopt(site, "web", f"{old}-web-1")
    assert f"service web took over from {old}-web-1" in told, told
    assert read(port) == "precious\n"
    assert states(site) == {f"{old}-cache-1": before[f"{old}-cache-1"]}
    assert site.output("web", "ping", "-c1", "cache")
    assert compose(site, "exec", "cache", "ping", "-c1", "web")
    assert "took over" in adopt(site, "cache", f"{old}-cache-1")
    assert states(site) == {}
    site.apply()
    assert site.run("plan", "dev", "--json").json["settled"]
    assert read(port) == "precious\n"
    volumes = site.engine.cli("volume", "ls", "--quiet", "--filter", f"name={old}").split()
    assert volumes == [f"{old}_data"]


def test_what_fails_is_put_back_with_its_data(newest_engine: RunningEngine, registry_host: str) -> None:
    with Site(newest_engine, registry_host) as site:
        fail_and_put_back(site)


def fail_and_put_back(site: Site) -> None:
    port, old = begin(site), f"{site.project}-old"
    web = site.repository.path / "specs" / "web.yaml"
    web.write_text(web.read_text().replace("httpd -f", "echo no; exit 3; httpd -f"))
    site.commit()
    told = adopt(site, "web", f"{old}-web-1")
    assert f"service web failed, and {old}-web-1 runs again" in told, told
    assert "exit code was 3" in told, told
    assert read(port) == "precious\n"
    assert states(site).keys() == {f"{old}-web-1", f"{old}-cache-1"}


def test_a_kill_leaves_nothing_that_the_same_command_does_not_end(
    newest_engine: RunningEngine, registry_host: str, tmp_path: Path
) -> None:
    with Site(newest_engine, registry_host) as site, Door(tmp_path / "door", site.engine.socket) as door:
        port, old = begin(site), f"{site.project}-old"
        site.variables["RECONCILER_ENDPOINT_DEV"] = door.endpoint
        words, rule = (
            leave(site, "web", f"{old}-web-1"),
            door.rule(r"POST /containers/create\?name=.*_web_", "before"),
        )
        process = site.start(*words)
        assert rule.reached.wait(60)
        process.kill()
        process.communicate()
        door.rules.clear()
        assert f"adopt dev web {old}-web-1" in site.run("plan", "dev").out
        assert "took over" in site.run(*words).out
        assert read(port) == "precious\n"
        assert states(site).keys() == {f"{old}-cache-1"}
