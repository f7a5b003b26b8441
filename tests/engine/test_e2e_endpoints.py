"""The whole way over ssh and over TLS, by the real command: build, apply, drift, logs; and every refusal."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from certificates import Authority, server_context, strict_server
from e2e import ENVIRONMENT, Site
from ground import RunningEngine
from relay import Relay
from route_clients import asking
from routed_site import HOST, RoutedSite
from ssh_server import SshServer, need_private_server

pytestmark = pytest.mark.engine

DEAD = "unix:///nowhere/docker.sock"
"""Where no engine is, so that only the way under test can lead to one."""
SAYS = ["sh", "-c", "cat /word; trap 'exit 0' TERM; while :; do sleep 0.2; done"]
LIMITED = {"resources": {"limits": {"memory": "128M"}}}


@pytest.fixture(scope="module", name="server")
def _server(newest_engine: RunningEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    need_private_server()
    with SshServer(tmp_path_factory.mktemp("ssh")) as server:
        yield server


@pytest.fixture(scope="module", name="authority")
def _authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "ours").make()


@pytest.fixture(name="site")
def _site(engine: RunningEngine, registry_host: str) -> Iterator[Site]:
    with Site(engine, registry_host) as site:
        site.variables["DOCKER_HOST"] = DEAD
        yield site


@pytest.fixture(name="one_site")
def _one_site(newest_engine: RunningEngine, registry_host: str) -> Iterator[Site]:
    with Site(newest_engine, registry_host) as site:
        site.variables["DOCKER_HOST"] = DEAD
        site.service("web")
        yield site


def reach(site: Site, **runtime: object) -> None:
    """Say how the engine is reached, and commit."""
    site.declare("Environment", ENVIRONMENT, project=site.project, runtime=runtime)
    site.commit()


def read_secrets(site: Site, place: Path) -> dict[str, object]:
    """Certificates as secrets; what the document says of them."""
    for name in ("ca", "cert", "key"):
        site.secret(f"engine-{name}", (place / f"{name}.pem").read_text())
    names = {"ca": "engine-ca", "certificate": "engine-cert", "key": "engine-key"}
    return {word: {"secret": name} for word, name in names.items()}


def test_everything_goes_over_ssh_with_one_login_a_command(site: Site, server: SshServer) -> None:
    server.trust()
    server.configure()
    site.variables |= server.client(site.variables["PATH"])
    endpoint = f"ssh://engine-1{site.engine.socket}"
    site.declare("Registry", "main", url=site.registry)
    site.image("app", {"Dockerfile": "FROM {busybox}\nCOPY word /word\n", "word": "built over ssh\n"})
    site.service("web", image="app", command=SAYS, deploy=LIMITED)
    reach(site, endpoint=endpoint)
    before = server.logins()
    site.apply()
    assert server.logins() == before + 1
    assert site.run("status", ENVIRONMENT).out.startswith(f"on {endpoint} (runtime.endpoint)\n")
    assert "built over ssh" in site.run("logs", ENVIRONMENT, "web").out
    site.hand("update", "--memory", "64m", "--memory-swap", "64m", site.one("web"))
    drift = site.run("drift", ENVIRONMENT, "--json", exits=2).json
    assert [diff["path"] for diff in drift["services"][0]["diffs"]] == ["deploy.resources.limits.memory"]
    site.apply()
    assert site.run("plan", ENVIRONMENT, "--json").json["endpoint"] == {
        "url": endpoint,
        "origin": "runtime.endpoint",
    }
    assert server.logins() == before + 6


def test_requests_are_led_over_ssh_and_none_is_lost(
    newest_engine: RunningEngine, registry_host: str, server: SshServer
) -> None:
    server.trust()
    server.configure()
    with RoutedSite(newest_engine, registry_host) as site:
        site.variables |= server.client(site.variables["PATH"])
        site.variables["DOCKER_HOST"] = DEAD
        site.environment(runtime={"endpoint": f"ssh://engine-1{site.engine.socket}"})
        site.web("one")
        site.commit()
        site.apply()
        with asking(site.port, HOST) as heard:
            site.web("two")
            site.commit()
            site.apply()
        assert not heard.lost
        assert heard.order == ["one", "two"]
        assert site.run("plan", ENVIRONMENT, "--json").json["settled"]


def test_everything_goes_over_tls_with_certificates_from_secrets(
    one_site: Site, authority: Authority
) -> None:
    site = one_site
    place = authority.issue(site.project)
    with Relay(site.engine.socket, tls=server_context(place)) as relay:
        site.declare("Registry", "main", url=site.registry)
        site.image("app", {"Dockerfile": "FROM {busybox}\nCOPY word /word\n", "word": "built over tls\n"})
        site.service("web", image="app", command=SAYS, deploy=LIMITED)
        reach(site, endpoint=f"tcp://127.0.0.1:{relay.port}", tls=read_secrets(site, place))
        applied = site.apply()
        assert "built over tls" in site.run("logs", ENVIRONMENT, "web").out
        site.hand("update", "--memory", "64m", "--memory-swap", "64m", site.one("web"))
        site.run("drift", ENVIRONMENT, exits=2)
        site.apply()
        assert "nothing to do" in site.run("plan", ENVIRONMENT).out
    assert "PRIVATE KEY" not in applied.all


def test_certificates_that_do_not_fit_are_told_apart(
    one_site: Site, authority: Authority, tmp_path: Path
) -> None:
    site, good = one_site, authority.issue("good")
    other = Authority(tmp_path / "other").make().issue("theirs")
    misnamed = authority.issue("misnamed", "DNS:elsewhere.example.com")
    folder = site.folder / "docker"
    site.variables["DOCKER_CONFIG"] = str(folder)

    def plan(port: int, ours: Path, word: str) -> None:
        folder.mkdir(exist_ok=True)
        for name in ("ca.pem", "cert.pem", "key.pem"):
            (folder / name).write_text(((good if name == "ca.pem" else ours) / name).read_text())
        variable = {f"RECONCILER_ENDPOINT_{ENVIRONMENT.upper()}": f"tcp://127.0.0.1:{port}"}
        ran = site.run("plan", ENVIRONMENT, exits=None, **variable)
        assert word in ran.all, ran.all

    site.commit()
    for shown, word in ((good, "1 action"), (misnamed, "DKR055"), (other, "DKR055")):
        with Relay(site.engine.socket, tls=server_context(shown)) as relay:
            plan(relay.port, good, word)
    with strict_server(good) as port:  # which says why it refuses, as an engine does
        plan(port, other, "DKR056")
    (folder / "key.pem").unlink()
    endpoint = {f"RECONCILER_ENDPOINT_{ENVIRONMENT.upper()}": "tcp://127.0.0.1:9"}
    assert "DKR057" in site.run("plan", ENVIRONMENT, exits=1, **endpoint).err


def test_what_the_docker_client_uses_is_used_where_the_document_names_nothing(
    one_site: Site, server: SshServer
) -> None:
    site = one_site
    server.trust()
    server.configure()
    site.variables |= server.client(site.variables["PATH"])
    folder, endpoint = site.folder / "docker", f"ssh://engine-1{site.engine.socket}"
    place = folder / "contexts/meta" / hashlib.sha256(b"far").hexdigest()
    place.mkdir(parents=True)
    meta = {"Name": "far", "Metadata": {}, "Endpoints": {"docker": {"Host": endpoint}}}
    (place / "meta.json").write_text(json.dumps(meta))
    (folder / "config.json").write_text(json.dumps({"currentContext": "far"}))
    site.variables["DOCKER_CONFIG"] = str(folder)
    site.commit()
    plan = site.run("plan", ENVIRONMENT, DOCKER_HOST="")
    assert plan.out.startswith(f"on {endpoint} (docker context far, current context in ")
    assert "1 action" in plan.out
    assert "DKR001" in site.run("plan", ENVIRONMENT, exits=None).all  # DOCKER_HOST comes before contexts
    assert "DKR008" in site.run("plan", ENVIRONMENT, exits=1, DOCKER_HOST="", DOCKER_CONTEXT="near").err
    (place / "meta.json").write_text("[" * 5000)
    assert "DKR008" in site.run("plan", ENVIRONMENT, exits=1, DOCKER_HOST="").err


def test_a_local_registry_and_an_engine_elsewhere_are_refused(one_site: Site, server: SshServer) -> None:
    site = one_site
    server.trust()
    server.configure()
    site.variables |= server.client(site.variables["PATH"])
    site.declare("Registry", "main", provider="local")
    site.image("app", {"Dockerfile": "FROM {busybox}\n"})
    site.service("web", image="app")
    reach(site, endpoint=f"ssh://engine-1{site.engine.socket}")
    assert "CLI012" in site.apply(exits=4).err
    assert not site.containers()


def test_a_named_builder_builds_and_one_that_is_not_there_is_told(one_site: Site) -> None:
    site = one_site
    site.variables["DOCKER_HOST"] = site.engine.docker_host
    site.declare("Registry", "main", url=site.registry)
    site.image("app", {"Dockerfile": "FROM {busybox}\nRUN echo built > /word\n"})
    site.service("web", image="app", command=["sleep", "1000"])
    reach(site, builder="nobody")
    assert "BLD003" in site.apply(exits=5).all
    reach(site, builder="default")
    site.apply()
    assert site.output("web", "cat", "/word") == "built"
