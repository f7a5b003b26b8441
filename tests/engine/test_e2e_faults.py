"""A world that does not answer, is full, or holds what is not ours: nothing is deleted, and it is said."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e import ALIVE, SERVING, Site
from e2e_door import Door
from e2e_registries import refuse_storage, running
from fake_registry import FakeRegistry
from ground import RunningEngine
from local_registry import find_free_port

pytestmark = pytest.mark.engine
BUILD = {"Dockerfile": f'FROM {{busybox}}\nCOPY note /note\nCMD ["sh", "-c", "{ALIVE}"]\n', "note": "one\n"}


@pytest.fixture(name="site")
def _site(newest_engine: RunningEngine, registry_host: str) -> Iterator[Site]:
    with Site(newest_engine, registry_host) as site:
        yield site


def test_a_port_that_a_stranger_holds_is_told_and_the_old_one_goes_on(site: Site) -> None:
    port, other = find_free_port(), find_free_port()
    site.service("web", SERVING, ports=[f"127.0.0.1:{other}:8080"])
    site.commit()
    site.apply()
    before = site.live()
    server = http.server.HTTPServer(("127.0.0.1", port), http.server.BaseHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        site.service("web", SERVING, ports=[f"127.0.0.1:{port}:8080"])
        site.commit()
        told = site.apply("--timeout", "15s", exits=None)
        assert told.exit in (4, 5), told.all
        assert str(port) in told.out
        assert {identity for identity, _ in before.values()} <= {i for i, _ in site.live().values()}, told.all
        assert site.run("status", "dev", "--json").json["services"][0]["replicas"]["ready"] == 1
    finally:
        server.shutdown()
        server.server_close()
    site.run("retry", "dev", "web", exits=None)
    site.apply()
    (row,) = [row for name, row in site.containers().items() if name in site.live()]
    assert row["HostConfig"]["PortBindings"]["8080/tcp"][0]["HostPort"] == str(port)


def test_a_container_that_holds_the_port_is_named_before_anything_stops(site: Site) -> None:
    port = find_free_port()
    stranger = f"{site.project}-stranger"
    site.hand(
        "run",
        "-d",
        "--name",
        stranger,
        "--label",
        f"e2e={site.project}",
        "-p",
        f"{port}:80",
        "busybox:1.36",
        "sleep",
        "99",
    )
    site.service("web", ports=[f"{port}:8080"])
    site.commit()
    told = site.apply(exits=4)
    assert stranger in told.out
    assert f"port {port}" in told.out
    assert site.containers() == {}


def test_registries_that_are_down_refuse_or_are_full(site: Site) -> None:
    site.declare("Registry", "main", provider="oci", url=f"127.0.0.1:{find_free_port()}")
    site.service("other")
    site.image("web", BUILD)
    site.service("web", None, image="web")
    site.commit()
    down = site.apply("--timeout", "15s", exits=3)
    assert "127.0.0.1" in down.out
    assert [name.split("_")[2] for name in site.live()] == ["other"], "others are deployed"
    other = site.live()

    login = {"username": "ci", "password": {"secret": "push"}}
    with running(FakeRegistry(login=("ci", "right-horse"), mode="basic")) as guarded:
        site.declare("Registry", "main", provider="oci", url=guarded.host, auth=login)
        site.commit()
        word = f"RECONCILER_SECRET_{site.project.upper().replace('-', '_')}__DEV__PUSH"
        wrong = site.apply("--timeout", "6s", exits=3, **{word: "wrong-canary"})
        assert guarded.host in wrong.out
        assert "wrong-canary" not in wrong.all
        assert not guarded.count("POST", r".*/blobs/uploads/.*")
        missing = site.apply("--timeout", "6s", exits=3)
        assert "push" in missing.all
        right = site.apply("--timeout", "10s", exits=None, **{word: "right-horse"})
        assert guarded.count("PUT", r".*/manifests/in-.*") >= 1, right.all

    with running(FakeRegistry()) as full:
        full.twist("POST", r".*/blobs/uploads/", refuse_storage, times=-1)
        site.declare("Registry", "main", provider="oci", url=full.host)
        site.repository.write({"web/note": "two\n"})
        site.commit()
        told = site.apply("--timeout", "40s", exits=5)
        assert "507" in told.out or "no space left" in told.out, told.all
    assert other.items() <= site.live().items()


def test_an_engine_that_goes_away_in_the_middle_costs_nothing(site: Site, tmp_path: Path) -> None:
    for name in "abc":
        site.service(name)
    site.commit()
    site.apply()
    before = site.live()
    site.service("a", environment={"A": "2"})
    site.service("d", environment={"A": "2"})
    site.forget("Service", "c")
    site.commit()
    with Door(tmp_path / "door.sock", site.engine.socket) as door:
        site.variables["RECONCILER_ENDPOINT_DEV"] = door.endpoint
        created = door.rule(r"POST /containers/create", "after")
        process = site.start("apply", "dev", "--timeout", "15s")
        assert created.reached.wait(30)
        door.shut()
        ended = site.finish(process, ("apply", "dev"), exits=3)
        assert "door.sock" in ended.all
        for verb in ("plan", "drift", "status", "apply"):
            words = ("--timeout", "5s") if verb == "apply" else ()
            away = site.run(verb, "dev", *words, exits=3)
            assert "door.sock" in away.all
        assert before.items() <= site.live().items() or "c" not in str(site.live())
        door.rules.clear()
        door.open()
        site.apply()
    assert {name.split("_")[2] for name in site.live()} == set("abd")
    assert site.live("b").items() <= before.items()


@pytest.mark.parametrize("listing", [r"GET /containers/json", r"GET /networks", r"GET /volumes"])
def test_a_list_that_fails_is_not_an_empty_list(site: Site, tmp_path: Path, listing: str) -> None:
    for name in "ab":
        site.service(name)
    site.commit()
    site.apply()
    before, inventory = site.live(), site.inventory()
    site.forget("Service", "b")
    site.commit()
    with Door(tmp_path / "door.sock", site.engine.socket) as door:
        site.variables["RECONCILER_ENDPOINT_DEV"] = door.endpoint
        door.rule(listing, "refuse")
        told = site.apply("--timeout", "5s", exits=3)
        assert "the engine is not well" in told.all
        assert not [call for call in door.changes() if "/containers/" in call or "DELETE" in call], (
            door.changes()
        )
        assert (site.live(), site.inventory()) == (before, inventory)
        assert site.run("drift", "dev", exits=3 if "volumes" not in listing else None).exit in (0, 3)
        door.rules.clear()
        site.apply()
    assert {name.split("_")[2] for name in site.live()} == {"a"}


def test_namesakes_are_told_and_left_alone(site: Site) -> None:
    mark = ("--label", f"e2e={site.project}")
    site.declare("Volume", "state")
    site.service("web", volumes=["state:/state"])
    site.service("other", networks={"back": {}})
    site.declare("Network", "back")
    site.commit()
    site.hand("volume", "create", *mark, f"{site.project}_dev_state")
    told = site.apply(exits=4)
    assert f"{site.project}_dev_state" in told.out
    assert "is not ours" in told.out
    assert "remove or rename it" in told.out
    assert [name.split("_")[2] for name in site.live()] == ["other"]
    assert site.listed("volumes", f"e2e={site.project}")[0]["Labels"] == {"e2e": site.project}

    name = next(row["Name"] for row in site.listed("networks", site.owner) if "_back_" in row["Name"])
    site.run("destroy", "dev", f"--confirm={site.run('destroy', 'dev', '--json', exits=4).json['confirm']}")
    site.hand("network", "create", *mark, name)
    identity = site.hand("network", "inspect", "-f", "{{.Id}}", name)
    told = site.apply(exits=4)
    assert name in told.out
    assert site.live() == {}
    assert site.hand("network", "inspect", "-f", "{{.Id}}", name) == identity
