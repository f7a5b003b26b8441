"""Strategies, streams and neighbours under requests."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from ground import Ground
from route_clients import asking
from routed_site import HOST, READY, ROLLOUT, RoutedSite, serving
from running_loop import until

pytestmark = pytest.mark.engine

EVENTS = (
    "mkdir -p /www/cgi-bin; cd /www/cgi-bin; "
    "printf '#!/bin/sh\\necho Content-Type: text/event-stream; echo; "
    "while :; do echo data; echo; sleep 0.1; done\\n' >events; chmod +x events; "
)
CALLS = "while :; do timeout 9 wget -qO- http://web:8080 && echo >>/good || echo >>/bad; usleep 50000; done"
API = {"host": "api.example.com", "port": 8080, "ready": READY}
CANARY = {**ROLLOUT, "strategy": "canary", "steps": [{"weight": 20, "pause": "500ms"}, {"weight": 50}]}


class Stream:
    """An event stream through the edge; it ends with its instance."""

    def __init__(self, port: int) -> None:
        self.line = socket.create_connection(("127.0.0.1", port))
        head = f"GET /cgi-bin/events HTTP/1.1\r\nHost: {HOST}\r\nAccept: text/event-stream\r\n\r\n"
        self.line.sendall(head.encode())
        self.heard = b""

    def goes_on(self) -> bool:
        """Wait for an event, or the end."""
        self.line.settimeout(20)
        self.heard = self.heard[-10:] + self.line.recv(1 << 16)
        return not self.heard.endswith(b"0\r\n\r\n")

    def catch_up(self) -> bool:
        """Whether it goes on, when all that came until now is read."""
        self.line.setblocking(False)
        try:
            while piece := self.line.recv(1 << 16):
                self.heard = self.heard[-10:] + piece
        except BlockingIOError:
            return self.goes_on()
        return False


@pytest.fixture(name="site")
def _site(ground: Ground, registry_host: str) -> Iterator[RoutedSite]:
    with RoutedSite(next(iter(ground.engines.values())), registry_host) as site:
        yield site


def test_strategies_streams_and_neighbours(site: RoutedSite) -> None:
    site.web("one", EVENTS + serving("one"))
    site.web("api", name="api", route=API)
    site.commit()
    site.apply()
    site.service("neighbour", CALLS)
    site.commit()
    site.apply()
    stream = Stream(site.port)
    with asking(site.port, HOST) as heard:
        site.web("new", name="api", route=API)
        site.web("two", rollout={**ROLLOUT, "drain_streams": "60s", "strategy": "blue-green"})
        site.commit()
        process = site.start("apply", "dev")
        until(lambda: site.read(host="api.example.com") == (200, "new") and site.says("two"))
        assert stream.catch_up(), "it outlives the rollout of another service, and the switch of its own"
        until(lambda: "1 stream in flight" in site.run("plan", "dev").out)
        stream.line.close()
        site.finish(process, ("apply", "dev"))
        site.web("three", rollout=CANARY)
        site.commit()
        assert "50 % of the requests" in site.apply().out
        assert site.slots() >= site.short_ids()
        site.run("rollout", "dev", "web", "--next")
        site.apply()
    assert not heard.lost
    assert heard.order[0] == "one"
    assert heard.order[-1] == "three"
    assert site.output("neighbour", "sh", "-c", "[ -s /good ] && cat /bad 2>/dev/null || echo none") == "none"
