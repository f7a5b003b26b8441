"""Each field that a Service can declare is meddled with on a live engine: seen, named and healed, or said why
not. Labels stay as they were, so what tells is the live object alone."""

from __future__ import annotations

import copy
from typing import Any

import pytest

import drift_page
from clean_looks import PASSES, assess
from drift_rows import UPDATED, find_leaves
from drift_site import UPDATE, declare
from drift_table import ROWS
from e2e import Site
from ground import RunningEngine
from local_registry import find_free_port
from specs.service import Service

PUBLISHED = ("target", "published", "host_ip", "protocol")


def test_every_field_has_a_row() -> None:
    assert set(find_leaves(Service)) == set(ROWS)


def test_the_page_says_what_the_rows_say() -> None:
    assert drift_page.PAGE.read_text() == drift_page.page(), "run python tests/support/drift_page.py"


def make_again(site: Site, service_name: str, edits: list[Any]) -> None:
    """Remove the container of a service and make it again by hand: the same name and labels, other fields."""
    name = site.one(service_name)
    seen = site.containers(service_name)[name]
    body = {**copy.deepcopy(seen["Config"]), "HostConfig": copy.deepcopy(seen["HostConfig"])}
    body["HostConfig"].pop("Binds", None)
    for edit in edits:
        edit(body)
    for mount in body["HostConfig"].get("Mounts") or ():
        if "Source" in mount:
            mount["Source"] = mount["Source"].replace("PROJECT", site.project)
    first, *others = list(seen["NetworkSettings"]["Networks"]) or [None]
    if first not in (None, "none", "host"):
        own = [a for a in seen["NetworkSettings"]["Networks"][first]["Aliases"] if a != seen["Id"][:12]]
        body["NetworkingConfig"] = {"EndpointsConfig": {first: {"Aliases": own}}}
    site.hand("rm", "--force", name)
    made = site.ask("POST", f"/containers/create?name={name}", body)
    for other in others:
        site.hand("network", "connect", "--alias", service_name, other, name)
    site.ask("POST", f"/containers/{made['Id']}/start")


def place_elsewhere(site: Site, api: tuple[int, int]) -> None:
    """The same network with other addresses."""
    name, net = site.one("placed"), api[1] + 100
    front = next(n for n in site.containers("placed")[name]["NetworkSettings"]["Networks"] if "_front_" in n)
    site.hand("network", "disconnect", front, name)
    addresses = {
        "IPv4Address": f"10.213.{net}.50",
        "IPv6Address": f"fd13:{net}::50",
        "LinkLocalIPs": ["169.254.8.9"],
    }
    endpoint = {"IPAMConfig": addresses, "Aliases": ["placed"]}
    path = f"/v{api[0]}.{api[1]}/networks/{front}/connect"
    site.ask("POST", path, {"Container": name, "EndpointConfig": endpoint})
    if api >= (1, 44):
        masked = site.one("masked")
        site.hand("network", "disconnect", front, masked)
        site.hand("network", "connect", "--alias", "masked", front, masked)


@pytest.mark.engine
def test_every_field_that_a_hand_changes_is_seen_named_and_healed(
    engine: RunningEngine, registry_host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    major, minor = map(int, engine.api.split("."))
    api = (major, minor)
    ports = {word: find_free_port() for word in PUBLISHED}
    rows = {leaf: row for leaf, row in ROWS.items() if row.path and row.since <= api}
    with Site(engine, registry_host) as site:
        declare(site, ports, api)
        site.commit()
        site.apply()
        if api >= (1, 45):
            declare_subpath(site)
        assert assess(site, max(10, PASSES // 4), monkeypatch) == [], "drift that nobody made"
        before = site.live()
        meddle(site, rows, api)

        told = site.run("drift", "dev", "--json", exits=2).json
        seen = {
            service["service"]: {d["path"] for d in service["diffs"] if d["origin"] == "live"}
            for service in told["services"]
        }
        wanted: dict[str, set[str]] = {service: set() for service in seen}
        for row in rows.values():
            wanted[row.service] |= {path_of(row.path, ports), *row.also}
        wrong = {s: (wanted[s] ^ seen[s]) for s in seen if wanted[s] != seen[s]}
        assert not wrong, wrong
        assert all(service["heal"] for service in told["services"] if seen[service["service"]])

        site.apply()
        assert site.run("drift", "dev", "--json").json["result"] == "clean"
        assert site.apply("--json").json["outcomes"] == []
        after = site.live()
        for service in ("limits", "placed", "bystander"):
            assert {i for n, (i, _) in after.items() if f"_{service}_" in n} == {
                i for n, (i, _) in before.items() if f"_{service}_" in n
            }, f"{service} is healed in place"


def path_of(path: str, ports: dict[str, int]) -> str:
    """The path that drift names: of a port it holds the numbers."""
    word = path.removeprefix("ports.")
    if path == word:
        return path
    number = {"target": "80/tcp", "published": "81/tcp", "host_ip": "82/tcp", "protocol": "83/udp"}[word]
    return f"ports.127.0.0.1:{ports[word]}->{number}"


def declare_subpath(site: Site) -> None:
    """A folder of a volume can be mounted only where it is already."""
    site.output("mounts", "mkdir", "-p", "/type/app")
    options = {"type": "volume", "source": "state", "target": "/sub", "volume": {"subpath": "app"}}
    site.service("subpath", volumes=[options])
    site.commit()
    site.apply()


def meddle(site: Site, rows: dict[str, Any], api: tuple[int, int]) -> None:
    """All of it at once, past the command."""
    site.hand("volume", "create", "--label", f"e2e={site.project}", f"{site.project}-other")
    by_service: dict[str, list[Any]] = {}
    for row in rows.values():
        if row.edit is not None:
            by_service.setdefault(row.service, []).append(row.edit)
    for service_name, edits in by_service.items():
        make_again(site, service_name, edits)
    if any(row.how == UPDATED for row in rows.values()):
        site.hand(*UPDATE, site.one("limits"))
    place_elsewhere(site, api)
