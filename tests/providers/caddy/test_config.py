"""What proxies are told to do, without any proxy."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from local_caddy import proxy_of
from providers.caddy.compare import MOST, differences, hide, marked, masked, without_mark
from providers.caddy.config import desired_config
from providers.caddy.routes import Node, above, at_and_below, exactly
from reconciler.desired import Json
from reconciler.traffic import EDGE, INNER, DesiredProxy, DesiredRoute
from specs.proxy import Proxy
from specs.route import Route

PLACEHOLDER = re.compile(
    r"\{(file\./run/reconciler/routes/[a-z-]+/current/(\d+(\.port)?|state)|http\.vars\.reconciler_dot"
    r"|http\.error\.(status_code|message)|http\.reverse_proxy\.status_code|env\.HOSTNAME"
    r"|http\.request\.(host|uri)|http\.request\.header\.X-Reconciler-Probe)\}"
)
LETTERS = "A~!$&'()+,;=:@%7Bfile./etc/passwd%7D-._"


def texts(node: Json) -> Iterator[str]:
    if isinstance(node, dict):
        for name, value in node.items():
            yield name
            yield from texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from texts(value)
    elif isinstance(node, str):
        yield node


def inside(node: Json, *path: str | int) -> Any:
    """What lies in a configuration, for assertions to look at."""
    found: Any = node
    for step in path:
        found = found[step]
    return found


def servers(config: Node) -> Node:
    found = inside(config, "apps", "http", "servers")
    assert isinstance(found, dict)
    return found


def edge_routes(*routes: tuple[str, dict[str, object]], **settings: object) -> list[Node]:
    config = desired_config(EDGE, proxy_of(*routes, **settings), {})
    found: list[Node] = inside(servers(config), "edge", "routes")
    return found


def test_nothing_that_a_person_writes_becomes_a_placeholder() -> None:
    route = {
        "hosts": ["web.test", "*.web.test"],
        "path": f"/{LETTERS}",
        "strip_path": True,
        "port": 8080,
        "ready": {"http": f"/{LETTERS}?*"},
        "headers": {
            "request": {"set": {"X-A": "$(env) %7Benv.HOME%7D"}, "remove": ["X-B"]},
            "response": {"set": {"X-C": "\\"}, "remove": ["Server"]},
        },
        "redirects": [{"path": f"/old{LETTERS}", "to": f"https://other.test/{LETTERS}#?"}],
        "sticky": True,
        "maintenance": {"body": '<p class="a">away</p>', "type": "text/html; charset=utf-8"},
        "max_body": 1 << 40,
    }
    for name in (EDGE, INNER):
        for text in texts(desired_config(name, proxy_of(("web", route)), {})):
            assert not set(PLACEHOLDER.sub("", text)) & {"{", "}"}, text


@pytest.mark.parametrize("field", ["path", "header", "redirect", "to", "body", "host", "ready"])
def test_braces_are_refused_where_they_are_written(field: str) -> None:
    evil = "{env.HOME}"
    written: dict[str, dict[str, object]] = {
        "path": {"path": f"/{evil}"},
        "header": {"headers": {"request": {"set": {"X": evil}}}},
        "redirect": {"redirects": [{"path": f"/{evil}", "to": "/"}]},
        "to": {"redirects": [{"path": "/a", "to": f"/{evil}"}]},
        "body": {"maintenance": {"body": evil}},
        "host": {"host": evil},
        "ready": {"ready": {"http": f"/{evil}"}},
    }
    with pytest.raises(ValueError, match=r"pattern|expected"):
        Route.model_validate({"port": 80, **written[field]})


@pytest.mark.parametrize(
    ("path", "fits", "others"),
    [
        ("/api", ["/api", "/api/", "/api/x"], ["/apis", "/API", "/", "/x/api", "/ap"]),
        ("/a.b", ["/a.b", "/a.b/c"], ["/axb"]),
        ("/a+(b)", ["/a+(b)"], ["/aab", "/ab"]),
        ("/a%20b", ["/a b", "/a b/c"], ["/a%20b"]),
        ("/caf%C3%A9", ["/café"], ["/cafe"]),
        ("/a%7Bb%7D", ["/a{b}"], ["/ab"]),
    ],
)
def test_a_path_is_itself_and_what_is_below_it(path: str, fits: list[str], others: list[str]) -> None:
    pattern = inside(at_and_below(path), "pattern")
    assert all(re.search(str(pattern), it) for it in fits)
    assert not any(re.search(str(pattern), it) for it in others)
    alone = str(inside(exactly(path), "pattern"))
    assert re.search(alone, fits[0])
    assert not re.search(alone, f"{fits[0]}/x")


@pytest.mark.parametrize("limit", [1, 9, 10, 999, 1000, 10999, 12345, 1 << 20])
def test_a_length_above_the_limit_is_known_by_its_digits(limit: int) -> None:
    pattern = re.compile(above(limit))
    around = {0, 1, limit // 10, limit - 1, limit, limit + 1, limit + 9, limit * 2, limit * 10, limit * 100}
    assert {it for it in around if pattern.search(str(it))} == {it for it in around if it > limit}
    assert pattern.search(f"00{limit + 1}")


def test_the_narrower_comes_first() -> None:
    found = edge_routes(
        ("all", {"host": "*.shop.test", "port": 80}),
        ("api", {"host": "shop.test", "path": "/api", "port": 80}),
        ("deep", {"host": "*.eu.shop.test", "port": 80}),
        ("users", {"host": "shop.test", "path": "/api/users", "port": 80}),
        (
            "web",
            {
                "hosts": ["shop.test", "*.web.test"],
                "port": 80,
                "redirects": [{"path": "/api/users/old", "to": "/"}],
            },
        ),
    )
    matches = [inside(route, "match", 0) for route in found if "match" in route]
    order = [(it["host"], it.get("path_regexp", {}).get("pattern")) for it in matches if "host" in it]
    assert order == [
        (["shop.test"], "^/api/users/old$"),
        (["shop.test"], "^/api/users(/|$)"),
        (["shop.test"], "^/api(/|$)"),
        (["shop.test"], None),
        (["*.eu.shop.test"], None),
        (["*.web.test"], "^/api/users/old$"),
        (["*.shop.test"], None),
        (["*.web.test"], None),
    ]


def test_neighbours_are_routed_by_name_where_a_port_has_several() -> None:
    routes = tuple(
        DesiredRoute(name, Route(port=port), {"net": (name, alias)})
        for name, port, alias in (("api", 80, "API-1"), ("web", 80, "w{x}"), ("own", 81, "own"))
    )
    found = servers(desired_config(INNER, DesiredProxy(Proxy(), routes), {}))
    assert sorted(found) == ["door", "port-80", "port-81"]
    shared: list[Node] = inside(found, "port-80", "routes")
    assert [it["match"] for it in shared[1:3]] == [[{"host": ["api", "api-1"]}], [{"host": ["web"]}]]
    alone: list[Node] = inside(found, "port-81", "routes")
    assert "match" not in alone[1]
    assert inside(found, "port-80", "listen") == [":80"]


def test_neighbours_get_what_the_instance_itself_would_give() -> None:
    route = {
        "host": "shop.test",
        "path": "/api",
        "strip_path": True,
        "port": 80,
        "sticky": True,
        "headers": {"request": {"remove": ["X-Secret"]}},
        "redirects": [{"path": "/api/a", "to": "/b"}],
    }
    text = json.dumps(desired_config(INNER, proxy_of(("web", route)), {}))
    assert not any(word in text for word in ("strip_path", "X-Secret", "cookie", "/api/a", "shop.test"))


def test_what_is_set_is_not_removed_again() -> None:
    headers = {"response": {"set": {"Server": "shop"}, "remove": ["server", "X-Powered-By"]}}
    found = edge_routes(("web", {"host": "a.test", "port": 80, "headers": headers}))
    told = json.dumps(found)
    assert '"headers": {"response": {"set": {"Server": ["shop"]}, "delete": ["X-Powered-By"]}}' in told


def tls(**settings: object) -> Node:
    routes: list[tuple[str, dict[str, object]]] = [
        ("a", {"hosts": ["shop.example.com", "*.example.com", "own.example.com"], "port": 80}),
        ("b", {"host": "shop.localhost", "port": 80}),
        ("c", {"port": 80}),
    ]
    certificate = {"hosts": ["own.example.com"], "certificate": {"secret": "crt"}, "key": {"secret": "key"}}
    proxy = proxy_of(*routes, https=443, certificates=[certificate], **settings)
    found = desired_config(EDGE, proxy, {"crt": "CRT", "key": "KEY"})
    return {**inside(found, "apps", "tls"), "edge": servers(found)["edge"]}


def test_who_signs() -> None:
    found = tls(email="ops@example.com")
    assert found["automation"] == {
        "policies": [
            {
                "subjects": ["shop.example.com"],
                "issuers": [{"module": "acme", "email": "ops@example.com"}],
            },
            {"subjects": ["shop.localhost"], "issuers": [{"module": "internal"}]},
        ]
    }
    assert found["certificates"] == {"load_pem": [{"certificate": "CRT", "key": "KEY"}]}
    edge = found["edge"]
    assert isinstance(edge, dict)
    assert edge["automatic_https"] == {
        "disable_redirects": True,
        "skip_certificates": ["*.example.com", "own.example.com"],
    }
    internal = tls(issuer="internal")["automation"]
    assert inside(internal, "policies", 0, "subjects") == [
        "*.example.com",
        "shop.example.com",
        "shop.localhost",
    ]


def test_without_https_there_is_neither_tls_nor_a_redirect() -> None:
    config = desired_config(EDGE, proxy_of(("web", {"host": "a.test", "port": 80})), {})
    assert set(inside(config, "apps")) == {"http"}
    assert inside(servers(config), "edge", "listen") == [":80"]
    assert "308" not in json.dumps(config)


def test_the_mark_says_who_changed_what_is_loaded() -> None:
    config = desired_config(EDGE, proxy_of(("web", {"host": "a.test", "port": 80})), {})
    assert without_mark(marked(config)) == (config, True)
    assert without_mark(config) == (config, False)
    given = json.loads(json.dumps(marked(config)))
    given["apps"]["http"]["grace_period"] = "1s"
    bare, is_ours = without_mark(given)
    assert not is_ours
    assert differences(config, bare) == ("apps.http.grace_period",)
    assert without_mark({}) == ({"apps": {}}, False)


def test_differences_are_paths_and_bounded() -> None:
    one: Node = {"a": [1, {"b": "x"}], "c": True, "d": 1, "e": [1]}
    other: Node = {"a": [1.0, {"b": "y", "z": 1}], "c": 1, "d": 1.0, "e": [1, 2]}
    assert differences(one, other) == ("a[1].b", "a[1].z", "c", "e")
    many: Node = {str(index): index for index in range(100)}
    assert len(differences(many, {})) == MOST


def test_secrets_are_seen_by_their_digests() -> None:
    live: Node = {
        "apps": {"tls": {"certificates": {"load_pem": [{"certificate": "C", "key": "K"}, "odd", {}]}}}
    }
    found = masked(live, [("crt", "key")], lambda name, value: f"<{name}:{value.lower()}>")
    assert found["apps"] == {
        "tls": {
            "certificates": {"load_pem": [{"certificate": "<crt:c>", "key": "<key:k>"}, "odd", {}]},
        }
    }
    assert masked({"apps": {"tls": 1}}, [], lambda name, value: "") == {"apps": {"tls": 1}}
    assert hide("bad key: SECRETLINE1", {"key": "BEGIN\nSECRETLINE1\nEND"}) == "bad key: ***"
