"""What `docker compose up` makes beside what `init` and `apply` make of the same files, on a real engine."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
import yaml

from compose_effect import effect
from e2e import Site
from ground import RunningEngine
from local_registry import find_free_port
from reconciler.cli.initialise import render_documents

pytestmark = pytest.mark.engine
RUN = """["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.2; done"]"""
FILE = """
x-common: &common
  image: ${IMAGE}
  command: COMMAND
  restart: unless-stopped
  stop_grace_period: 2s
  environment: &env {SHARED: "1", PRICE: "5$$", TAG: "${TAG:-none}"}
services:
  web:
    <<: *common
    environment: {<<: *env, MODE: "${MODE}", GREETING: "hello $MODE", N: 0440, F: 1.50, YES: true}
    env_file: settings.env
    ports: ["127.0.0.1:PORT1:8080", "127.0.0.1:PORT2:53/udp"]
    labels: ["team=front", "rule=Host(`a.b`)"]
    volumes:
      - data:/data
      - ./conf/app.conf:/etc/app.conf:ro
      - ./conf/folder:/etc/folder:ro
      - {type: tmpfs, target: /scratch, tmpfs: {size: 1048576}}
    configs: [{source: motd, target: /etc/motd}]
    networks: {front: {aliases: [www, site]}, back: }
    depends_on: {db: {condition: service_started}}
    healthcheck: {test: "test -d / && true", interval: 1s, timeout: 2s, retries: 4, start_period: 1s}
    mem_limit: 64m
    cpus: 0.5
    pids_limit: 100
    user: "1000:1000"
    working_dir: /tmp
    stop_signal: SIGINT
    hostname: web-host
    extra_hosts: ["other:10.1.2.3"]
    dns: [10.9.9.9]
    dns_search: [a.test]
    dns_opt: [use-vc]
    cap_drop: [NET_RAW]
    cap_add: [NET_ADMIN]
    security_opt: [no-new-privileges:true]
    ulimits: {nofile: {soft: 1000, hard: 2000}, nproc: 500}
    sysctls: {net.core.somaxconn: 256}
    shm_size: 32m
    init: true
    group_add: ["20"]
    logging: {driver: json-file, options: {max-size: 1m, max-file: "2"}}
    cpu_shares: 512
    oom_score_adj: 100
    expose: ["9000"]
  db:
    <<: *common
    read_only: true
    tmpfs: [/run]
    tty: true
    stdin_open: true
    networks: [back]
    deploy: {resources: {limits: {cpus: "0.25", memory: 32M, pids: 50}, reservations: {memory: 16M}}}
    secrets: [key]
  side:
    <<: *common
    network_mode: "service:web"
    depends_on: [web]
  open:
    <<: *common
    network_mode: host
    pid: host
    ipc: host
    entrypoint: ["sh", "-c"]
    command: ["trap 'exit 0' TERM; while :; do sleep 0.2; done"]
    privileged: true
networks: {front: , back: {internal: true}}
volumes: {data: }
configs: {motd: {content: "hello ${MODE}\\n"}}
secrets: {key: {file: ./key}}
"""
OVERRIDE = """
services:
  web:
    environment: {MODE: over}
    labels: {team: back, extra: "1"}
    dns: !override [10.8.8.8]
"""
SHOWN = {
    "web": ("/etc/app.conf", "/etc/folder/a", "/etc/folder/b/c", "/etc/motd"),
    "db": ("/run/secrets/key",),
}


class Composed:
    """`docker compose` in the site's repository; what it made goes with the test."""

    def __init__(self, site: Site) -> None:
        self.site = site
        site.hands.append(lambda: self.run("down", "--volumes", "--timeout", "1"))

    def run(self, *words: str) -> str:
        site = self.site
        kept = {
            k: v for k, v in site.variables.items() if k in ("PATH", "HOME", "DOCKER_HOST", "DOCKER_CONFIG")
        }
        done = subprocess.run(
            [site.engine.docker, "compose", "-p", f"{site.project}-compose", *words],
            cwd=site.repository.path,
            env=kept,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def containers(self) -> dict[str, dict[str, Any]]:
        """Inspected, by service."""
        found = {}
        for row in self.site.listed(
            "containers/json", f"com.docker.compose.project={self.site.project}-compose"
        ):
            inspected = self.site.ask("GET", f"/containers/{row['Id']}/json")
            found[row["Labels"]["com.docker.compose.service"]] = inspected
        return found


def shown(site: Site, containers: dict[str, dict[str, Any]]) -> dict[str, str]:
    """The content of the files that come from git."""
    return {
        f"{name}:{path}": site.hand("exec", containers[name]["Id"], "cat", path)
        for name, paths in SHOWN.items()
        for path in paths
    }


def write_project(site: Site) -> None:
    site.forget("Environment", "dev")
    text = FILE.replace("COMMAND", RUN)
    for word in ("PORT1", "PORT2"):
        text = text.replace(word, str(find_free_port()))
    site.repository.write(
        {
            "compose.yaml": text,
            "compose.override.yaml": OVERRIDE,
            ".env": f"IMAGE={site.busybox}\nMODE=dev\nCOMPOSE_PROJECT_NAME={site.project}-compose\n",
            "settings.env": "FROM_FILE=yes\nMODE=file\n",
            "conf/app.conf": "a = 1\n",
            "conf/folder/a": "A\n",
            "conf/folder/b/c": "C\n",
            "key": "secret value\n",
        }
    )


def test_the_effect_is_that_of_docker_compose_up(newest_engine: RunningEngine, registry_host: str) -> None:
    with Site(newest_engine, registry_host) as site:
        write_project(site)
        composed = Composed(site)
        composed.run("up", "-d")
        theirs = composed.containers()
        their_files = shown(site, theirs)
        composed.run("down", "--timeout", "1")
        told = json.loads(site.run("init", "--json").out)
        assert [note for note in told["remarks"] if note["topic"] in ("dropped", "renamed")] == []
        take_as_own(site)
        site.run("init", "--secrets", str(site.folder / "secrets"))
        site.commit()
        site.apply()
        ours = {row["Config"]["Labels"]["reconciler.service"]: row for row in site.containers().values()}
        assert shown(site, ours) == their_files
        assert set(ours) == set(theirs)
        for name, container in theirs.items():
            expected, found = effect(container, name), effect(ours[name], name)
            differ = {w: (expected[w], found[w]) for w in expected if expected[w] != found[w]}
            assert differ == {}, name
        assert site.run("drift", "dev").exit == 0
        names = {mount.get("Name") for mount in ours["web"]["Mounts"]}
        assert f"{site.project}-compose_data" in names, "the volume that Compose made is not kept"


def take_as_own(site: Site) -> None:
    """Name the site's project, and let a version count as proved soon."""
    for path in (site.repository.path / "specs").glob("*.yaml"):
        documents = list(yaml.safe_load_all(path.read_text()))
        for document in documents:
            if document["kind"] == "Environment":
                document["spec"]["project"] = site.project
            elif document["kind"] == "Service":
                document["spec"]["rollout"] = {"monitor": "200ms", "deadline": "20s"}
        path.write_text(render_documents(documents))
