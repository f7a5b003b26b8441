"""Versions that are no good, under requests: the old one serves, and it is told what was wrong."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ground import RunningEngine
from route_clients import asking
from routed_site import HOST, ROLLOUT, RoutedSite, serving

pytestmark = pytest.mark.engine

SHORT = {**ROLLOUT, "deadline": "3s"}
LONG = {**ROLLOUT, "monitor": "8s"}
LIMITED = {"resources": {"limits": {"memory": "16M"}}}
COUNTS = (
    "mkdir -p /www/cgi-bin; printf '#!/bin/sh\\necho >>/n; echo; echo counted\\n' >/www/cgi-bin/page;"
    "chmod +x /www/cgi-bin/page; echo ok >/www/healthz; echo counted >/www/index.html; touch /n;"
    "httpd -p 8080 -h /www; "
)
"""A server whose page counts its requests."""


@pytest.fixture(name="site")
def _site(newest_engine: RunningEngine, registry_host: str) -> Iterator[RoutedSite]:
    with RoutedSite(newest_engine, registry_host) as site:
        yield site


def test_what_is_no_good_is_told_and_the_old_one_serves(site: RoutedSite) -> None:
    site.web("one")
    site.commit()
    site.apply()
    first = site.live("web")
    with asking(site.port, HOST) as heard:
        site.web("bad", "echo no prices >&2; exit 3", rollout=SHORT)
        site.commit()
        assert "no prices" in site.apply(exits=5).out
        unready = serving("bad").replace("/healthz", "/other")
        site.web("bad", f"echo the table is missing; {unready}", rollout=SHORT)
        site.commit()
        told = site.apply(exits=5).out
        assert "404" in told
        assert "the table is missing" in told
        assert site.live("web") == first
        assert set(heard.answers) == {"one"}
        # It is ready late, and deaf to TERM.
        site.web(
            "two", COUNTS.replace("counted", "two") + "sleep 1; while :; do sleep 1; done", rollout=SHORT
        )
        site.commit()
        site.apply()
    assert not heard.lost
    assert heard.order == ["one", "two"]
    second = site.short_ids()
    bad = COUNTS.replace("counted", "bad")
    with asking(site.port, HOST, "/cgi-bin/page") as heard:
        # Its page goes on: a page that is removed under a request is closed without an answer by its server,
        # which is a 502 of that version's own making.
        stops = "sleep 2; rm /www/healthz; while :; do sleep 1; done"
        site.web("bad", f"{bad} {stops}", rollout=LONG)
        site.commit()
        assert "it does not answer any more" in site.apply(exits=5).out
        assert site.short_ids() == second
        assert set(heard.lost) <= {"status 503"}, "our answer until two is back"
        load = 'while [ "$$(wc -l </n)" -lt 20 ]; do sleep 0.1; done; exec tail /dev/zero'
        site.web("bad", f"{bad} {load}", rollout=LONG, deploy=LIMITED)
        site.commit()
        assert "memory" in site.apply(exits=5).out
        assert site.short_ids() == second
        before = heard.lost.total()
        site.run("plan", "dev")
    assert heard.lost.total() == before
    assert heard.order[-1] == "two"
