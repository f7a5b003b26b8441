"""Requests to a forge's API: of this address alone, bounded, and tried again where that can help."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeVar

from reconciler.cli.postman import read_pause
from reconciler.desired import Json
from reconciler.fault import ProviderError, Refused
from reconciler.render import escape

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession

    from reconciler.cli.forge_site import ForgeSite

T = TypeVar("T")
JsonMap = Mapping[str, Json]
Method = Literal["GET", "POST", "PATCH", "PUT"]
PAGE: Final = 100
_MOST_PAGES: Final = 60
_MOST: Final = 32 << 20
"""Bytes of one answer: a page of a hundred comments, each as long as can be."""
_TRIES: Final = 4
_LONGEST_PAUSE: Final = 90.0
_HEADERS: Final = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": "reconciler",
}


class Later(ProviderError):
    """The forge could not, or would not yet: the same again can help."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered with."""

    status: int
    content: Json


@dataclass(slots=True)
class ForgeCalls:
    """Speaks to one forge. The session is the caller's, who closes it."""

    site: ForgeSite
    session: ClientSession

    async def ask(
        self, method: Method, path: str, body: JsonMap | None = None, takes: frozenset[int] = frozenset()
    ) -> Answer:
        """One request. ``takes``: statuses that are an answer here, and no fault. Raises Later, Refused."""
        where = f"{method} {self.site.api}{path}"
        try:
            async with self.session.request(
                method,
                f"{self.site.api}{path}",
                json=None if body is None else dict(body),
                headers={**_HEADERS, **self.site.login},
                allow_redirects=False,
            ) as answer:
                return await self._read(where, answer, takes)
        except (TimeoutError, OSError) as error:
            raise _later(where, f"no answer ({type(error).__name__})") from None
        except ProviderError:
            raise
        except Exception as error:  # of the library: an answer that is no HTTP, a connection that broke
            raise _later(where, f"no answer ({type(error).__name__})") from None

    async def pages(self, path: str) -> AsyncIterator[JsonMap]:
        """Every entry of a list, page by page. Raises as ``ask``, and ProviderError where it does not end."""
        mark = "&" if "?" in path else "?"
        for page in range(1, _MOST_PAGES + 1):
            answer = await self.ask("GET", f"{path}{mark}per_page={PAGE}&page={page}")
            found = answer.content if isinstance(answer.content, list) else []
            for entry in found:
                if isinstance(entry, dict):
                    yield entry
            if len(found) < PAGE:
                return
        raise _refused(f"GET {self.site.api}{path}", f"more than {_MOST_PAGES * PAGE} entries", "fewer")

    async def _read(self, where: str, answer: ClientResponse, takes: frozenset[int]) -> Answer:
        text = await _text(answer)
        if answer.status >= 500 or answer.status == 429 or _is_limited(answer):
            raise _later(where, f"it answered {answer.status}", _pause(answer))
        if 200 <= answer.status < 300:
            return Answer(answer.status, _parsed(where, text) if text else None)
        if answer.status in takes:
            return Answer(answer.status, None)
        if 300 <= answer.status < 400:
            raise _refused(where, "it answers elsewhere", "an answer from this address; correct the address")
        raise _refused(where, f"it answered {answer.status}{_words(text, self.site)}", "a right to do this")


async def persist(deed: Callable[[], Awaitable[T]], sleep: Callable[[float], Awaitable[object]]) -> T:
    """The deed, begun anew a few times where the forge could not: it has to look again before it writes, as
    what was not answered may have been done. Raises what the deed raises."""
    for number in range(1, _TRIES):
        try:
            return await deed()
        except Later as later:
            pause = later.retry_after if later.retry_after is not None else 2.0**number
            if pause > _LONGEST_PAUSE:
                raise
            await sleep(pause)
    return await deed()


async def _text(answer: ClientResponse) -> str:
    parts: list[bytes] = []
    left = _MOST
    async for part in answer.content.iter_chunked(1 << 16):
        left -= len(part)
        if left < 0:
            raise _refused(str(answer.url), f"an answer of more than {_MOST} bytes", "a shorter one")
        parts.append(part)
    return b"".join(parts).decode("utf-8", "replace")


def _parsed(where: str, text: str) -> Json:
    try:
        value: Json = json.loads(text)
    except (ValueError, RecursionError):
        raise _refused(where, "its answer is no JSON", "a forge's API at this address") from None
    return value


def _is_limited(answer: ClientResponse) -> bool:
    has_said = "Retry-After" in answer.headers or answer.headers.get("X-RateLimit-Remaining") == "0"
    return answer.status == 403 and has_said


def _pause(answer: ClientResponse) -> float | None:
    """Seconds that it asks to wait."""
    asked = read_pause(answer.headers.get("Retry-After", ""))
    reset = answer.headers.get("X-RateLimit-Reset", "")
    if asked is None and reset.isascii() and reset.isdigit() and len(reset) < 12:
        return max(0.0, float(reset) - time.time())
    return asked


def _words(text: str, site: ForgeSite) -> str:
    """What the forge says of its refusal, without what was sent to it."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    said = value.get("message") or value.get("error") if isinstance(value, dict) else None
    told = escape(" ".join(str(said).split()), 200) if said else ""
    for secret in site.login.values():
        told = told.replace(secret.rpartition(" ")[2], "(masked)")
    return f": {told}" if told else ""


def _later(where: str, seen: str, after: float | None = None) -> Later:
    return Later("FORGE004", where, seen, "an answer", "run the job again", retry_after=after)


def _refused(where: str, seen: str, expected: str) -> Refused:
    return Refused("FORGE003", where, seen, expected, "look at the permissions of the job and of its token")
