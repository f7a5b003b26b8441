"""Labels by which other proxies are told where requests go: `init` hints at a route, and changes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconciler.cli import initialise
from reconciler.cli.options import Options

CASES = {
    "traefik": (
        {
            "traefik.http.routers.web.rule": "Host(`Shop.example.com`) && PathPrefix(`/api/`)",
            "traefik.http.services.web.loadbalancer.server.port": "8080",
        },
        "route: {host: shop.example.com, path: /api, port: 8080}",
    ),
    "traefik with several": (
        {"traefik.http.routers.web.rule": "Host(`b.example.com`, `a.example.com`) || Host('c.example.com')"},
        "route: {hosts: [a.example.com, b.example.com, c.example.com], port: PORT}",
    ),
    "traefik that is no name": (
        {"traefik.http.routers.web.rule": "HostRegexp(`^.+$$`) && Host(`$${oops}`)"},
        "route: {port: PORT}",
    ),
    "caddy": (
        {"caddy": "https://shop.example.com, www.example.com", "caddy.reverse_proxy": "{{upstreams 3000}}"},
        "route: {hosts: [shop.example.com, www.example.com], port: 3000}",
    ),
    "other labels": ({"traefik.enable": "true", "caddy.tls": "internal"}, None),
}


@pytest.mark.parametrize("case", CASES)
def test_a_route_that_would_do_is_told(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere")
    labels, hint = CASES[case]
    root = tmp_path / "shop"
    root.mkdir()
    compose = {"services": {"web": {"image": "nginx:1.27", "labels": labels}}}
    (root / "compose.yaml").write_text(json.dumps(compose))
    report = initialise.run(Options("init", repo=str(root)))
    remarks = report.members["remarks"]
    assert isinstance(remarks, list)
    told = [str(r["text"]) for r in remarks if isinstance(r, dict) and r["topic"] == "route"]
    assert [hint in text for text in told if hint] == ([True] if hint else []), told
    written = (root / "specs/web.yaml").read_text()
    assert all(name in written for name in labels), "labels stay"
