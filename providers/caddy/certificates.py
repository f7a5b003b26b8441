"""Who signs the certificates of the edge, and which are given. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

from providers.caddy.routes import Node
from reconciler.desired import Json
from reconciler.traffic import DesiredProxy
from specs.proxy import secrets_of

_PRIVATE = ("localhost", "local", "internal", "test", "lan", "home.arpa", "invalid", "example")
"""Ends of names for which no public authority signs."""


def given_hosts(proxy: DesiredProxy) -> frozenset[str]:
    """The hosts that have certificates of their own; nobody is asked for others."""
    return frozenset(host for it in proxy.settings.certificates for host in it.hosts)


def tls(proxy: DesiredProxy, pems: Mapping[str, str]) -> Node:
    """The app of certificates. ``pems``: what stands for the text of each secret of a certificate."""
    found: Node = {}
    if policies := _policies(proxy):
        found["automation"] = {"policies": policies}
    if loaded := _loaded(proxy, pems):
        found["certificates"] = {"load_pem": loaded}
    return found


def unsigned_hosts(proxy: DesiredProxy, hosts: Iterable[str]) -> list[str]:
    """The hosts for which nobody is asked: they are given, or a wildcard, which a public authority does not
    sign for who only answers requests."""
    given = given_hosts(proxy)
    wild = proxy.settings.issuer == "acme"
    return sorted(host for host in set(hosts) if host in given or (wild and host.startswith("*.")))


def _policies(proxy: DesiredProxy) -> list[Json]:
    hosts = {host for it in proxy.routes for host in it.route.all_hosts}
    wanted = sorted(hosts - set(unsigned_hosts(proxy, hosts)))
    public = [host for host in wanted if proxy.settings.issuer == "acme" and _is_public(host)]
    private = [host for host in wanted if host not in public]
    acme: Node = {"module": "acme"}
    if proxy.settings.email:
        acme["email"] = proxy.settings.email
    internal: Node = {"module": "internal"}
    named = ((public, acme), (private, internal))
    return [{"subjects": list(subjects), "issuers": [issuer]} for subjects, issuer in named if subjects]


def _is_public(host: str) -> bool:
    has_digits_alone = all(part.isdecimal() for part in host.split("."))
    private = any(host == end or host.endswith(f".{end}") for end in _PRIVATE)
    return "." in host and not private and not has_digits_alone


def loaded_pairs(proxy: DesiredProxy, known: Container[str]) -> list[tuple[str, str]]:
    """The names of the secrets of each certificate that is given, where both texts are known; in order."""
    pairs = sorted({secrets_of(it) for it in proxy.settings.certificates})
    return [pair for pair in pairs if pair[0] in known and pair[1] in known]


def _loaded(proxy: DesiredProxy, pems: Mapping[str, str]) -> list[Json]:
    return [
        {"certificate": pems[certificate], "key": pems[key]} for certificate, key in loaded_pairs(proxy, pems)
    ]
