"""Sends letters: beside everything else, each destination by itself, again and again for a day."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

from reconciler.cli.outbox import Outbox
from reconciler.cli.result_letters import LIFETIME, Letter
from reconciler.cli.result_places import ForgePlace, Request, ResultPlace
from reconciler.jitter import jittered

if TYPE_CHECKING:
    from aiohttp import ClientSession

DEADLINE: Final = 15.0
_FIRST_PAUSE: Final = 2.0
_LONGEST_PAUSE: Final = 600.0
_MOST_ASKED: Final = 3600.0
_IDLE: Final = 300.0
_READ: Final = 4096
_AGAIN: Final = frozenset({401, 403, 408, 425, 429})
"""A token may be about to be replaced; the others say "later" by themselves."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What a destination said: its status, how long it asks us to wait, the start of its answer."""

    status: int
    after: float | None = None
    text: str = ""


@dataclass(slots=True)
class Postman:
    """One for each process. ``places`` gives who may be written to now."""

    outbox: Outbox
    places: Callable[[], Mapping[str, ResultPlace]]
    clock: Callable[[], float] = time.time
    news: asyncio.Event = field(default_factory=asyncio.Event)
    _tries: dict[str, tuple[int, float]] = field(default_factory=dict)
    """Destination -> how often it failed in a row, and until when it is left alone."""
    _sending: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    def put(self, letter: Letter) -> None:
        """Send it as soon as may be. Waits for nothing."""
        self.outbox.put(letter)
        self.news.set()

    async def work(self, stopping: asyncio.Event) -> None:
        """Send until ``stopping``; what is not sent then waits on disk."""
        await asyncio.to_thread(self.outbox.load)
        session: ClientSession | None = None
        try:
            while not stopping.is_set():
                self.news.clear()
                if not self.outbox.is_written:
                    await asyncio.to_thread(self.outbox.write)
                if self.outbox.waiting:
                    session = session or open_session()
                    self._begin(session)
                await _first_of(stopping, self.news, self._pause())
        finally:
            for task in self._sending.values():
                task.cancel()
            await asyncio.gather(*self._sending.values(), return_exceptions=True)
            await asyncio.to_thread(self.outbox.write)
            if session is not None:
                await session.close()

    def _begin(self, session: ClientSession) -> None:
        """One letter for each destination that is free; the oldest first."""
        now, places = self.clock(), self.places()
        for letter in list(self.outbox.waiting.values()):
            place = places.get(letter.destination)
            if place is None:
                self.outbox.drop(letter, "nobody is called so any more")
            elif now - letter.written_at > LIFETIME:
                self.outbox.drop(letter, "it could not be sent for a day")
            elif self._is_free(letter, now):
                task = asyncio.create_task(self._send(session, place, letter))
                self._sending[letter.destination] = task

    def _is_free(self, letter: Letter, now: float) -> bool:
        _, until = self._tries.get(letter.destination, (0, 0.0))
        return letter.destination not in self._sending and max(until, letter.not_before) <= now

    def _pause(self) -> float:
        """Until the first letter is due that nobody is sending."""
        now = self.clock()
        due = [
            max(letter.not_before, self._tries.get(letter.destination, (0, 0.0))[1])
            for letter in self.outbox.waiting.values()
            if letter.destination not in self._sending
        ]
        return max(0.0, min([*(time - now for time in due), _IDLE]))

    async def _send(self, session: ClientSession, place: ResultPlace, letter: Letter) -> None:
        try:
            answer = await self._hand_over(session, place, letter)
            if answer.status == 401 and isinstance(place, ForgePlace) and place.renew():
                answer = await self._hand_over(session, place, letter)
            self._judge(place, letter, answer)
        except Exception as error:  # a destination's fault, whatever it is, is never the loop's
            self._fail(letter, None, type(error).__name__)
        finally:
            self._sending.pop(letter.destination, None)
            self.news.set()

    async def _hand_over(self, session: ClientSession, place: ResultPlace, letter: Letter) -> Answered:
        return await _post(session, await asyncio.to_thread(place.request, letter, self.clock()))

    def _judge(self, place: ResultPlace, letter: Letter, answer: Answered) -> None:
        if 200 <= answer.status < 300 or _says_already(place, answer):
            self._tries.pop(letter.destination, None)
            self.outbox.sent(letter)
        elif answer.status >= 500 or answer.status in _AGAIN:
            self._fail(letter, answer.after, f"status {answer.status}")
        else:
            self._tries.pop(letter.destination, None)
            self.outbox.drop(letter, f"it answered {answer.status}")

    def _fail(self, letter: Letter, after: float | None, reason: str) -> None:
        count, _ = self._tries.get(letter.destination, (0, 0.0))
        pause = jittered(min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0**count))
        pause = max(pause, min(after or 0.0, _MOST_ASKED))
        self._tries[letter.destination] = (count + 1, self.clock() + pause)
        self.outbox.tally.failed += 1
        if count == 0:
            self.outbox.tell(f"{letter.destination} takes no results ({reason}): they wait")


def _says_already(place: ResultPlace, answer: Answered) -> bool:
    """GitLab refuses a status that is as it was before."""
    is_gitlab = isinstance(place, ForgePlace) and place.forge.provider == "gitlab"
    return is_gitlab and answer.status == 400 and "Cannot transition status" in answer.text


def open_session() -> ClientSession:
    """What letters go by: no cookies, nothing unpacked, a deadline for each request."""
    from aiohttp import ClientSession, ClientTimeout, DummyCookieJar

    return ClientSession(
        timeout=ClientTimeout(total=DEADLINE),
        cookie_jar=DummyCookieJar(),
        trust_env=True,
        auto_decompress=False,
    )


async def _post(session: ClientSession, request: Request) -> Answered:
    """One POST. Follows no redirect: what is sent is for this address alone."""
    async with session.post(
        request.url, data=request.body, headers=request.headers, allow_redirects=False
    ) as answer:
        text = (await answer.content.read(_READ)).decode("utf-8", "replace")
        return Answered(answer.status, read_pause(answer.headers.get("Retry-After", "")), text)


def read_pause(text: str) -> float | None:
    """What Retry-After asks for: seconds, or a date (RFC 9110, section 10.2.3)."""
    if text.isascii() and text.isdigit() and len(text) < 9:
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


async def _first_of(stopping: asyncio.Event, news: asyncio.Event, seconds: float) -> None:
    """Until one of them, at most so long."""
    waits = [asyncio.ensure_future(event.wait()) for event in (stopping, news)]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*waits, return_exceptions=True)
