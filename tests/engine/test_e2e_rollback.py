"""Back to what ran, as a user does it: the bytes, the labels, the commit; and forward again by git alone."""

from __future__ import annotations

import asyncio
import time
import urllib.request
from collections.abc import Iterator

import pytest

from e2e import SERVING, Site
from ground import RunningEngine
from local_registry import find_free_port
from providers.oci import open_registry
from reconciler.ownership import Owner
from reconciler.record import Record
from reconciler.record_text import read_record
from specs.reference import ImageRef

pytestmark = pytest.mark.engine

DOCKERFILE = 'FROM {busybox}\nCOPY www /www\nCOPY start /start\nCMD ["sh", "/start"]\n'
PERSON = {
    f"GIT_{role}_{word}": "ann@example.com" for role in ("AUTHOR", "COMMITTER") for word in ("NAME", "EMAIL")
}


@pytest.fixture(name="site")
def _site(newest_engine: RunningEngine, registry_host: str) -> Iterator[Site]:
    with Site(newest_engine, registry_host, variables=PERSON) as site:
        yield site


def read(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
        return str(answer.read().decode())


def recorded(site: Site) -> dict[str, str]:
    """Service -> commit, as the environment's record in the registry says."""
    host, _, path = site.registry.partition("/")
    ref = ImageRef(host, f"{path}/{site.project}-records".removeprefix("/"), "record-dev")

    async def read_it() -> bytes | None:
        async with open_registry(host) as registry:
            return await registry.record(ref)

    found = read_record(asyncio.run(read_it()), Owner(site.project, "dev"), time.time(), 3600.0)
    assert isinstance(found, Record), found
    assert all(proof.ready == 1 and proof.healthy_since for proof in found.proofs.values())
    return {name: proof.commit for name, proof in found.proofs.items()}


def test_back_and_forward(site: Site) -> None:
    port = find_free_port()
    site.declare("Registry", "main", provider="oci", url=site.registry)
    site.declare("Environment", "dev", project=site.project, record="main")
    site.image("web", {"Dockerfile": DOCKERFILE, "www/index.html": "one\n", "start": f"{SERVING}\n"})
    site.declare("Config", "page", file="page.txt")
    page = [{"source": "page", "target": "/etc/page.txt"}]
    site.service("web", None, image="web", ports=[f"127.0.0.1:{port}:8080"], configs=page)
    site.service("other")
    first = site.commit({"page.txt": "first\n"})
    site.apply()
    (before,) = site.containers("web").values()
    second = site.commit({"page.txt": "second\n", "web/www/index.html": "two\n"})
    site.apply()
    assert recorded(site) == {"web": second, "other": second}
    assert (read(port), site.output("web", "cat", "/etc/page.txt")) == ("two\n", "second")
    untouched = site.live("other")

    said = site.run("rollback", "dev", "--reason", "it says two", "--json").json
    assert (said["schema"], said["result"], said["applied"]["result"]) == (
        "reconciler/rollback/v1",
        "written",
        "settled",
    )
    assert [service["service"] for service in said["services"]] == ["web"]
    assert (read(port), site.output("web", "cat", "/etc/page.txt")) == ("one\n", "first")
    assert recorded(site)["web"] == first, "who promotes from the record must not take what was refused"
    after = site.containers("web")[site.one("web")]["Config"]["Labels"]
    for word in ("fingerprint", "image", "input", "spec"):
        assert after[f"reconciler.{word}"] == before["Config"]["Labels"][f"reconciler.{word}"]
    assert site.live("other") == untouched
    assert site.repository.git("log", "--format=%H", "-2").splitlines() == [said["commit"], second]
    assert site.repository.git("status", "--short") == ""
    assert site.run("plan", "dev", "--json", "--exit-code").json["settled"]

    # What ran is gone altogether: it is made again from its commit, not built again.
    site.hand("rm", "-f", *site.containers("web"))
    healed = site.apply("--json").json
    assert "build" not in {outcome["verb"] for outcome in healed["outcomes"]}
    labels = site.containers("web")[site.one("web")]["Config"]["Labels"]
    assert (labels["reconciler.pin"], labels["reconciler.commit"]) == (first, said["commit"])
    assert (read(port), site.output("web", "cat", "/etc/page.txt")) == ("one\n", "first")

    site.commit({"page.txt": "third\n"})
    site.apply()
    assert (read(port), site.output("web", "cat", "/etc/page.txt")) == ("two\n", "third")
