"""A real Caddy on this machine: where requests go, what is counted, and what a hand that meddles leaves."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import pytest_asyncio

from certificates import Authority
from local_caddy import OWNER, LocalCaddy, LocalInsides, free_port, proxy_of
from providers.caddy import CaddyProxies
from providers.caddy.admin import Request, ask
from providers.caddy.place import admin_name
from reconciler.provider import Answer, ProviderError, Refused
from reconciler.proxies import ProbeRequest
from reconciler.secrets import digest_secret
from reconciler.traffic import INNER, DesiredProxy, DesiredRoute, Flow, share
from small_app import Client, SmallApp, client_of, read_head
from small_app import ask as ask_app
from specs.proxy import Proxy
from specs.route import Ready, Route

A, B, C = "aaaaaaaaaaaa", "bbbbbbbbbbbb", "cccccccccccc"
ADDRESSES = {A: "127.0.0.2", B: "127.0.0.3", C: "127.0.0.4"}


@dataclass
class Scene:
    """A proxy and two instances on one port; the third one's address answers nobody."""

    caddy: LocalCaddy
    port: int = field(default_factory=free_port)

    async def start(self) -> None:
        await self.caddy.start()
        self.caddy.names.names.update(ADDRESSES)
        self.a, self.b = (SmallApp(it, ADDRESSES[it], self.port) for it in (A, B))
        await self.a.start()
        await self.b.start()

    async def stop(self) -> None:
        for app in (self.a, self.b):
            app.release.set()
            app.stop()
        self.caddy.stop()
        await asyncio.sleep(0)

    def proxy(self, *routes: tuple[str, dict[str, object]], **settings: object) -> DesiredProxy:
        """Routes of services on the instances' port."""
        return proxy_of(*((name, {"port": self.port, **route}) for name, route in routes), **settings)

    async def web(self, **route: object) -> DesiredProxy:
        """One service on A, behind web.test."""
        proxy = self.proxy(("web", {"host": "web.test", **route}))
        await self.caddy.load(proxy)
        await self.caddy.switch("web", A)
        return proxy

    async def ask(
        self, target: str, host: str = "web.test", method: str = "GET", body: bytes = b"", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        found = await ask_app(self.caddy.place.http, target, host, method, body, **headers)
        return found.status, found.headers, found.body

    async def who(self, target: str, host: str) -> object:
        """Which instance answers, or the status of the proxy's own answer."""
        found = await ask_app(self.caddy.place.http, target, host)
        return found.name if "x-app" in found.headers else found.status

    async def flows(self, proxy: DesiredProxy) -> dict[str, Flow]:
        world = await self.caddy.look(proxy)
        assert world.flows is not None, world
        return dict(world.flows)

    async def until(self, proxy: DesiredProxy, flows: dict[str, Flow]) -> None:
        """Wait until that is in flight."""
        while await self.flows(proxy) != flows:
            await asyncio.sleep(0.01)


@pytest_asyncio.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    found = Scene(LocalCaddy(tmp_path))
    await found.start()
    yield found
    await found.stop()


async def test_requests_find_the_service_by_host_and_path(scene: Scene) -> None:
    proxy = scene.proxy(
        ("web", {"host": "shop.test"}),
        ("api", {"host": "shop.test", "path": "/api", "strip_path": True}),
        ("wild", {"host": "*.shop.test", "redirects": [{"path": "/old", "to": "/new?a=b", "status": 301}]}),
    )
    await scene.caddy.load(proxy)
    for name, target in (("web", A), ("api", B), ("wild", B)):
        await scene.caddy.switch(name, target)
    found = [await scene.who(target, host) for target, host in (
        ("/", "shop.test"), ("/api", "SHOP.test:80"), ("/apis", "shop.test"), ("/x/../api/y", "shop.test"),
        ("/", "eu.shop.test"), ("/", "a.eu.shop.test"), ("/", "other.test"),
    )]  # fmt: skip
    assert found == [A, B, A, B, B, 404, 404]
    stripped = [
        json.loads((await scene.ask(it, "shop.test"))[2])["target"] for it in ("/api", "/api/x?y=/api")
    ]
    assert stripped == ["/", "/x?y=/api"]
    status, headers, _ = await scene.ask("/old", "eu.shop.test")
    assert (status, headers["location"]) == (301, "/new?a=b")
    assert (await scene.ask("/old/x", "eu.shop.test"))[0] == 200


async def test_headers_are_removed_and_set_on_both_ways(scene: Scene) -> None:
    await scene.web(
        headers={
            "request": {"set": {"X-Env": "test %7B$(x)"}, "remove": ["X-Secret", "x-env"]},
            "response": {"set": {"X-App": "shop"}, "remove": ["Server"]},
        }
    )
    _, headers, body = await scene.ask("/", X_Secret="1", X_Env="2", X_Forwarded_For="6.6.6.6")
    seen = json.loads(body)["headers"]
    assert (seen["x-env"], "x-secret" in seen, seen["x-forwarded-for"]) == (
        "test %7B$(x)",
        False,
        "127.0.0.1",
    )
    assert (headers["x-app"], headers.get("server")) == ("shop", None)


async def test_who_comes_back_by_cookie_finds_the_same_instance(scene: Scene) -> None:
    await scene.web(sticky=True)
    await scene.caddy.switch("web", A, B)
    _, headers, body = await scene.ask("/")
    cookie = headers["set-cookie"].partition(";")[0]
    for _ in range(5):
        assert json.loads((await scene.ask("/", Cookie=cookie))[2])["name"] == json.loads(body)["name"]
    async with client_of(scene.caddy.place.http) as client:
        client.send("/upgrade", "web.test", Connection="Upgrade", Upgrade="websocket", Cookie=cookie)
        await read_head(client.reader)
        assert await scene.flows(await _same(scene)) == {json.loads(body)["name"]: Flow(streams=1)}


async def _same(scene: Scene) -> DesiredProxy:
    return scene.proxy(("web", {"host": "web.test", "sticky": True}))


async def test_maintenance_answers_while_nothing_serves_and_never_for_the_application(scene: Scene) -> None:
    words = {"status": 599, "body": "<b>away</b>", "type": "text/html", "retry_after": "90s"}
    proxy = await scene.web(maintenance=words)
    assert await scene.who("/status/503", "web.test") == A
    await scene.caddy.switch("web")
    status, headers, body = await scene.ask("/")
    assert (status, body, headers["retry-after"], headers["content-type"]) == (
        *(599, b"<b>away</b>"),
        *("90", "text/html"),
    )
    assert (await scene.caddy.look(proxy)).tables == {"web": ()}
    await scene.caddy.switch("web", C)
    assert (await scene.ask("/"))[0] == 599, "nobody listens there"
    await scene.caddy.switch("web", B)
    assert (await scene.ask("/drop"))[0] == 502
    assert scene.b.served == 1, "what reached an instance is not sent again"
    await scene.web(maintenance={"on": True})
    assert (await scene.ask("/"))[::2] == (503, b"down for maintenance\n")


async def test_a_body_has_its_limit_and_is_passed_on_as_it_comes(scene: Scene) -> None:
    await scene.web(max_body=1000)
    assert (await scene.ask("/", method="POST", body=b"x" * 1000))[0] == 200
    assert (await scene.ask("/", method="POST", body=b"x" * 1001))[0] == 413
    async with client_of(scene.caddy.place.http) as client:
        client.send("/", "web.test", "POST", Transfer_Encoding="chunked")
        client.writer.write(b"800\r\n" + b"x" * 0x800 + b"\r\n0\r\n\r\n")
        assert (await client.receive()).status == 413
    await scene.web()
    async with client_of(scene.caddy.place.http) as client:
        client.send("/upload", "web.test", "POST", Transfer_Encoding="chunked")
        client.writer.write(b"3\r\nabc\r\n")
        await scene.a.arrived.wait()
        client.writer.write(b"0\r\n\r\n")
        assert (await client.receive()).status == 200


async def test_an_event_stream_is_passed_on_as_it_comes_and_outlives_a_load(scene: Scene) -> None:
    proxy = await scene.web()
    async with client_of(scene.caddy.place.http) as events, client_of(scene.caddy.place.http) as talk:
        events.send("/events", "web.test", Accept="text/event-stream")
        assert await events.reader.readuntil(b"data: 0\n\n")
        talk.send("/upgrade", "web.test", Connection="keep-alive, Upgrade", Upgrade="websocket")
        await read_head(talk.reader)
        assert await scene.flows(proxy) == {A: Flow(streams=2)}
        other = await scene.web(max_body=1)
        talk.writer.write(b"still there")
        assert await talk.reader.readexactly(11) == b"STILL THERE"
        assert await scene.flows(other) == {A: Flow(streams=2)}
        scene.a.release.set()
        assert await events.reader.readuntil(b"data: 1\n\n")
    await scene.until(other, {})


async def test_what_is_in_flight_is_counted_until_it_ends(scene: Scene) -> None:
    proxy = await scene.web()
    async with client_of(scene.caddy.place.http) as client:
        client.send("/slow", "web.test")
        await scene.a.arrived.wait()
        await scene.caddy.switch("web", B)
        assert await scene.flows(proxy) == {A: Flow(requests=1)}
        assert await scene.who("/", "web.test") == B
        scene.a.release.set()
        assert (await client.receive()).name == A
    await scene.until(proxy, {})


async def test_no_request_is_lost_while_tables_turn(scene: Scene) -> None:
    await scene.web()
    turning = asyncio.create_task(_turn(scene))
    found = await asyncio.gather(*(_ask_on_and_on(scene) for _ in range(8)))
    turning.cancel()
    assert {status for statuses in found for status in statuses} == {200}
    assert min(scene.a.served, scene.b.served) > 0


async def _turn(scene: Scene) -> None:
    while True:
        for ids in ((B,), (A, B), (A,)):
            await scene.caddy.switch("web", *ids)


async def _ask_on_and_on(scene: Scene) -> list[int]:
    async with client_of(scene.caddy.place.http) as client:
        return [(await client.ask("/", "web.test", "POST", b"x")).status for _ in range(50)]


async def test_services_turn_beside_one_another(scene: Scene) -> None:
    names = [f"s{index}" for index in range(12)]
    tables = {name: share((), {A: 1, B: index + 1}) for index, name in enumerate(names)}
    caddy = scene.caddy
    ports = {A: 80, B: 80}
    turns = (caddy.proxies.switch(OWNER, caddy.running, name, tables[name], ports) for name in names)
    await asyncio.gather(*turns)
    assert (await caddy.look(None)).tables == tables


async def test_instances_are_asked_by_their_names(scene: Scene) -> None:
    ready = Ready(http="/status/204")
    proxy = await scene.web(ready={"http": "/status/204"})
    port, longer = scene.port, "0" * 52
    listens, bad = Ready(tcp=True), Ready(http="/status/500")
    late = Ready(http="/slow", timeout=0.1)
    world = await scene.caddy.look(
        proxy,
        ProbeRequest(A + longer, port, ready, "web"),
        ProbeRequest(B + longer, port, listens, "web"),
        ProbeRequest(C + longer, port, ready, "web"),
        ProbeRequest(C + longer[:-1] + "1", port, listens, "web"),
        ProbeRequest(B + longer[:-1] + "2", port, bad, "web"),
        ProbeRequest(B + longer[:-1] + "3", port, late, "web"),
    )
    assert world.answers is not None
    said = [answer.problem for answer in world.answers.values()]
    assert said[:2] == ["", ""]
    assert [*said[2:5]] == [*["it does not answer: connection refused"] * 2, "it answered with status 500"]
    assert "no answer" in said[5]
    assert world.answers[A + longer] == Answer()


async def test_what_is_changed_by_hand_is_seen_and_mended(scene: Scene) -> None:
    proxy = await scene.web()
    assert (await scene.caddy.look(proxy)).proxies[0].agrees
    socket = admin_name(scene.caddy.handle.id[:12])
    change = Request("/config/apps/http/grace_period", "PATCH", body=b'"1s"')
    assert (await ask(str(scene.caddy.folder), socket, change)).status == 200
    live = (await scene.caddy.look(proxy)).proxies[0]
    assert (live.diffs, live.follows) == (("apps.http.grace_period",), False)
    await scene.caddy.load(proxy)
    other = scene.proxy(("web", {"host": "other.test"}))
    live = (await scene.caddy.look(other)).proxies[0]
    assert live.follows
    assert live.diffs == ("apps.http.servers.edge.routes[1].match[0].host[0]",)
    (scene.caddy.folder / "routes/web/current/7").write_text("x")
    tables = (await scene.caddy.look(proxy)).tables
    assert tables is not None
    assert tables["web"] == (*[A] * 7, "", *[A] * 92)


async def test_a_table_that_was_damaged_sends_nobody_in_circles(scene: Scene) -> None:
    await scene.web(port=scene.caddy.place.http)
    for slot in range(100):
        (scene.caddy.folder / f"routes/web/current/{slot}").unlink()
    assert await scene.who("/", "web.test") == 508


async def test_an_older_caddy_is_refused(scene: Scene, tmp_path: Path) -> None:
    class Older(LocalInsides):
        async def run_inside(self, *_: object) -> tuple[int, bytes]:  # type: ignore[override]
            return 0, b"v2.11.1 h1:abc="

    proxies = CaddyProxies(Older(str(tmp_path)), scene.caddy.place)
    with pytest.raises(Refused, match="PXY005"):
        await proxies.load(OWNER, scene.caddy.running, scene.proxy(), {})


async def test_a_proxy_that_is_killed_comes_back_with_its_work(scene: Scene) -> None:
    proxy = await scene.web()
    assert scene.caddy.process is not None
    scene.caddy.process.kill()
    scene.caddy.process.wait()
    world = await scene.caddy.look(proxy)
    assert "PXY001" in world.proxies[0].problem
    assert (world.tables, world.flows) == ({"web": (A,) * 100}, None), "its files are there all the same"
    with pytest.raises(ProviderError, match="PXY001"):
        await scene.caddy.load(proxy)
    scene.caddy.launch()
    await scene.caddy.ready()
    assert (await scene.caddy.look(proxy)).proxies[0].agrees
    assert await scene.who("/", "web.test") == A


async def test_what_caddy_refuses_is_said_without_secrets(scene: Scene) -> None:
    proxy = await scene.web()
    certificate = {"hosts": ["web.test"], "certificate": {"secret": "crt"}, "key": {"secret": "key"}}
    wrong = scene.proxy(("web", {"host": "web.test"}), https=443, certificates=[certificate])
    with pytest.raises(Refused, match="PXY004") as raised:
        await scene.caddy.load(wrong, crt="-----BEGIN NOTHING-----", key="VERYSECRETKEY")
    assert "VERYSECRETKEY" not in str(raised.value)
    assert (await scene.caddy.look(proxy)).proxies[0].agrees


async def test_neighbours_reach_services_by_name(tmp_path: Path) -> None:
    scene = Scene(LocalCaddy(tmp_path, INNER))
    await scene.start()
    try:
        routes = tuple(
            DesiredRoute(name, Route(port=scene.port, path="/x"), {"net": (name, f"{name}-2")})
            for name in ("api", "web")
        )
        proxy = DesiredProxy(Proxy(), routes)
        await scene.caddy.load(proxy)
        await scene.caddy.switch("web", A)
        await scene.caddy.switch("api", B)
        assert (await scene.caddy.look(proxy)).proxies[0].agrees
        found = [
            await ask_app(scene.port, "/y", host, X_Forwarded_For="10.0.0.1")
            for host in ("web", f"api-2:{scene.port}", "nobody")
        ]
        assert [it.name for it in found[:2]] == [A, B]
        assert found[2].status == 404
        assert found[0].told["headers"]["x-forwarded-for"] == "10.0.0.1, 127.0.0.1"  # type: ignore[index]
    finally:
        await scene.stop()


async def test_https_speaks_http_2_and_http_is_sent_there(scene: Scene) -> None:
    port = scene.caddy.place.https
    proxy = scene.proxy(("web", {"host": "web.localhost"}), https=port, issuer="internal")
    await scene.caddy.load(proxy)
    await scene.caddy.switch("web", A)
    assert (await scene.caddy.look(proxy)).proxies[0].agrees
    status, headers, _ = await scene.ask("/a?b=c", "web.localhost")
    assert (status, headers["location"]) == (308, f"https://web.localhost:{port}/a?b=c")
    assert (await scene.ask("/", "other.test"))[0] == 404
    assert (await scene.ask("/", "web.localhost", X_Forwarded_Proto="https"))[0] == 308
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    reader, writer = await _signed(port, context)
    assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"
    writer.write(
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _frame(4) + _frame(1, 5, b"\x82\x87\x84\x41\x0dweb.localhost")
    )
    body = b""
    while not body:
        head = await reader.readexactly(9)
        content = await reader.readexactly(int.from_bytes(head[:3], "big"))
        body = content if head[3] == 0 else b""
    writer.close()
    seen = json.loads(body)
    assert (seen["name"], seen["headers"]["x-forwarded-proto"]) == (A, "https")


async def test_who_came_by_https_to_the_one_in_front_is_not_sent_there_again(scene: Scene) -> None:
    trusted = ["127.0.0.1/32"]
    proxy = scene.proxy(("web", {"host": "web.localhost"}), https=8443, trusted_proxies=trusted)
    await scene.caddy.load(proxy)
    await scene.caddy.switch("web", A)
    headers = {"X_Forwarded_Proto": "https", "X_Forwarded_For": "10.9.8.7"}
    _, _, body = await scene.ask("/", "web.localhost", **headers)
    seen = json.loads(body)["headers"]
    assert (seen["x-forwarded-proto"], seen["x-forwarded-for"]) == ("https", "10.9.8.7, 127.0.0.1")
    assert (await scene.ask("/", "web.localhost"))[0] == 308


async def test_a_given_certificate_is_shown_and_known_by_its_digest(scene: Scene, tmp_path: Path) -> None:
    place = Authority(tmp_path / "authority").make().issue("own", "DNS:own.test")
    given = {"crt": (place / "cert.pem").read_text().strip(), "key": (place / "key.pem").read_text().strip()}
    digests = {name: digest_secret(OWNER, name, value) for name, value in given.items()}
    certificate = {"hosts": ["own.test"], "certificate": {"secret": "crt"}, "key": {"secret": "key"}}
    port = scene.caddy.place.https
    plain = scene.proxy(("web", {"host": "own.test"}), https=port, certificates=[certificate])
    proxy = replace(plain, certificates=digests)
    await scene.caddy.load(proxy, **given)
    await scene.caddy.switch("web", A)
    assert (await scene.caddy.look(proxy)).proxies[0].agrees
    context = ssl.create_default_context(cafile=str(place / "ca.pem"))
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="own.test")
    client = Client(reader, writer)
    assert (await client.ask("/", "own.test")).name == A
    writer.close()
    rotated = replace(plain, certificates={**digests, "key": digest_secret(OWNER, "key", "another")})
    live = (await scene.caddy.look(rotated)).proxies[0]
    assert (live.diffs, live.follows) == (("apps.tls.certificates.load_pem[0].key",), True)
    gone = (await scene.caddy.look(plain)).proxies[0]
    assert gone.diffs == ("apps.tls.certificates",)


async def _signed(port: int, context: ssl.SSLContext) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection, as soon as there is a certificate."""
    for _ in range(200):
        try:
            return await asyncio.open_connection(
                "127.0.0.1", port, ssl=context, server_hostname="web.localhost"
            )
        except ssl.SSLError:
            await asyncio.sleep(0.05)
    raise AssertionError("no certificate was made")


def _frame(kind: int, flags: int = 0, content: bytes = b"") -> bytes:
    stream = 1 if kind == 1 else 0
    return len(content).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + content
