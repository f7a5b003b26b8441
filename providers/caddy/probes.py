"""What instances are asked, and what their answers mean. Pure."""

from __future__ import annotations

from providers.caddy.way import Asked
from reconciler.provider import ProbeRequest
from reconciler.traffic import DesiredProxy, DesiredRoute

_SHORT = 12
_UNREACHED = ("dial ", "lookup ", "connection refused", "no such host", "no route to host")


def asked_of(request: ProbeRequest, proxy: DesiredProxy) -> Asked:
    """How an instance is asked: by the name that its requests come under."""
    ready = request.ready
    dial = f"{request.instance_id[:_SHORT]}:{request.port}"
    return Asked(dial, _host(request, proxy), ready.http or "", ready.timeout)


def _host(request: ProbeRequest, proxy: DesiredProxy) -> str:
    route = next((it for it in proxy.routes if it.service_name == request.service_name), None)
    if route is None:
        fits = (
            it for it in proxy.routes if it.route.port == request.port and it.route.ready == request.ready
        )
        route = next(fits, None)
    return "localhost" if route is None else _name(route)


def _name(it: DesiredRoute) -> str:
    hosts = sorted(it.route.all_hosts, key=lambda host: (host.startswith("*"), host != it.route.host, host))
    return hosts[0].replace("*", "probe") if hosts else it.service_name


def answer_of(words: str, *, listens: bool) -> str:
    """What is wrong with what the door said of an instance; empty when nothing is. ``listens``: anything at
    all from the port will do."""
    kind, _, rest = words.strip().partition(" ")
    if kind.isdecimal():
        return "" if listens or 200 <= int(kind) < 400 else f"it answered with status {kind}"
    status, _, reason = rest.partition(" ")
    reason = reason if status.isdecimal() else rest
    if listens and status.isdecimal() and not any(it in reason for it in _UNREACHED):
        return ""
    return _plain(reason) or "it does not answer"


def _plain(reason: str) -> str:
    """The end of a chain of reasons, which is what a person can use."""
    line = " ".join(reason.split())
    for sign in ("connection refused", "no such host", "i/o timeout", "timeout awaiting response headers"):
        if sign in line:
            return f"it does not answer: {sign}"
    return line[:200]
