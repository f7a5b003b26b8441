"""What `doctor` says of routes: ports, host names, certificates."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from cli_world import CliWorld, make_world
from reconciler.cli.doctor import parts
from reconciler.cli.envelope import Report
from reconciler.cli.examine import examine_secrets
from reconciler.cli.examine_routes import examine_routes
from reconciler.cli.workspace import Workspace
from reconciler.clients import Clients
from reconciler.findings import Finding
from reconciler.route_findings import PortUse, judge_authority, judge_host, judge_port
from specs.model import SecretRef
from specs.proxy import Certificate, Proxy

SPECS = """\
apiVersion: reconciler/v1
kind: Environment
metadata: {name: dev}
spec:
  project: shop
  proxy:
    http: 8080
    https: 8443
    certificates: [{hosts: [a.example.com], certificate: {secret: crt}, key: {secret: key}}]
---
apiVersion: reconciler/v1
kind: Service
metadata: {name: web}
spec: {image: "busybox:1.36", route: {hosts: [a.example.com, "*.b.example.com"], port: 8080}}
"""
PLAIN = Proxy(https="none")
OWN = Certificate(hosts=("a.b",), certificate=SecretRef(secret="c"), key=SecretRef(secret="k"))


def test_ports_names_and_secrets_are_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    world: CliWorld = make_world(tmp_path / "repository", {"specs/shop.yaml": SPECS})
    world.engine.hand.take_port(8080, "nginx")

    async def resolve(host: str) -> tuple[str, ...]:
        return ("192.0.2.7",) if host == "a.example.com" else ()

    async def ask(workspace: Workspace, clients: Clients) -> Report:
        assert "route" in [part for part, _, _ in parts(workspace)]
        routes = await examine_routes(workspace, clients, resolve)
        found: Sequence[Finding] = (*routes, *await examine_secrets(workspace, clients))
        return Report(0, "".join(f"{f.part} {f.name}: {f.verdict}, {f.seen}\n" for f in found))

    assert world.run(ask).text == (
        "route port 8080: problem, nginx, which is not ours, holds it\n"
        "route port 8443: ok, no other container publishes it; reconciler-edge will\n"
        "route certificates: warning, certificates are asked for, and the proxy listens on 8080 and 8443\n"
        "route *.b.example.com: warning, an authority signs for a wildcard only by DNS, which the proxy does"
        " not do\n"
        "route a.example.com: ok, it resolves to 192.0.2.7, seen from here\n"
        "secret crt: problem, it has no value here\n"
        "secret key: problem, it has no value here\n"
    )


@pytest.mark.parametrize(
    ("found", "verdict", "words"),
    [
        (judge_port(PortUse(80, is_ours=True)), "ok", "reconciler-edge holds it"),
        (judge_port(PortUse(80, answers=True)), "problem", "something on this machine answers"),
        (judge_host("shop.internal", ("10.0.0.1",), Proxy()), "warning", "no public authority"),
        (judge_host("shop.internal", ("10.0.0.1",), PLAIN), "ok", "10.0.0.1"),
        (judge_host("shop.internal", ("10.0.0.1",), Proxy(issuer="internal")), "ok", "10.0.0.1"),
        (judge_host("a.b", (), Proxy(certificates=(OWN,))), "warning", "resolves to nothing"),
        (judge_host("a.b", None, PLAIN), "ok", "not known"),
    ],
)
def test_each_is_judged(found: Finding, verdict: str, words: str) -> None:
    assert (found.verdict, words in found.seen) == (verdict, True)


def test_an_authority_must_be_able_to_ask_back() -> None:
    odd = partial(Proxy, http=8080, https=8443)
    assert judge_authority(odd(), ["a.b"])
    for well in (Proxy(), odd(issuer="internal"), odd(certificates=(OWN,)), PLAIN):
        assert judge_authority(well, ["a.b"]) == ()
