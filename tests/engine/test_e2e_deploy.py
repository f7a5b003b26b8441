"""Git push to deploy, as a user does it: build, push, deploy, change, scale, prune."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterator

import pytest

from e2e import SERVING, Site
from ground import RunningEngine
from local_registry import find_free_port

pytestmark = pytest.mark.engine

DOCKERFILE = 'FROM {busybox}\nCOPY www /www\nCOPY start /start\nCMD ["sh", "/start"]\n'


def source(words: str) -> dict[str, str]:
    return {"Dockerfile": DOCKERFILE, "www/index.html": f"{words}\n", "start": f"{SERVING}\n"}


@pytest.fixture(name="site")
def _site(newest_engine: RunningEngine, registry_host: str) -> Iterator[Site]:
    with Site(newest_engine, registry_host) as site:
        yield site


def read(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
        return str(answer.read().decode())


def test_the_main_job(engine: RunningEngine, registry_host: str) -> None:
    with Site(engine, registry_host) as site:
        if engine.version.startswith("20"):
            site.declare("Registry", "main", provider="local", port=find_free_port())
        else:
            site.declare("Registry", "main", provider="oci", url=registry_host)
        port = find_free_port()
        for name in ("web", "api"):
            site.image(name, source(f"{name} one"))
        site.declare("Config", "page", file="page.txt")
        site.service("web", None, image="web", ports=[f"127.0.0.1:{port}:8080"])
        site.service("api", None, image="api")
        site.service("reader", configs=[{"source": "page", "target": "/etc/page.txt"}])
        site.commit({"page.txt": "first\n", "README.md": "one\n"})

        before = site.run("plan", "dev", "--json").json
        assert not before["settled"]
        assert site.inventory() == {"containers": set(), "networks": set(), "volumes": set()}

        site.apply()
        assert read(port) == "web one\n"
        assert site.output("web", "wget", "-qO-", "http://api:8080/") == "api one"
        assert site.output("reader", "cat", "/etc/page.txt") == "first"

        running, inventory = site.live(), site.inventory()
        again = site.apply("--json").json
        assert (again["result"], again["outcomes"]) == ("settled", [])
        assert (site.live(), site.inventory()) == (running, inventory)
        assert site.run("plan", "dev", "--json", "--exit-code").json["settled"]

        site.commit({"README.md": "two\n"})
        assert site.apply("--json").json["outcomes"] == []
        assert site.live() == running

        site.commit({"web/www/index.html": "web two\n"})
        told = site.apply("--json").json
        assert [o["subject"]["name"] for o in told["outcomes"] if o["verb"] == "build"] == ["web"]
        assert read(port) == "web two\n"
        assert {n: v for n, v in site.live().items() if "_web_" not in n} == {
            n: v for n, v in running.items() if "_web_" not in n
        }
        assert set(site.live("web")).isdisjoint(running)
        why = site.run("why", "dev", "web").out
        assert "www/index.html" in why

        running = site.live()
        site.commit({"page.txt": "second\n"})
        told = site.apply("--json").json
        assert {o["subject"]["name"] for o in told["outcomes"] if o["subject"]["kind"] == "Service"} == {
            "reader"
        }
        assert site.output("reader", "cat", "/etc/page.txt") == "second"
        assert [n for n, v in site.live().items() if running.get(n) != v] == [site.one("reader")]


def test_scale_up_and_down_touches_nobody_else(site: Site) -> None:
    site.service("web")
    site.commit()
    site.apply()
    one = site.live()
    site.service("web", deploy={"replicas": 3})
    site.commit()
    site.apply()
    three = site.live()
    assert len(three) == 3
    assert one.items() <= three.items()
    assert site.run("status", "dev", "--json").json["services"][0]["replicas"] == {"desired": 3, "ready": 3}
    site.service("web", deploy={"replicas": 1})
    site.commit()
    told = site.apply("--json").json
    assert site.live() == one
    assert len([o for o in told["outcomes"] if o["verb"] == "remove"]) == 2
    site.service("web", deploy={"replicas": 0})
    site.commit()
    site.apply()
    assert site.live() == {}
    assert site.apply("--json").json["outcomes"] == []


def test_what_left_git_goes_and_a_guard_asks_before_most_of_it_goes(site: Site) -> None:
    for name in "abcde":
        site.service(name)
    site.commit()
    site.apply()
    site.forget("Service", "e")
    site.commit()
    site.apply()
    assert {name.split("_")[2] for name in site.live()} == set("abcd")

    for name in "bcd":
        site.forget("Service", name)
    site.service("f")
    site.commit()
    site.declare("Environment", "dev", project=site.project, prune={"limit": 2})
    site.commit()
    running = site.live()
    refused = site.apply(exits=4)
    found = re.search(r"--allow-prune=([0-9a-f]+)", refused.out)
    assert found, refused.all
    assert running.items() <= site.live().items(), "what the guard protects is as it was"
    assert site.live("f"), "and what the guard is not about was done"
    assert site.run("plan", "dev", "--json").json["prune_id"] == found[1]
    site.apply(f"--allow-prune={found[1][::-1]}", exits=4)
    assert len(site.live()) == 5
    site.apply(f"--allow-prune={found[1]}")
    assert {name.split("_")[2] for name in site.live()} == {"a", "f"}
    assert site.live("a").items() <= running.items()


def test_rename_of_a_service_starts_the_new_and_removes_the_old(site: Site) -> None:
    site.declare("Volume", "state")
    site.service("old", volumes=["state:/state"])
    site.service("other")
    site.commit()
    site.apply()
    other = site.live("other")
    site.hand("exec", site.one("old"), "sh", "-c", "echo kept > /state/note")
    site.forget("Service", "old")
    site.service("new", volumes=["state:/state"])
    site.commit()
    site.apply()
    assert {name.split("_")[2] for name in site.live()} == {"new", "other"}
    assert site.output("new", "cat", "/state/note") == "kept"
    assert site.live("other") == other


def test_destroy_removes_everything_but_data(site: Site) -> None:
    site.declare("Volume", "state")
    site.declare("Config", "page", content="hello")
    site.service("web", volumes=["state:/state"], configs=[{"source": "page", "target": "/etc/page"}])
    site.commit()
    site.apply()
    asked = site.run("destroy", "dev", exits=4)
    found = re.search(r"--confirm=([0-9a-f]+)", asked.out)
    assert found
    assert f"{site.project}_dev_state" in asked.out
    assert len(site.live()) == 1
    site.run("destroy", "dev", f"--confirm={found[1]}")
    left = site.inventory()
    assert left["containers"] == left["networks"] == set()
    assert {name for name in left["volumes"] if "_marker_" not in name} == {f"{site.project}_dev_state"}
    site.apply()
    assert len(site.live()) == 1
