"""What `docker compose up` makes beside what `init` and `apply` make of the same files, on a real engine."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from typing import Any

import pytest

from clean_looks import assess
from compose_site import RUN, Composed, convert, differences, ours, take_from_corpus
from e2e import Site
from ground import RunningEngine
from local_registry import find_free_port

pytestmark = pytest.mark.engine
PASSES = 25
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


def shown(site: Site, containers: dict[str, dict[str, Any]]) -> dict[str, str]:
    """The content of the files that come from git."""
    return {
        f"{name}:{path}": site.hand("exec", containers[name]["Id"], "cat", path)
        for name, paths in SHOWN.items()
        for path in paths
    }


def write_project(site: Site) -> None:
    site.forget("Environment", "dev")
    text = FILE.replace("COMMAND", json.dumps(RUN))
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
        told = convert(site)
        assert [note for note in told["remarks"] if note["topic"] in ("dropped", "renamed")] == []
        site.apply()
        found = ours(site)
        assert shown(site, found) == their_files
        assert set(found) == set(theirs)
        assert differences(theirs, found) == {}
        names = {mount.get("Name") for mount in found["web"]["Mounts"]}
        assert f"{composed.project}_data" in names, "the volume that Compose made is not kept"


MOVING = """
services:
  web:
    image: IMAGE
    command: COMMAND
    restart: unless-stopped
    stop_grace_period: 1s
    volumes: [data:/data, /unnamed]
volumes: {data: }
"""


def test_what_compose_runs_is_taken_over_with_its_data(
    newest_engine: RunningEngine, registry_host: str
) -> None:
    with Site(newest_engine, registry_host) as site:
        site.forget("Environment", "dev")
        composed = Composed(site)
        text = MOVING.replace("IMAGE", site.busybox).replace("COMMAND", json.dumps(RUN))
        site.repository.write({"compose.yaml": text, ".env": f"COMPOSE_PROJECT_NAME={composed.project}\n"})
        composed.run("up", "-d")
        container = composed.containers()["web"]
        name = container["Name"].lstrip("/")
        unnamed = next(m["Name"] for m in container["Mounts"] if m["Destination"] == "/unnamed")
        site.hands.insert(0, lambda: site.hand("volume", "rm", "--force", unnamed))
        site.hand("exec", name, "sh", "-c", "echo kept >/data/x; echo kept >/unnamed/x")
        told = convert(site)
        assert {note["topic"] for note in told["remarks"]} == {"data", "volume"}
        assert told["adopt"] == [{"service": "web", "container": name}]
        blocked = site.run("plan", "dev", "--json").json
        assert {block["code"] for block in blocked["blocks"]} == {"PLAN033"}
        shown = site.run("adopt", "dev", "web", name, exits=4).out
        found = re.search(r"--confirm=(\S+)", shown)
        assert found
        site.run("adopt", "dev", "web", name, f"--confirm={found[1]}")
        assert site.output("web", "cat", "/data/x", "/unnamed/x").split() == ["kept", "kept"]
        assert composed.containers() == {}
        after = site.run("plan", "dev", "--json").json
        assert (after["settled"], after["actions"], after["blocks"]) == (True, [], [])


SAMPLE = ("rails", "redis-cluster")


def test_projects_of_the_corpus_run_as_under_compose_and_never_drift(
    newest_engine: RunningEngine, registry_host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as stack:
        sites = {name: stack.enter_context(Site(newest_engine, registry_host)) for name in SAMPLE}
        theirs: dict[str, dict[str, dict[str, Any]]] = {}
        for name, site in sites.items():
            composed = Composed(site)
            take_from_corpus(site, composed, name)
            composed.run("up", "-d")
            theirs[name] = composed.containers()
            composed.run("down", "--timeout", "0")
            convert(site)
        applies = {name: site.start("apply", "dev") for name, site in sites.items()}
        for name, process in applies.items():
            sites[name].finish(process, ("apply", "dev"))
        for name, site in sites.items():
            assert differences(theirs[name], ours(site)) == {}, name
            assert assess(site, PASSES, monkeypatch) == [], name
