"""A small working registry on a loopback port, with a login, tokens and faults as a test wants them.

It keeps everything in dictionaries and speaks as much of the distribution API as the client uses. A fault is
a `Twist`: for matching requests a function stands between the request and the registry's own answer.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import ssl
from dataclasses import dataclass, field
from typing import Self

from aiohttp import web

from fake_shelf import INDEX, Shelf, digest_of, scopes_of
from registry_twists import Act, Handler, refusal


@dataclass(frozen=True)
class Seen:
    """A request as it arrived."""

    method: str
    path: str
    query: str
    authorization: str | None


@dataclass
class Twist:
    """Let `act` answer the next `times` requests of a method (all when negative) whose path matches."""

    method: str
    path: str
    act: Act
    times: int = 1

    def takes(self, request: web.Request) -> bool:
        fits = request.method == self.method and re.fullmatch(self.path, request.path)
        return bool(fits) and self.times != 0


@dataclass
class FakeRegistry:
    """Use it in `async with`; `host` is then its part of an image reference."""

    login: tuple[str, str] | None = None
    mode: str = "open"
    """open, basic or bearer: what is asked for; in the last two `login` None means anonymous tokens."""
    tls: ssl.SSLContext | None = None
    grant: dict[str, object] = field(default_factory=dict)
    """Fields of a token's answer in place of the usual ones; None removes one."""
    realm: str = ""
    """Another token realm than this registry's own."""
    extra_scope: str = ""
    refresh_token: str = ""
    keeps_referrers: bool = False
    """It answers which manifests name another as their subject; else it does not know that path."""
    shelves: dict[str, Shelf] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    twists: list[Twist] = field(default_factory=list)
    tokens: dict[str, set[str]] = field(default_factory=dict)
    uploads: dict[str, str] = field(default_factory=dict)
    port: int = 0

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.host}"

    def shelf(self, repository: str) -> Shelf:
        return self.shelves.setdefault(repository, Shelf())

    def put_blob(self, repository: str, content: bytes) -> str:
        self.shelf(repository).blobs[digest_of(content)] = content
        return digest_of(content)

    def put_manifest(self, repository: str, tag: str, media_type: str, body: bytes) -> str:
        digest = digest_of(body)
        self.shelf(repository).manifests[digest] = (media_type, body)
        self.shelf(repository).tags[tag] = digest
        return digest

    def twist(self, method: str, path: str, act: Act, times: int = 1) -> None:
        self.twists.append(Twist(method, path, act, times))

    def count(self, method: str, path: str) -> int:
        """How many requests of a method came whose path matches."""
        return sum(seen.method == method and bool(re.fullmatch(path, seen.path)) for seen in self.seen)

    async def __aenter__(self) -> Self:
        app = web.Application(
            middlewares=[self._record, self._twisted, self._guarded], client_max_size=1 << 28
        )
        app.router.add_get("/token", self._give_token)
        app.router.add_post("/token", self._refresh)
        app.router.add_get("/v2/", self._ping)
        name = "/v2/{name:.+}"
        app.router.add_get(f"{name}/tags/list", self._list_tags)
        app.router.add_get(f"{name}/manifests/{{reference}}", self._get_manifest)
        app.router.add_put(f"{name}/manifests/{{reference}}", self._put_manifest)
        app.router.add_get(f"{name}/referrers/{{digest}}", self._list_referrers)
        app.router.add_post(f"{name}/blobs/uploads/", self._begin_upload)
        app.router.add_put(f"{name}/blobs/uploads/{{upload}}", self._end_upload)
        app.router.add_delete(f"{name}/blobs/uploads/{{upload}}", self._drop_upload)
        app.router.add_get(f"{name}/blobs/{{digest}}", self._get_blob)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self.tls)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    @web.middleware
    async def _record(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        authorization = request.headers.get("Authorization")
        self.seen.append(
            Seen(request.method, request.path, request.raw_path.partition("?")[2], authorization)
        )
        return await handler(request)

    @web.middleware
    async def _twisted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        for twist in self.twists:
            if twist.takes(request):
                twist.times -= 1
                return await twist.act(request, handler)
        return await handler(request)

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get("Authorization", "")
        wanted = scopes_of(request)
        if request.path == "/token" or self.mode == "open":
            return await handler(request)
        if self.mode == "basic":
            challenge = 'Basic realm="fake"'
            allowed = given == self._basic()
        else:
            scope = " ".join([*sorted(wanted), *([self.extra_scope] if self.extra_scope else [])])
            challenge = f'Bearer realm="{self.realm or self.url + "/token"}",service="fake"'
            challenge += f',scope="{scope}"' if scope else ""
            held = self.tokens.get(given.removeprefix("Bearer "))
            allowed = held is not None and wanted <= held
        if allowed:
            return await handler(request)
        return refusal(401, "UNAUTHORIZED", {"WWW-Authenticate": challenge})

    def _basic(self) -> str:
        return "Basic " + base64.b64encode(":".join(self.login or ("", "")).encode()).decode()

    def _grant(self, scopes: list[str]) -> web.Response:
        token = secrets.token_hex(8)
        self.tokens[token] = set(scopes)
        fields = {"token": token, "expires_in": 300, **self.grant}
        if "access_token" in self.grant:
            fields["access_token"] = token
        return web.json_response({key: value for key, value in fields.items() if value is not None})

    async def _give_token(self, request: web.Request) -> web.Response:
        if self.login and request.headers.get("Authorization") != self._basic():
            return refusal(401, "UNAUTHORIZED", {})
        return self._grant(request.query.getall("scope", []))

    async def _refresh(self, request: web.Request) -> web.Response:
        form = await request.post()
        if form.get("refresh_token") != self.refresh_token or form.get("grant_type") != "refresh_token":
            return web.json_response({"error": "invalid_grant"}, status=400)
        return self._grant(str(form.get("scope", "")).split())

    async def _ping(self, request: web.Request) -> web.Response:
        return web.json_response({}, headers={"Docker-Distribution-Api-Version": "registry/2.0"})

    async def _list_tags(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in self.shelves:
            return refusal(404, "NAME_UNKNOWN", {})
        last, size = request.query.get("last", ""), min(int(request.query.get("n", "2")), 2)
        names = [tag for tag in sorted(self.shelves[name].tags) if tag > last]
        page, headers = names[:size], {}
        if len(names) > size:
            headers["Link"] = f'</v2/{name}/tags/list?last={page[-1]}&n={size}>; rel="next"'
        return web.json_response({"name": name, "tags": page or None}, headers=headers)

    async def _get_manifest(self, request: web.Request) -> web.Response:
        shelf, reference = self.shelf(request.match_info["name"]), request.match_info["reference"]
        digest = shelf.tags.get(reference, reference)
        if digest not in shelf.manifests:
            return refusal(404, "MANIFEST_UNKNOWN", {})
        media_type, body = shelf.manifests[digest]
        if media_type not in request.headers.get("Accept", ""):
            return refusal(404, "MANIFEST_UNKNOWN", {})
        headers = {"Docker-Content-Digest": digest, "Content-Type": media_type}
        return web.Response(body=body, headers=headers)

    async def _put_manifest(self, request: web.Request) -> web.Response:
        shelf, reference = self.shelf(request.match_info["name"]), request.match_info["reference"]
        body = await request.read()
        digest, document = digest_of(body), json.loads(body)
        if ":" in reference and digest != reference:
            return refusal(400, "MANIFEST_INVALID", {})
        if not shelf.has_all_of(document):
            return refusal(400, "MANIFEST_BLOB_UNKNOWN", {})
        shelf.manifests[digest] = (request.headers["Content-Type"], body)
        if ":" not in reference:
            shelf.tags[reference] = digest
        return web.Response(status=201, headers={"Docker-Content-Digest": digest})

    async def _list_referrers(self, request: web.Request) -> web.Response:
        if not self.keeps_referrers:
            return web.Response(status=404, text="404 page not found")
        shelf = self.shelf(request.match_info["name"])
        index = shelf.referrers_of(request.match_info["digest"])
        return web.Response(body=index, headers={"Content-Type": INDEX})

    async def _begin_upload(self, request: web.Request) -> web.Response:
        name, mounted = request.match_info["name"], request.query.get("mount")
        source = self.shelves.get(request.query.get("from", ""), Shelf())
        if mounted in source.blobs:
            self.shelf(name).blobs[mounted] = source.blobs[mounted]
            return web.Response(status=201, headers={"Location": f"/v2/{name}/blobs/{mounted}"})
        upload = secrets.token_hex(4)
        self.uploads[upload] = name
        return web.Response(
            status=202, headers={"Location": f"/v2/{name}/blobs/uploads/{upload}?_state=a%2Fb"}
        )

    async def _end_upload(self, request: web.Request) -> web.Response:
        content = await request.read()
        if self.uploads.pop(request.match_info["upload"], None) is None or "_state=a%2Fb" not in str(
            request.rel_url
        ):
            return refusal(404, "BLOB_UPLOAD_UNKNOWN", {})
        digest = request.query["digest"]
        if digest_of(content, digest.partition(":")[0]) != digest:
            return refusal(400, "DIGEST_INVALID", {})
        self.shelf(request.match_info["name"]).blobs[digest] = content
        return web.Response(status=201, headers={"Docker-Content-Digest": digest})

    async def _drop_upload(self, request: web.Request) -> web.Response:
        self.uploads.pop(request.match_info["upload"], None)
        return web.Response(status=204)

    async def _get_blob(self, request: web.Request) -> web.Response:
        content = self.shelf(request.match_info["name"]).blobs.get(request.match_info["digest"])
        if content is None:
            return refusal(404, "BLOB_UNKNOWN", {})
        return web.Response(body=content, content_type="application/octet-stream")
