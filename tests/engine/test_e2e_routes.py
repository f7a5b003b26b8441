"""A routed service is deployed again under requests, and none is lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ground import RunningEngine
from route_clients import asking
from routed_site import HOST, READY, RoutedSite, serving

pytestmark = pytest.mark.engine


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
        for words, port in (("two", 8080), ("three", 9090)):
            script = serving(words).replace("8080", str(port))
            route = {"host": HOST, "port": port, "ready": READY}
            site.web(words, script, route=route, deploy={"replicas": 2})
            site.commit()
            site.apply()
    assert not heard.lost
    assert heard.order[0] == "one"
    assert heard.order[-1] == "three"
    assert site.output("neighbour", "wget", "-qO-", "http://web:9090/") == "three"
    again = site.run("plan", "dev", "--json").json
    assert again["settled"]
    assert again["actions"] == []
