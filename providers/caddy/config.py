"""What a proxy of Caddy is to do, as Caddy's JSON. Pure.

The listener of the admin API is not in it: CADDY_ADMIN of the container says where that is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from providers.caddy.certificates import tls, unsigned_hosts
from providers.caddy.door import door
from providers.caddy.place import DEFAULT_HTTP, DEFAULT_HTTPS, Place
from providers.caddy.routes import Node, answer, at_and_below, exactly, redirect, service_handlers
from reconciler.desired import Json
from reconciler.traffic import EDGE, DesiredProxy, DesiredRoute
from specs.proxy import Proxy

GRACE = "25s"
"""How long requests in flight may end when the process is told to."""
_HEADERS = 64 << 10
_SAMPLING: Json = {"interval": 1_000_000_000, "first": 20, "thereafter": 1000}
"""Of one message in a second the first twenty are logged: a route without a table would fill the disk."""
_NO_SERVICE = "nothing is served under this name\n"
_ITSELF = ("127.0.0.0/8", "::1")
_CIRCLE = "a request in a circle\n"


def desired_config(
    service_name: str, proxy: DesiredProxy, pems: Mapping[str, str], place: Place | None = None
) -> Node:
    """The configuration of the edge or of the inner proxy. ``pems``: name of a secret of a certificate ->
    its text, or what stands for it in a comparison."""
    place = place or Place()
    is_edge = service_name == EDGE
    servers = {"edge": _edge(proxy, place)} if is_edge else _inner(proxy, place)
    http: Node = {"grace_period": GRACE, "servers": {**servers, "door": door(place)}}
    if place.http != DEFAULT_HTTP:
        http["http_port"] = place.http
    if place.https != DEFAULT_HTTPS:
        http["https_port"] = place.https
    apps: Node = {"http": http}
    if is_edge and proxy.settings.https != "none":
        apps["tls"] = tls(proxy, pems)
        apps["pki"] = {"certificate_authorities": {"local": {"install_trust": False}}}
    return {"logging": {"logs": {"default": {"level": "WARN", "sampling": _SAMPLING}}}, "apps": apps}


def _edge(proxy: DesiredProxy, place: Place) -> Node:
    settings = proxy.settings
    found = _server(_edge_routes(proxy, place))
    if settings.trusted_proxies:
        found["trusted_proxies"] = {"source": "static", "ranges": list(settings.trusted_proxies)}
    if settings.https == "none":
        listen: list[Json] = [f"{place.address}:{place.http}"]
        return {**found, "listen": listen, "automatic_https": {"disable": True}, "protocols": ["h1"]}
    # A browser is told of HTTP/3 by the port inside; where it is published under another, that would mislead.
    signed: list[Json] = ["h1", "h2", *(["h3"] if settings.https == place.https else [])]
    hosts = {host for it in proxy.routes for host in it.route.all_hosts}
    automatic: Node = {"disable_redirects": True}
    if skipped := unsigned_hosts(proxy, hosts):
        automatic["skip_certificates"] = list(skipped)
    return {
        **found,
        "listen": [f"{place.address}:{place.http}", f"{place.address}:{place.https}"],
        "automatic_https": automatic,
        "tls_connection_policies": [{}],
        "listen_protocols": [["h1"], signed],
    }


def _server(routes: list[Json]) -> Node:
    # What we forward says so in its Via. A table that was damaged by hand leads to the proxy itself.
    circle: Json = {"remote_ip": {"ranges": list(_ITSELF)}, "header": {"Via": ["*Caddy*"]}}
    first: Json = {"match": [circle], "handle": [answer(508, _CIRCLE)], "terminal": True}
    last: Json = {"handle": [answer(404, _NO_SERVICE)]}
    return {"max_header_bytes": _HEADERS, "routes": [first, *routes, last]}


@dataclass(frozen=True, slots=True)
class _Way:
    """One route of the edge; the first that fits a request counts. ``rank`` orders them."""

    rank: tuple[int, int, int, str, str]
    hosts: tuple[str, ...]
    path: Json
    """The matcher of the path; None for all."""
    handle: list[Json]

    def route(self) -> Json:
        match: Node = {"host": list(self.hosts)}
        if self.path is not None:
            match["path_regexp"] = self.path
        return {"match": [match], "handle": self.handle, "terminal": True}


def _edge_routes(proxy: DesiredProxy, place: Place) -> list[Json]:
    found: list[Json] = []
    hosts = sorted({host for it in proxy.routes for host in it.route.all_hosts})
    if proxy.settings.https != "none" and proxy.settings.redirect and hosts:
        match: Node = {"protocol": "http", "host": list(hosts)}
        if proxy.settings.trusted_proxies:
            # Who came to the one in front of us by https has done what is asked here.
            ranges: Json = {"ranges": list(proxy.settings.trusted_proxies)}
            match["not"] = [{"header": {"X-Forwarded-Proto": ["https"]}, "remote_ip": ranges}]
        found.append({"match": [match], "handle": [_to_https(proxy.settings)], "terminal": True})
    ways = [way for it in proxy.routes for way in _ways(it, place)]
    return [*found, *(way.route() for way in sorted(ways, key=lambda way: way.rank))]


def _to_https(settings: Proxy) -> Json:
    port = "" if settings.https == DEFAULT_HTTPS else f":{settings.https}"
    return redirect(f"https://{{http.request.host}}{port}{{http.request.uri}}", 308)


def _ways(it: DesiredRoute, place: Place) -> list[_Way]:
    """A name before a wildcard, a longer wildcard before a shorter one; a path alone before the start of
    one, a longer start before a shorter one."""
    found: list[_Way] = []
    for depth, hosts in _groups(it.route.all_hosts):
        for rule in it.route.redirects:
            rank = (depth, 0, 0, rule.path, it.service_name)
            found.append(_Way(rank, hosts, exactly(rule.path), [redirect(rule.to, rule.status)]))
        path = None if it.route.path == "/" else at_and_below(it.route.path)
        rank = (depth, 1, -len(it.route.path), it.route.path, it.service_name)
        handle = service_handlers(it.service_name, it.route, place, outside=True)
        found.append(_Way(rank, hosts, path, handle))
    return found


def _groups(hosts: tuple[str, ...]) -> list[tuple[int, tuple[str, ...]]]:
    """Hosts by what they are: names first, then wildcards by their number of labels, the longest first."""
    depths = {host: -host.count(".") if host.startswith("*.") else -1000 for host in hosts}
    return [
        (depth, tuple(host for host in hosts if depths[host] == depth))
        for depth in sorted(set(depths.values()))
    ]


def _inner(proxy: DesiredProxy, place: Place) -> Node:
    ports = sorted({it.route.port for it in proxy.routes})
    return {f"port-{port}": _inner_server(proxy, port, place) for port in ports}


def _inner_server(proxy: DesiredProxy, port: int, place: Place) -> Node:
    here = [it for it in proxy.routes if it.route.port == port]
    return {
        **_server([_inner_route(it, place, len(here) == 1) for it in here]),
        "listen": [f"{place.address}:{port}"],
        "automatic_https": {"disable": True},
        "protocols": ["h1"],
        # Neighbours are believed, as an instance that they call itself would believe them.
        "trusted_proxies": {"source": "static", "ranges": ["0.0.0.0/0", "::/0"]},
    }


def _inner_route(it: DesiredRoute, place: Place, is_alone: bool) -> Json:
    found: Node = {
        "handle": service_handlers(it.service_name, it.route, place, outside=False),
        "terminal": True,
    }
    if is_alone:
        return found
    names = {it.service_name, *(name.lower() for names in it.names.values() for name in names)}
    hosts: list[Json] = [name for name in sorted(names) if _is_plain(name)]
    return {"match": [{"host": hosts}], **found}


def _is_plain(name: str) -> bool:
    """Whether a name is one that a request can have, and no pattern or placeholder."""
    return name.isascii() and all(it.isalnum() or it in "-_." for it in name)
