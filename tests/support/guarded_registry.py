"""A door with a login in front of the test registry, on a loopback port of its own."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiohttp import ClientSession, ClientTimeout, web

_NOT_FORWARDED = {"content-length", "transfer-encoding", "connection", "authorization"}


@asynccontextmanager
async def guarded_registry(registry_host: str, username: str, password: str) -> AsyncIterator[str]:
    """The host of a registry with the same content as ``registry_host`` that asks for Basic credentials."""
    expected = "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()

    async def forward(request: web.Request) -> web.StreamResponse:
        given = request.headers.get("Authorization")
        if given != expected:
            error = {
                "errors": [{"code": "UNAUTHORIZED", "message": "authentication required", "detail": None}]
            }
            return web.json_response(error, status=401, headers={"WWW-Authenticate": 'Basic realm="test"'})
        body = request.content.iter_any() if request.can_read_body else b""
        url = f"http://{registry_host}{request.rel_url}"
        async with session.request(
            request.method,
            url,
            headers=_forwarded(request.headers),
            data=body,
            allow_redirects=False,
            skip_auto_headers=["Accept"],
        ) as answer:
            if request.method == "HEAD":
                return web.Response(status=answer.status, headers=answer.headers)
            return web.Response(
                status=answer.status, headers=_forwarded(answer.headers), body=await answer.read()
            )

    app = web.Application(client_max_size=1 << 30)
    app.router.add_route("*", "/{path:.*}", forward)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        async with ClientSession(auto_decompress=False, timeout=ClientTimeout(total=60)) as session:
            yield f"127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def _forwarded(headers: Mapping[str, str]) -> dict[str, str]:
    """One line for each name: a docker client sends several Accept headers."""
    joined: dict[str, str] = {}
    for name, value in headers.items():
        if name.lower() not in _NOT_FORWARDED:
            joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined
