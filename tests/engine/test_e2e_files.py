"""Files and secrets in read-only containers, a secret that is rotated, and the lock, on real engines."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from e2e import Site
from ground import RunningEngine

pytestmark = pytest.mark.engine


@pytest.fixture(name="site")
def _site(newest_engine: RunningEngine, registry_host: str) -> Iterator[Site]:
    with Site(newest_engine, registry_host) as site:
        yield site


def mounts(site: Site, service_name: str) -> list[dict[str, str]]:
    (container,) = [c for name, c in site.containers(service_name).items() if not name.endswith("_kept")]
    found: list[dict[str, str]] = container["Mounts"]
    return found


def secret_volumes(site: Site) -> set[str]:
    return {name for name in site.inventory()["volumes"] if "_secret_" in name}


def test_files_and_a_rotated_secret_in_a_read_only_container(site: Site) -> None:
    site.declare("Config", "one", file="conf/one.conf")
    site.declare("Config", "tree", file="conf")
    site.declare("Config", "text", content="written in the spec\n")
    for name in ("token", "other"):
        site.declare("Secret", name)
        site.secret(name, f"canary-{name}-1")
    site.service(
        "web",
        read_only=True,
        user="1000:1000",
        volumes=[{"type": "tmpfs", "target": "/run"}],
        configs=[
            {"source": "one", "target": "/etc/one.conf", "uid": "1000", "gid": "1000", "mode": "0o400"},
            {"source": "tree", "target": "/etc/tree", "mode": "0o440", "gid": "1000"},
            {"source": "text", "target": "/etc/text"},
        ],
        secrets=["token", {"source": "token", "target": "/etc/key", "mode": "0o444", "uid": "7", "gid": "8"}],
    )
    site.service("calm", secrets=["other"])
    site.commit({"conf/one.conf": "one\n", "conf/sub/two.conf": "two\n"})
    site.apply()
    show = "cat /etc/one.conf /etc/tree/sub/two.conf /etc/text /run/secrets/token /etc/key"
    assert (
        site.output("web", "sh", "-c", show) == "one\ntwo\nwritten in the spec\ncanary-token-1canary-token-1"
    )
    paths = "/etc/one.conf /etc/tree/sub/two.conf /run/secrets/token /etc/key"
    stats = site.output("web", "sh", "-c", f"stat -c '%a %u %g' {paths}").split("\n")
    assert stats == ["400 1000 1000", "440 0 1000", "400 1000 1000", "444 7 8"]
    assert "canary" not in site.hand("inspect", site.one("web"))
    (first,) = secret_volumes(site)

    assert site.run("drift", "dev", "--deep", "--json").json["result"] == "clean"
    (tree,) = {m["Name"] for m in mounts(site, "web") if m["Destination"] == "/etc/tree"}
    meddle = "echo mine > /v/sub/two.conf; chmod 666 /v/one.conf; touch /v/new"
    site.hand("run", "--rm", "--volume", f"{tree}:/v", site.busybox, "sh", "-c", meddle)
    assert site.run("drift", "dev").exit == 0
    told = site.run("drift", "dev", "--deep", exits=2).out
    whole = site.run("drift", "dev", "--deep", "--json", exits=2).out
    for words in ("new is new", "one.conf has another owner or mode", "sub/two.conf has other content"):
        assert words in whole
    command = re.search(r"made again: docker (rm .*) && docker (volume rm .*), then apply", told)
    assert command, told
    for words in command.groups():
        site.hand(*words.split())
    site.apply()
    assert site.run("drift", "dev", "--deep").exit == 0

    calm, web = site.live("calm"), site.live("web")
    site.secret("token", "canary-token-2")
    planned = site.run("plan", "dev")
    assert "secrets" in planned.out
    assert "secrets" in site.run("why", "dev", "web").out
    site.apply()
    assert site.output("web", "cat", "/run/secrets/token") == "canary-token-2"
    assert site.live("calm") == calm
    assert not site.live("web").keys() & web.keys()
    assert first in secret_volumes(site)  # the kept instance is the way back
    site.secret("token", "canary-token-3")
    site.apply()
    assert first not in secret_volumes(site)
    assert site.run("plan", "dev", "--json").json["settled"]
    for ran in (planned, site.run("plan", "dev", "--json"), site.run("why", "dev", "web", "--json")):
        assert "canary" not in ran.all


def test_a_lock_restarts_nobody_and_an_update_its_users_alone(
    newest_engine: RunningEngine, registry_host: str
) -> None:
    with Site(newest_engine, registry_host) as site:
        lock_and_update(site)


def lock_and_update(site: Site) -> None:
    name = f"{site.registry}/{site.project}/base:1"
    site.hand("pull", "--quiet", site.busybox)
    push(site, site.busybox, name)
    site.declare("Registry", "main", provider="oci", url=site.registry)
    site.image("api", {"Dockerfile": f"FROM {name}\nCOPY start /start\n", "start": "echo\n"})
    site.service("api", image="api")
    site.service("web", image=name)
    site.service("calm")
    site.commit()
    site.apply()
    assert f"floating: {site.busybox}, {name}" in site.run("plan", "dev").out
    before = site.live()
    assert site.run("lock", "--json").json["result"] == "written"
    assert site.run("lock", "--json").json["result"] == "nothing"
    site.commit()
    site.apply()
    assert site.live() == before  # the same bytes, so nobody is restarted

    moved = f"{site.registry}/{site.project}/moved:1"
    site.engine.cli("build", "--tag", moved, "-", text=f"FROM {site.busybox}\nLABEL moved=1\n")
    push(site, moved, name)
    told = site.run("plan", "dev", "--json").json
    assert told["settled"]
    assert told["images"]["api"]["bases"][0]["moved"] is True
    assert told["images"][name]["bases"][0]["moved"] is True
    assert site.run("lock", "--update", name, "--json").json["result"] == "written"
    site.commit()
    site.apply()
    after = site.live()
    assert {n for n in before if n in after} == {site.one("calm")}
    assert site.run("plan", "dev", "--json").json["settled"]


def push(site: Site, image: str, name: str) -> None:
    site.engine.cli("tag", image, name)
    site.engine.cli("push", name)
