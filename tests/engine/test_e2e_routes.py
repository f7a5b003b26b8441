"""A routed service is deployed again under requests, and none is lost."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from e2e import Site
from ground import RunningEngine
from local_registry import find_free_port
from route_clients import asking

pytestmark = pytest.mark.engine

HOST = "shop.example.com"
ROLLOUT = {"monitor": "300ms", "deadline": "20s", "drain": "5s"}
READY = {"http": "/healthz", "interval": "200ms", "healthy_for": "200ms"}


def serving(words: str) -> str:
    return f"mkdir -p /www; echo {words} > /www/index.html; echo ok > /www/healthz; exec httpd -f -p 8080 -h /www"


class RoutedSite(Site):
    """A site whose environment has a proxy on a port of loopback."""

    port: int

    def __enter__(self) -> RoutedSite:
        super().__enter__()
        self.port = find_free_port()
        proxy = {
            "image": f"{self.registry}/caddy:2",
            "http": self.port,
            "https": "none",
            "address": "127.0.0.1",
        }
        self.declare("Environment", "dev", project=self.project, proxy=proxy)
        return self

    def web(self, words: str, **spec: object) -> None:
        given: dict[str, object] = {
            "route": {"host": HOST, "port": 8080, "ready": READY},
            "rollout": ROLLOUT,
            "healthcheck": {"disable": True},
            **spec,
        }
        self.service("web", serving(words), **given)

    def read(self, path: str = "/", host: str = HOST) -> tuple[int, str]:
        asked = Request(f"http://127.0.0.1:{self.port}{path}", headers={"Host": host})
        try:
            with urlopen(asked, timeout=10) as answer:
                return int(answer.status), answer.read().decode().strip()
        except HTTPError as error:
            return error.code, error.read().decode().strip()


@pytest.fixture(name="site")
def _site(newest_engine: RunningEngine, registry_host: str) -> Iterator[RoutedSite]:
    with RoutedSite(newest_engine, registry_host) as site:
        yield site


def test_nothing_is_lost_in_updates(site: RoutedSite) -> None:
    site.web("one")
    site.service("neighbour")
    site.commit()
    site.apply()
    assert site.read() == (200, "one")
    assert site.output("neighbour", "wget", "-qO-", "http://web:8080/") == "one"
    assert site.read(host="other.example.com")[0] == 404

    with asking(site.port, HOST) as heard:
        for words in ("two", "three"):
            site.web(words, deploy={"replicas": 2})
            site.commit()
            site.apply()
    assert not heard.lost
    assert heard.order[0] == "one"
    assert heard.order[-1] == "three"
    assert site.output("neighbour", "wget", "-qO-", "http://web:8080/") == "three"
    again = site.run("plan", "dev", "--json").json
    assert again["settled"]
    assert again["actions"] == []
