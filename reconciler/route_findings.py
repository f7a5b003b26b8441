"""What ``doctor`` says of routes: the ports that their proxy needs, and the names that lead to it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.findings import Finding
from specs.proxy import EDGE, Proxy

PART = "route"
_INSIDE = (".localhost", ".local", ".internal", ".test", ".invalid", ".example", ".home.arpa")
"""Ends of names for which no authority that is publicly trusted signs."""
_ACME = frozenset((80, 443))
"""An authority asks back on one of these ports, whatever we listen on."""


@dataclass(frozen=True, slots=True)
class PortUse:
    """Who holds a port of the host. ``holder``: a container that is not ours; ``is_ours``: our own edge."""

    port: int
    holder: str = ""
    is_ours: bool = False
    answers: bool = False
    """Something answers there, seen from this machine, where that is the engine's."""


def judge_port(use: PortUse) -> Finding:
    """Whether the proxy can have it."""
    name = f"port {use.port}"
    if use.holder:
        seen = f"{use.holder}, which is not ours, holds it"
        return Finding(
            PART, name, "problem", seen, "stop that, or write another port: proxy.http, proxy.https"
        )
    if use.is_ours:
        return Finding(PART, name, "ok", f"{EDGE} holds it")
    if use.answers:
        seen, remedy = "something on this machine answers there", f"ss -ltnp 'sport = :{use.port}'"
        return Finding(PART, name, "problem", seen, remedy)
    return Finding(PART, name, "ok", f"no other container publishes it; {EDGE} will")


def judge_host(host: str, addresses: tuple[str, ...] | None, proxy: Proxy) -> Finding:
    """Whether a host name leads anywhere: a hint, since it may lead somewhere else from here.
    ``addresses`` None: that could not be asked."""
    own = {name for certificate in proxy.certificates for name in certificate.hosts}
    needs_authority = proxy.https != "none" and proxy.issuer == "acme" and host not in own
    if needs_authority and ("." not in host or host.endswith(_INSIDE)):
        seen = (
            "no public authority signs for such a name: the proxy does, and no client trusts that by itself"
        )
        return Finding(PART, host, "warning", seen, "a certificate of your own, or https: none")
    if needs_authority and host.startswith("*."):
        seen = "an authority signs for a wildcard only by DNS, which the proxy does not do"
        return Finding(PART, host, "warning", seen, "a certificate of your own: proxy.certificates")
    if addresses is None:
        return Finding(PART, host, "ok", "not asked" if host.startswith("*.") else "no answer: not known")
    if not addresses:
        remedy = "let its DNS record lead to the engine's host"
        return Finding(PART, host, "warning", "it resolves to nothing, seen from here", remedy)
    return Finding(PART, host, "ok", f"it resolves to {', '.join(addresses[:3])}, seen from here")


def judge_authority(proxy: Proxy, hosts: Iterable[str]) -> tuple[Finding, ...]:
    """Whether an authority that is asked for certificates can ask back."""
    own = {name for certificate in proxy.certificates for name in certificate.hosts}
    if proxy.https == "none" or proxy.issuer != "acme" or own.issuperset(hosts):
        return ()
    if _ACME & {proxy.http, proxy.https}:
        return ()
    seen = f"certificates are asked for, and the proxy listens on {proxy.http} and {proxy.https}"
    remedy = "let 80 or 443 of these names lead there; or certificates of your own; or issuer: internal"
    return (Finding(PART, "certificates", "warning", seen, remedy),)
