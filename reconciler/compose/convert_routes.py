"""Labels by which another proxy is told where requests go: a hint at the ``route`` that would replace them.

Nothing is converted. The labels stay, so that the proxy that reads them goes on until somebody decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from reconciler.compose.tree import mapping, text_of
from reconciler.compose.work import ServiceWork
from specs.route import ROUTE_HOST

_TRAEFIK_RULE: Final = re.compile(r"traefik\.http\.routers\.[^.]+\.rule")
_TRAEFIK_PORT: Final = re.compile(r"traefik\.http\.services\.[^.]+\.loadbalancer\.server\.port")
_CALL: Final = re.compile(r"(Host|PathPrefix)\(([^)]{1,1000})\)")
_QUOTED: Final = re.compile(r"[`\"']([^`\"']{1,253})[`\"']")
_CADDY_SITE: Final = re.compile(r"caddy(_[0-9]+)?")
_CADDY_PORT: Final = re.compile(r"\{\{\s*upstreams\s+([0-9]{1,5})\s*\}\}")
_PATH: Final = re.compile(r"/[A-Za-z0-9._~/-]{1,100}")
_MOST: Final = 5


def hint_at_routes(work: ServiceWork) -> None:
    """One line for a service with labels of Traefik or of caddy-docker-proxy."""
    labels = {work.flat(name): text_of(value) for name, value in mapping(work.service.get("labels")).items()}
    rules = [work.flat(value) for name, value in labels.items() if _TRAEFIK_RULE.fullmatch(name)]
    sites = [work.flat(value) for name, value in labels.items() if _CADDY_SITE.fullmatch(name)]
    if rules:
        calls = [
            (call[1], name) for rule in rules for call in _CALL.finditer(rule) for name in _named(call[2])
        ]
        hosts, paths = _of(calls, "Host"), _of(calls, "PathPrefix")
        _note(work, "Traefik", hosts, paths, _traefik_port(work, labels))
    elif sites:
        hosts = [re.sub(r"^https?://", "", site) for text in sites for site in re.split(r"[\s,]+", text)]
        ports = [match[1] for value in labels.values() if (match := _CADDY_PORT.search(value))]
        _note(work, "caddy-docker-proxy", hosts, [], next(iter(ports), ""))


def _named(text: str) -> list[str]:
    return [match[1] for match in _QUOTED.finditer(text)]


def _of(calls: Iterable[tuple[str, str]], word: str) -> list[str]:
    return [name for called, name in calls if called == word]


def _traefik_port(work: ServiceWork, labels: Mapping[str, str]) -> str:
    found = (work.flat(value) for name, value in labels.items() if _TRAEFIK_PORT.fullmatch(name))
    return next(found, "")


def _note(work: ServiceWork, reader: str, hosts: Iterable[str], paths: Iterable[str], port: str) -> None:
    names = sorted({host.lower() for host in hosts if re.fullmatch(ROUTE_HOST, host.lower())})[:_MOST]
    path = next((path.rstrip("/") for path in paths if _PATH.fullmatch(path) and path != "/"), "")
    words = [f"host: {names[0]}"] if len(names) == 1 else [f"hosts: [{', '.join(names)}]"] if names else []
    words += [f"path: {path}"] if path else []
    is_port = port.isascii() and port.isdecimal() and 0 < int(port) < 65536
    words.append(f"port: {port if is_port else 'PORT'}")
    line = f"route: {{{', '.join(words)}}}"
    work.note(
        "route", f"labels of {reader} are kept as they are; {line} would do without it (docs/routes.md)"
    )
