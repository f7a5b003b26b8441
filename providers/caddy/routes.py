"""One route as Caddy's handlers. Pure.

Everything that a person wrote goes in as a literal: the models refuse braces, which alone make a placeholder;
paths become regular expressions of their own letters.
"""

from __future__ import annotations

import math
import string
from typing import TypeAlias
from urllib.parse import unquote

from providers.caddy.place import Place
from providers.caddy.tables import CURRENT, EMPTY, ROUTES, STATE, port_file
from reconciler.desired import Json
from reconciler.traffic import SLOTS
from specs.route import HeaderRules, Maintenance, Route

Node: TypeAlias = "dict[str, Json]"

_PAUSE = "20ms"
_IDLE = "1s"
"""Servers of usual kinds close idle connections after 2 s or more; a request sent at that moment is lost."""
_DIAL = "2s"
_STREAM = "5m"
"""How long WebSockets outlive the configuration that they began under."""
_DOT = "reconciler_dot"
"""A variable of the request: a dot for streams, which are counted apart by it."""
_NEVER_AGAIN: list[Json] = [{"method": ["-"]}]
"""Nothing that reached an instance is sent again: what makes one crash would go through all of them."""
_UNREACHED: Json = {
    "vars": {"{http.error.status_code}": ["502", "503", "504"]},
    "vars_regexp": {"{http.error.message}": {"pattern": "^(dial |making dial info|no upstreams)"}},
}
"""No instance could be dialled; one that breaks off in an answer is another matter."""
_RAISED: Json = {
    "handler": "error",
    "status_code": "{http.error.status_code}",
    "error": "{http.error.message}",
}
"""Any other fault stays what it is: where nothing takes it, Caddy would answer with success."""
_LARGEST = 1 << 53
"""Caddy keeps numbers as floats."""
_PLAIN = frozenset(f"{string.ascii_letters}{string.digits}/_-")


def service_handlers(service_name: str, route: Route, place: Place, *, outside: bool) -> list[Json]:
    """What happens to a request for a service. ``outside``: it came through the edge; neighbours get what
    they would get from the instance itself."""
    away = maintenance_answer(route.maintenance)
    if route.maintenance.on:
        return [away]
    where = table_of_route(place, service_name)
    serving = _serving(service_name, route, place, outside)
    return [
        {
            "handler": "subroute",
            "routes": [
                {
                    "match": [{"vars": {f"{{file.{where}/{STATE}}}": ["", EMPTY]}}],
                    "handle": [away],
                    "terminal": True,
                },
                {"match": _STREAMS, "handle": [{"handler": "vars", _DOT: "."}]},
                {"handle": serving},
            ],
            "errors": {
                "routes": [
                    {"match": [_UNREACHED], "handle": [away], "terminal": True},
                    {"handle": [_RAISED]},
                ]
            },
        }
    ]


def table_of_route(place: Place, service_name: str) -> str:
    """The folder of a service's table, as the proxy sees it."""
    return f"{place.folder}/{ROUTES}/{service_name}/{CURRENT}"


_STREAMS: list[Json] = [
    {"header_regexp": {"Connection": {"pattern": "(?i)upgrade"}}},
    {"header_regexp": {"Accept": {"pattern": "(?i)text/event-stream"}}},
]


def _serving(service_name: str, route: Route, place: Place, outside: bool) -> list[Json]:
    found: list[Json] = []
    if route.max_body is not None:
        limit = min(route.max_body, _LARGEST)
        found += [_refusing_above(limit), {"handler": "request_body", "max_size": limit}]
    if outside and route.strip_path:
        found.append({"handler": "rewrite", "strip_path_prefix": route.path})
    return [*found, _forwarding(service_name, route, place, outside)]


def _refusing_above(limit: int) -> Json:
    """Refuses a body that is announced as too long before any of it reaches an instance, which might take a
    part for the whole."""
    match: Json = {"header_regexp": {"Content-Length": {"pattern": above(limit)}}}
    refusal: Json = {"match": [match], "handle": [answer(413, "the body is too long\n")], "terminal": True}
    return {"handler": "subroute", "routes": [refusal]}


