"""The services that the proxies of an environment are: made from its settings and from what is routed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from specs.privilege import Attachment
from specs.proxy import EDGE, INNER, OWN, PLACE, Proxy
from specs.service import Service

BASE: Final = OWN
"""The network that a proxy is made on, before it has its work."""
OLDEST: Final = (2, 11, 2)
"""The first Caddy that counts requests by the address that was dialled."""
_VERSION: Final = ".".join(map(str, OLDEST))
_NUMBER: Final = (OLDEST[0] * 1000 + OLDEST[1]) * 1000 + OLDEST[2]
_BEGIN: Final = (
    "(v=$(caddy version); v=${v%% *}; n=${v#v}; IFS=.; set -- ${n%%[!0-9.]*}; "
    f'[ $# -eq 3 ] && [ $((($1 * 1000 + $2) * 1000 + $3)) -lt {_NUMBER} ] && echo "this is Caddy $v: '
    f'set proxy.image of the Environment to Caddy {_VERSION} or newer" >&2) && exit 126; '
    'f=$XDG_CONFIG_HOME/caddy/autosave.json; [ ! -e "$f" ] || caddy validate --config "$f" >/dev/null '
    '|| mv -f "$f" "$f.damaged"; exec "$0" "$@"'
)
"""A Caddy that is too old cannot be run. Caddy does not begin with what it cannot read, such as a file that a
power cut left half written; without the file it begins with nothing, and is given its work again."""
_COMMAND: Final = ("caddy", "run", "--resume")
_FOLDERS: Final = {EDGE: f"{PLACE}/edge", INNER: f"{PLACE}/inner"}
_DATA: Final = {EDGE: f"{PLACE}/data", INNER: f"{PLACE}/inner"}
_GRACE: Final = 30.0
_MONITOR: Final = 3.0
"""A proxy is asked in each look; what cannot do its work says so when it begins."""


def proxy_services(proxy: Proxy, services: Mapping[str, Service]) -> dict[str, Service]:
    """Both proxies, when a service has a route; else none."""
    routed = {name: service for name, service in services.items() if service.route is not None}
    if not routed:
        return {}
    found = {INNER: _inner(proxy, names_of(routed))}
    if any(service.route and service.route.all_hosts for service in routed.values()):
        found[EDGE] = _edge(proxy)
    return found


def names_of(routed: Mapping[str, Service]) -> dict[str, tuple[str, ...]]:
    """Network -> the names under which neighbours reach routed services there."""
    found: dict[str, set[str]] = {}
    for name, service in routed.items():
        for network, attachment in (service.networks or {"default": Attachment()}).items():
            found.setdefault(network, set()).update((name, *attachment.aliases))
    return {network: tuple(sorted(names)) for network, names in sorted(found.items())}


def _edge(proxy: Proxy) -> Service:
    pairs = [(proxy.http, 80, "tcp")]
    if proxy.https != "none":
        pairs.append((proxy.https, 443, "tcp"))
    address = proxy.address
    prefix = "" if address is None else f"[{address}]:" if ":" in address else f"{address}:"
    ports = {
        f"{prefix}{published}->{target}/{protocol}": {
            "target": target,
            "published": published,
            "host_ip": address,
            "protocol": protocol,
        }
        for published, target, protocol in pairs
    }
    return _service(proxy, EDGE, {"ports": ports, "rollout": {"order": "stop-first", "monitor": _MONITOR}})


def _inner(proxy: Proxy, names: Mapping[str, tuple[str, ...]]) -> Service:
    """Its names are part of it: an alias cannot change in place."""
    said = ";".join(f"{network}={','.join(of)}" for network, of in names.items())
    rollout = {"order": "start-first", "monitor": _MONITOR}
    return _service(proxy, INNER, {"labels": {"proxy.names": said}, "rollout": rollout})


def _service(proxy: Proxy, name: str, more: Mapping[str, object]) -> Service:
    return Service.model_validate(
        {
            "image": proxy.image,
            "entrypoint": ("sh", "-c", _BEGIN),
            "command": _COMMAND,
            "environment": {
                "CADDY_ADMIN": f"unix/{PLACE}/{{env.HOSTNAME}}.sock",
                "XDG_CONFIG_HOME": _FOLDERS[name],
                "XDG_DATA_HOME": _DATA[name],
            },
            "networks": {OWN: {}},
            "volumes": {PLACE: {"type": "volume", "source": OWN}},
            "stop_grace_period": _GRACE,
            **more,
        }
    )
