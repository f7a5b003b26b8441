"""No drift that nobody made: every example, and a service of every field, looked at again and again."""

from __future__ import annotations

import re
import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest

from all_words import FILES, NEWER, WRITTEN
from clean_looks import PASSES, assess
from e2e import ALIVE, HEALTHY, QUICK, Site
from ground import RunningEngine
from local_registry import find_free_port

pytestmark = pytest.mark.engine
FOLDER = Path(__file__).resolve().parents[2] / "examples"
EXAMPLES = ("hello", "settings", "shop", "route", "from-compose")


def test_every_example_runs_and_never_drifts_by_itself(
    newest_engine: RunningEngine, registry_host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as stack:
        sites = [stack.enter_context(Site(newest_engine, registry_host)) for _ in EXAMPLES]
        for site, name in zip(sites, EXAMPLES, strict=True):
            take_example(site, name)
        applies = [site.start("apply", "dev") for site in sites]
        for site, process in zip(sites, applies, strict=True):
            site.finish(process, ("apply", "dev"))
        for site, name in zip(sites, EXAMPLES, strict=True):
            assert assess(site, 15, monkeypatch) == [], name


def take_example(site: Site, name: str) -> None:
    """Copy an example, under the site's project, with ports and a registry of this machine, and commit it."""
    site.forget("Environment", "dev")
    shutil.copytree(FOLDER / name, site.repository.path, dirs_exist_ok=True)
    if name == "from-compose":
        site.run("init")
    for path in site.repository.path.rglob("*"):
        if path.is_file() and path.suffix in ("", ".yaml") and ".git" not in path.parts:
            text = path.read_text().replace("busybox:1.36", site.busybox)
            text = text.replace("interval: 1s", "interval: 10s, start_period: 30s, start_interval: 300ms")
            text = re.sub(r"project: (repository|" + name + r")\b", f"project: {site.project}", text)
            text = text.replace(
                "{http: 8080,", f"{{image: {site.registry}/caddy:2, http: {find_free_port()},"
            )
            path.write_text(text.replace("8080:8080", f"{find_free_port()}:8080"))
    for secret_name in ("db-password", "api-token", "session-secret"):
        site.secret(secret_name, "correct-horse")
    site.commit()


def test_services_of_every_field_never_drift_by_themselves(
    newest_engine: RunningEngine, registry_host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Site(newest_engine, registry_host) as site:
        declare_every_field(site)
        site.commit({"page.txt": "a page\n", "pages/one.txt": "1\n", "pages/two/two.txt": "2\n", **FILES})
        site.apply()
        assert len(site.live()) >= 10
        assert assess(site, PASSES, monkeypatch) == []


def declare_every_field(site: Site) -> None:
    allowed, variables = {"host_mounts": [str(site.folder)]}, {"WHERE": "here"}
    site.declare("Environment", "dev", project=site.project, allow=allowed, variables=variables)
    site.declare("Network", "back", internal=True, labels={"tier": "back"})
    site.declare(
        "Network",
        "front",
        subnet="10.213.77.0/24",
        driver_opts={"com.docker.network.bridge.enable_icc": "true"},
    )
    site.declare("Volume", "state", labels={"keep": "yes"})
    site.declare("Config", "page", file="page.txt")
    site.declare("Config", "pages", file="pages")
    site.declare("Config", "inline", content="a = 1\n")
    site.declare("Secret", "token", description="for tests")
    for secret_name in ("token", "password"):
        site.secret(secret_name, f"correct-{secret_name}")
    site.service("seed", "echo done", restart="no", healthcheck=None)
    site.service(
        "process",
        None,
        entrypoint=["sh", "-c"],
        command=[ALIVE],
        environment={
            "A": "1",
            "EMPTY": "",
            "SPACES": " a  b ",
            "P": {"secret": "password"},
            "U": "x${secret:password}y",
        },
        user="1000:1000",
        working_dir="/tmp",
        labels={"team": "shop", "empty": ""},
        stop_signal="SIGINT",
        stop_grace_period="1500ms",
        restart="always",
    )
    site.service(
        "words", None, command=f"sh -c '{ALIVE.replace(chr(39), chr(34))}'", restart="unless-stopped"
    )
    site.service(
        "ports",
        ports=[
            f"127.0.0.1:{find_free_port()}:80",
            f"{find_free_port()}:81/udp",
            "82",
            f"[::1]:{find_free_port()}:83",
        ],
    )
    site.service("container", **WRITTEN, **NEWER, healthcheck={**HEALTHY, "start_interval": "300ms"})
    site.service(
        "limits",
        deploy={
            "replicas": 3,
            "resources": {
                "limits": {"cpus": "0.333", "memory": "64M", "pids": 60},
                "reservations": {"memory": "16M"},
            },
        },
    )
    site.service(
        "mounts",
        volumes=[
            "state:/state",
            "state:/again:ro",
            {"type": "tmpfs", "target": "/scratch"},
            {"type": "bind", "source": str(site.folder), "target": "/host", "read_only": True},
            "/etc/localtime:/etc/localtime:ro",
        ],
    )
    site.service(
        "files",
        configs=[
            {"source": "page", "target": "/etc/page.txt", "mode": "0o440", "uid": "1000", "gid": "1000"},
            {"source": "pages", "target": "/srv/pages"},
            {"source": "inline", "target": "/etc/inline.conf"},
        ],
        secrets=[{"source": "token", "target": "/etc/token", "mode": "0o440"}, "token"],
    )
    site.service(
        "nets",
        networks={"back": {"aliases": ["b", "bb"]}, "front": {}},
        depends_on={"seed": {"condition": "service_completed_successfully"}},
    )
    site.service(
        "checked", healthcheck={**HEALTHY, "timeout": "2s", "start_period": "100ms"}, depends_on=["nets"]
    )
    site.service(
        "shelled",
        healthcheck={"test": "true && true", "interval": "1s"},
        rollout={**QUICK, "order": "start-first", "max_surge": 2},
    )
    site.service("unchecked", healthcheck={"test": ["NONE"]})
