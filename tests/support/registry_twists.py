"""Faults of a fake registry: functions that stand between a request and the registry's own answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Act = Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]


def refusal(status: int, code: str, headers: dict[str, str], message: str = "no") -> web.Response:
    errors = {"errors": [{"code": code, "message": message}]}
    return web.json_response(errors, status=status, headers=headers)


def answer(status: int, text: str = "", headers: dict[str, str] | None = None) -> Act:
    """Answer this and do nothing."""

    async def act(request: web.Request, handler: Handler) -> web.StreamResponse:
        return web.Response(status=status, text=text, headers=headers)

    return act


def lose_reply() -> Act:
    """Do what is asked, then close the connection without a word."""

    async def act(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if request.transport is not None:
            request.transport.abort()
        return response

    return act


def alter(change: Callable[[web.Response], None]) -> Act:
    """Do what is asked and change the answer."""

    async def act(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        assert isinstance(response, web.Response)
        change(response)
        return response

    return act


def truncate() -> Act:
    """Promise the whole body, send half of it, and close."""

    async def act(request: web.Request, handler: Handler) -> web.StreamResponse:
        whole = await handler(request)
        assert isinstance(whole, web.Response)
        assert isinstance(whole.body, bytes)
        half = web.StreamResponse(status=whole.status, headers=whole.headers)
        half.content_length = len(whole.body)
        await half.prepare(request)
        await half.write(whole.body[: len(whole.body) // 2])
        if request.transport is not None:
            request.transport.close()
        return half

    return act


def set_header(name: str, value: str) -> Act:
    return alter(lambda response: response.headers.update({name: value}))


def drop_header(name: str) -> Act:
    return alter(lambda response: response.headers.popall(name))


def set_body(body: bytes) -> Act:
    def change(response: web.Response) -> None:
        response.body = body

    return alter(change)
