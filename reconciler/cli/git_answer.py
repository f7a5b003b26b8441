"""The answers of git's smart HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.cli.git_body import Refused

if TYPE_CHECKING:
    from aiohttp import web

_FRESH: Final = {"Cache-Control": "no-cache, max-age=0, must-revalidate", "X-Accel-Buffering": "no"}


def answer(content_type: str) -> web.StreamResponse:
    """One that is sent in pieces, and kept by nobody."""
    from aiohttp import web

    return web.StreamResponse(headers={**_FRESH, "Content-Type": content_type})


def packet(text: str) -> bytes:
    """A line of git's (gitprotocol-common(5))."""
    return f"{len(text) + 4:04x}{text}".encode()


def refuse(refused: Refused) -> web.Response:
    """A body that is not taken."""
    from aiohttp import web

    return closed(web.Response(status=refused.status, text=f"{refused.words}\n"))


def full() -> web.Response:
    """Everybody is at work."""
    from aiohttp import web

    text = "too many pushes at once\n"
    return closed(web.Response(status=503, text=text, headers={"Retry-After": "10"}))


def closed(response: web.Response) -> web.Response:
    """What is left of the request is not worth reading."""
    response.force_close()
    return response
