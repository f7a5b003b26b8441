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


def test_what_never_answers_well_gets_no_request(site: RoutedSite) -> None:
    site.web("one")
    site.commit()
    site.apply()
    first = site.live("web")
    with asking(site.port, HOST) as heard:
        site.web("bad", "echo no prices >&2; exit 3", rollout=SHORT)
        site.commit()
        told = site.apply(exits=5).out
        assert "no prices" in told
        site.web(
            "bad", f"echo the table is missing; {serving('bad').replace('/healthz', '/other')}", rollout=SHORT
        )
        site.commit()
        told = site.apply(exits=5).out
        assert "404" in told
        assert "the table is missing" in told
        assert site.live("web") == first
        assert set(heard.answers) == {"one"}
        deaf = serving("two").replace("exit 0", ":").replace("& wait", "& while :; do wait; done")
        site.web("two", f"sleep 1; {deaf}", rollout=SHORT)
        site.commit()
        site.apply()
        site.web("three")
        site.commit()
        site.apply()
    assert not heard.lost
    assert heard.order == ["one", "two", "three"]


def test_what_fails_after_the_switch_is_taken_back_out(site: RoutedSite) -> None:
    site.web("one", COUNTS.replace("counted", "one") + "wait; while :; do sleep 1; done")
    site.commit()
    site.apply()
    first = site.short_ids()
    with asking(site.port, HOST, "/cgi-bin/page") as heard:
        bad = COUNTS.replace("counted", "two")
        site.web(
            "bad",
            f"{bad} sleep 2; rm /www/healthz /www/cgi-bin/page; while :; do sleep 1; done",
            rollout=LONG,
        )
        site.commit()
        told = site.apply(exits=5).out
        assert "it does not answer any more" in told
        assert site.short_ids() == first
        assert set(heard.lost) <= {"status 404", "status 503"}, (
            "its own answers, and ours until the old one is back"
        )
        heard.lost.clear()
        load = 'while [ "$$(wc -l </n)" -lt 20 ]; do sleep 0.1; done; exec tail /dev/zero'
        site.web("bad", f"{bad} {load}", rollout=LONG, deploy=LIMITED)
        site.commit()
        told = site.apply(exits=5).out
        assert "memory" in told
        assert site.short_ids() == first
        before = heard.lost.total()
        site.apply(exits=5)
    assert heard.lost.total() == before
    assert heard.order[-1] == "one"
