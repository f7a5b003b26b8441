"""Webhooks: each says "there may be news of this repository" and changes nothing but when git is asked.

Whoever cannot sign is refused before anything of the body is read, or, where the body is what is signed,
after a bounded part of it; nothing is kept of such a request.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from reconciler.cli.loop_payload import Delivery, read_delivery
from reconciler.cli.loop_runs import INTERVAL, LONGEST, Run
from reconciler.cli.loop_secret import read_secret
from reconciler.cli.loop_settle import either
from reconciler.cli.loop_signature import is_proved, knows, read_claim
from reconciler.cli.loop_source import RepositoryWatch
from reconciler.cli.loop_tracked import is_tracked
from reconciler.desired import Json

if TYPE_CHECKING:
    from aiohttp import web

    from reconciler.cli.loop_http import Served

MAX_BODY: Final = 1 << 20
SLOWEST: Final = 10.0
"""Seconds within which a body must be there."""


class Refusal(Exception):
    """A delivery is not taken: the status of the answer, a word for metrics, words for whoever sent it."""

    def __init__(self, status: int, result: str, words: str) -> None:
        super().__init__(words)
        self.status, self.result, self.words = status, result, words


async def answer_webhook(served: Served, request: web.Request) -> web.StreamResponse:
    """202 with a run id; with ``?wait=true`` 200 or 424 when that news is settled or has failed."""
    from aiohttp import web

    watch = served.watches.get(request.match_info["name"])
    name = watch.entry.name if watch is not None else ""
    try:
        wants_to_wait = _waits(request)
        body = await _read_signed(served, watch, request)
        if watch is None:
            raise _unsigned()
        if not served.runs.admit(name):
            raise Refusal(429, "limited", "too many at once")
        delivery = _read(watch, request, body)
    except Refusal as refusal:
        served.deliveries[name, refusal.result] += 1
        headers = {"Retry-After": f"{INTERVAL:g}"} if refusal.status == 429 else None
        response = web.json_response({"error": refusal.words}, status=refusal.status, headers=headers)
        if not request.content.at_eof():
            response.force_close()  # the rest of its body is not worth reading
        return response
    if delivery.kind == "ping":
        served.deliveries[name, "ping"] += 1
        return web.json_response({"pong": True})
    if not _is_about(watch, delivery):
        served.deliveries[name, "untracked"] += 1
        return web.json_response({"tracked": False}, status=202)
    served.deliveries[name, "accepted"] += 1
    run = served.runs.ask(served, watch, delivery.moved)
    return await _answer_wait(served, run) if wants_to_wait else web.json_response(_begun(run), status=202)


async def answer_run(served: Served, request: web.Request) -> web.StreamResponse:
    """What became of a run. Its id is all that one needs to know; of others nothing is told."""
    from aiohttp import web

    run = served.runs.get(request.match_info["id"])
    if run is None:
        return web.json_response({"error": "there is no such run, or it was long ago"}, status=404)
    return web.json_response(run.tell())


async def _answer_wait(served: Served, run: Run) -> web.Response:
    from aiohttp import web

    try:
        async with asyncio.timeout(LONGEST):
            await either(run.done.wait(), served.stopping.wait())
    except TimeoutError:
        return web.json_response(run.tell(), status=504)
    if not run.done.is_set():
        return web.json_response({**run.tell(), "error": "the loop ends"}, status=503)
    return web.json_response(run.tell(), status=200 if run.state == "settled" else 424)


def _begun(run: Run) -> dict[str, Json]:
    return {"run": run.id, "tracked": True, "state": run.state, "url": f"/v1/runs/{run.id}"}


def _waits(request: web.Request) -> bool:
    """Whether it says ``?wait=true``. Nothing else belongs there: least of all a secret, which would be in
    the logs of every proxy."""
    if set(request.query) - {"wait"} or len(request.query) > 1:
        raise Refusal(400, "malformed", "only ?wait=true is known here")
    return request.query.get("wait") == "true"


async def _read_signed(served: Served, watch: RepositoryWatch | None, request: web.Request) -> bytes:
    """The body, proved to come from who knows the secret. What cannot be is answered alike, so that nobody
    learns which repositories there are."""
    secret = read_secret(watch.entry.webhook_secret) if watch is not None else None
    claim = read_claim(request.headers.items(), time.time())
    if secret is None or claim is None or (claim.token is not None and not knows(claim.token, secret)):
        raise _unsigned()
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Refusal(415, "malformed", "the body must not be packed")
    if (request.content_length or 0) > MAX_BODY:
        raise _too_large()
    try:
        async with asyncio.timeout(SLOWEST), served.inbox:
            body = await _read_body(request)
            if not is_proved(claim, body, secret):
                raise _unsigned()
            return bytes(body)
    except TimeoutError:
        raise Refusal(408, "slow", "the body did not come in time") from None


async def _read_body(request: web.Request) -> bytearray:
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > MAX_BODY:
            raise _too_large()
    return body


def _unsigned() -> Refusal:
    return Refusal(401, "unsigned", "not signed")


def _too_large() -> Refusal:
    return Refusal(413, "too_large", f"more than {MAX_BODY} bytes")


def _read(watch: RepositoryWatch, request: web.Request, body: bytes) -> Delivery:
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        delivery = read_delivery(headers, body)
    except ValueError as error:
        words = str(error) if type(error) is ValueError else "the body is no JSON"
        raise Refusal(400, "malformed", words) from None
    if delivery.urls and not is_same_repository(watch.entry.url, delivery.urls):
        raise Refusal(409, "another_repository", "this is about another repository")
    return delivery


def is_same_repository(ours: str | None, theirs: tuple[str, ...]) -> bool:
    """Whether one of the spellings is our repository: compared whole, by host and path. A clone on this
    machine has no URL that we know of."""
    from providers.git.url import normal_url

    return ours is None or normal_url(ours) in {normal_url(url) for url in theirs}


def _is_about(watch: RepositoryWatch, delivery: Delivery) -> bool:
    if delivery.kind != "push":
        return False
    tracked: Mapping[str, bool] = {
        one.ref: is_tracked(watch.entry, watch.environments, watch.seen, one.ref) for one in delivery.moved
    }
    return not tracked or any(tracked.values())
