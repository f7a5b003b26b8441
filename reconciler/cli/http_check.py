"""A check by HTTP: one page, asked for without any secret, bounded in time and size.

A redirect is followed to the same origin alone: who answers elsewhere is not who was asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

from reconciler.cli.forge_reader import PLAIN_ANSWER
from specs.gate_check import Check

if TYPE_CHECKING:
    from aiohttp import ClientSession

MOST_READ: Final = 1 << 16
_MOST_HOPS: Final = 5
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


async def check_http(session: ClientSession, check: Check) -> tuple[bool | None, str]:
    """Whether the page is as written, and what was seen; nothing of its content. None where its host is not
    known here. Never raises for what answers."""
    from aiohttp import ClientConnectorDNSError, ClientError

    try:
        async with asyncio.timeout(check.seconds):
            return await _follow(session, check, check.http or "")
    except TimeoutError:
        return False, f"no answer within {check.seconds:g} s"
    except ClientConnectorDNSError:
        return None, "its host name cannot be resolved from here"
    except (ClientError, OSError, ValueError) as error:
        return False, f"no answer ({type(error).__name__})"


async def _follow(session: ClientSession, check: Check, url: str) -> tuple[bool, str]:
    wanted = 200 if check.status is None else check.status
    for _ in range(_MOST_HOPS + 1):
        async with session.get(url, allow_redirects=False, headers=PLAIN_ANSWER) as answer:
            if answer.status in _REDIRECTS and answer.status != wanted:
                onward = urljoin(url, answer.headers.get("Location", ""))
                if not _is_same_origin(url, onward):
                    return (
                        False,
                        f"status {answer.status}, a redirect to another address, which is not followed",
                    )
                url = onward
                continue
            if answer.status != wanted:
                return False, f"status {answer.status}"
            if check.contains is None:
                return True, f"status {answer.status}"
            found = check.contains.encode() in await _read(answer.content.iter_any())
            return found, f"status {answer.status}, {'with' if found else 'without'} the text"
    return False, f"more than {_MOST_HOPS} redirects"


async def _read(pieces: AsyncIterator[bytes]) -> bytes:
    """The beginning of an answer."""
    content = b""
    async for piece in pieces:
        content += piece
        if len(content) >= MOST_READ:
            break
    return content[:MOST_READ]


def _is_same_origin(one: str, other: str) -> bool:
    first, second = urlsplit(one), urlsplit(other)
    return (first.scheme, first.netloc) == (second.scheme, second.netloc)