def above(limit: int) -> str:
    """A regular expression of the whole numbers above a limit."""
    digits = str(limit)
    any_digit = "[0-9]"
    found = [f"[1-9]{any_digit * len(digits)}{any_digit}*"]
    for index, digit in enumerate(digits):
        if digit != "9":
            rest = any_digit * (len(digits) - index - 1)
            found.append(f"{digits[:index]}[{int(digit) + 1}-9]{rest}")
    return f"^0*({'|'.join(found)})$"


def _forwarding(service_name: str, route: Route, place: Place, outside: bool) -> Json:
    where = table_of_route(place, service_name)
    dials = [
        f"{{file.{where}/{slot}}}{{http.vars.{_DOT}}}:{{file.{where}/{port_file(slot)}}}"
        for slot in range(SLOTS)
    ]
    found: Node = {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": dial} for dial in dials],
        "load_balancing": {
            "selection_policy": _policy(service_name, route, outside),
            "try_duration": place.patience,
            "try_interval": _PAUSE,
            "retry_match": _NEVER_AGAIN,
        },
        "stream_close_delay": _STREAM,
        "transport": transport(place, {"dial_timeout": _DIAL, "keep_alive": {"idle_timeout": _IDLE}}),
    }
    if outside and (rules := _header_rules(route)):
        found["headers"] = rules
    return found


def transport(place: Place, more: Node) -> Json:
    """How instances are spoken with: their bodies are passed on as they are, and no proxy that the
    environment of the process names lies between."""
    resolver: Node = {"resolver": {"addresses": [place.resolver]}} if place.resolver else {}
    straight: Node = {"network_proxy": {"from": "none"}, "compression": False}
    return {"protocol": "http", **straight, **resolver, **more}


def _policy(service_name: str, route: Route, outside: bool) -> Json:
    turns: Node = {"policy": "round_robin"}
    if not (route.sticky and outside):
        return turns
    return {"policy": "cookie", "name": f"reconciler_{service_name}", "fallback": turns}


def _header_rules(route: Route) -> Node:
    named = (("request", route.headers.request), ("response", route.headers.response))
    return {name: _operations(rules) for name, rules in named if rules.set or rules.remove}


def _operations(rules: HeaderRules) -> Json:
    """Caddy sets before it deletes, so what is set is not deleted as well."""
    given = {name.lower() for name in rules.set}
    gone: list[Json] = [name for name in sorted(set(rules.remove)) if name.lower() not in given]
    found: Node = {}
    if rules.set:
        found["set"] = {name: [value] for name, value in sorted(rules.set.items())}
    if gone:
        found["delete"] = gone
    return found


def maintenance_answer(maintenance: Maintenance) -> Json:
    """The answer while nothing serves."""
    headers: Node = {
        "Content-Type": [maintenance.type],
        "Retry-After": [str(math.ceil(maintenance.retry_after))],
        "Cache-Control": ["no-store"],
    }
    return answer(maintenance.status, maintenance.body, headers)


def answer(status: int, body: str, headers: Node | None = None) -> Json:
    """An answer of the proxy's own."""
    shown: Node = headers or {"Content-Type": ["text/plain; charset=utf-8"]}
    found: Node = {"handler": "static_response", "status_code": status, "headers": shown}
    return {**found, "body": body} if body else found


def redirect(to: str, status: int) -> Json:
    """The answer that sends a client elsewhere."""
    return answer(status, "", {"Location": [to]})


def at_and_below(path: str) -> Json:
    """Matches a path and everything below it; case counts, as HTTP has it."""
    return {"pattern": f"^{_literal(path)}(/|$)"}


def exactly(path: str) -> Json:
    """Matches a path alone."""
    return {"pattern": f"^{_literal(path)}$"}


def _literal(path: str) -> str:
    """A path's letters for a regular expression, with nothing in it that means more than itself. Caddy
    compares what the letters stand for, so percent signs are read first."""
    plain = unquote(path)
    return "".join(it if it in _PLAIN or ord(it) > 127 else f"\\x{ord(it):02X}" for it in plain)
