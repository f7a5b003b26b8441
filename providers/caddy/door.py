"""The door of a proxy: where its counts and configuration are read, and instances are asked through it. Pure.

It is a socket in the shared volume, for who can open that, and a port of the container's own loopback, for
commands in the container. Nothing can be changed through it.
"""

from __future__ import annotations

from providers.caddy.place import PROBE_HEADER, Place
from providers.caddy.routes import Node, answer, transport
from reconciler.desired import Json

_QUICK = "1s"
_PATIENT = "60s"
CONFIG = "/config/"
COUNTS = "/reverse_proxy/upstreams"
LISTENS = "X-Reconciler-Listens"
"""A header of a probe that asks only whether anything listens."""


def door(place: Place) -> Node:
    """The server of the door."""
    return {
        "listen": [f"unix/{place.probe}", place.door],
        "automatic_https": {"disable": True},
        "protocols": ["h1"],
        "routes": [
            {"match": [{"header": {PROBE_HEADER: ["*"]}}], "handle": [_probe(place)], "terminal": True},
            {
                "match": [{"path": [CONFIG, COUNTS], "method": ["GET"]}],
                "handle": [{"handler": "reverse_proxy", "upstreams": [{"dial": f"unix/{place.admin}"}]}],
                "terminal": True,
            },
            {"handle": [answer(404, "")]},
        ],
    }


def _probe(place: Place) -> Json:
    """Answers 200 and in words what the instance answered, or why it did not: one form for both ways in."""
    return {
        "handler": "subroute",
        "routes": [
            {"match": [{"header": {LISTENS: ["*"]}}], "handle": [_asking(place, _QUICK)], "terminal": True},
            {"handle": [_asking(place, _PATIENT)]},
        ],
        "errors": {
            "routes": [{"handle": [answer(200, "error {http.error.status_code} {http.error.message}")]}]
        },
    }


def _asking(place: Place, patience: str) -> Json:
    return {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": f"{{http.request.header.{PROBE_HEADER}}}"}],
        "headers": {"request": {"delete": [PROBE_HEADER, LISTENS]}},
        "handle_response": [{"routes": [{"handle": [answer(200, "{http.reverse_proxy.status_code}")]}]}],
        "transport": transport(
            place,
            {"dial_timeout": "2s", "response_header_timeout": patience, "keep_alive": {"enabled": False}},
        ),
    }
