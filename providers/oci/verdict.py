"""What an answer means that is not the one hoped for."""

from __future__ import annotations

import email.utils
from datetime import UTC, datetime

from providers.oci.faults import (
    GONE,
    NO_REGISTRY,
    REQUEST_REFUSED,
    RIGHT_MISSING,
    SERVER_ERROR,
    THROTTLED,
)
from providers.oci.mask import Mask
from providers.oci.strict_json import as_list, as_object, parse_object
from providers.oci.transport import Answer
from reconciler.provider import ProviderError

_MAX_ERROR = 4096
_MAX_TEXT = 300
_MAX_RETRY_AFTER = 3600.0
_THROTTLES = frozenset({429, 503})
_PART_MISSING = frozenset(
    {"MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN", "BLOB_UPLOAD_UNKNOWN", "BLOB_UPLOAD_INVALID"}
)
"""What was pushed before is not there (any more): pushing again from the beginning may work."""


async def explain(answer: Answer, mask: Mask | None) -> ProviderError:
    """The error for an answer of another status than was hoped for; reads at most 4 KB of its body.

    Without a mask nothing of the body is repeated.
    """
    code, message = _said(await answer.excerpt(_MAX_ERROR))
    said = mask.apply(f"{code}: {message}")[:_MAX_TEXT] if mask and code else ""
    seen = f"{answer.status}{f' ({said})' if said else ''}"
    retry_after = read_retry_after(answer.header("Retry-After"), answer.header("Date"))
    if answer.status == 429 or (answer.status in _THROTTLES and retry_after is not None):
        return THROTTLED.passing(answer.where, seen, "fewer calls", retry_after=retry_after)
    if answer.status >= 500 or answer.status == 408:
        return SERVER_ERROR.passing(answer.where, seen, "success")
    if code in _PART_MISSING:
        return GONE.passing(answer.where, seen, "what was pushed before")
    if answer.status == 403:
        return RIGHT_MISSING.final(answer.where, seen, "a login with the right to do this")
    if answer.status < 400 or answer.media_type == "text/html":
        return not_a_registry(answer)
    remedy = "create the repository, or correct its name" if answer.status == 404 else ""
    return REQUEST_REFUSED.final(answer.where, seen, "success", remedy=remedy)


def refuse_page(answer: Answer) -> None:
    """Raise ProviderError for an HTML page that says success or absence where a registry's answer belongs."""
    if answer.media_type == "text/html" and (answer.status < 400 or answer.status == 404):
        raise not_a_registry(answer)


def not_a_registry(answer: Answer) -> ProviderError:
    """The error for an answer that no registry gives, such as a login page."""
    kind = f" with {answer.media_type}" if answer.media_type else ""
    return NO_REGISTRY.passing(
        answer.where, f"{answer.status}{kind}: not a registry answer", "the distribution API under /v2/"
    )


def read_retry_after(value: str | None, date: str | None) -> float | None:
    """Seconds of a Retry-After header (a number, or a time as seen from the answer's Date), at most 1 h."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return min(float(value), _MAX_RETRY_AFTER)
    until, now = _time(value), _time(date) or datetime.now(UTC)
    return min(max((until - now).total_seconds(), 0.0), _MAX_RETRY_AFTER) if until else None


def _time(text: str | None) -> datetime | None:
    try:
        moment = email.utils.parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _said(body: bytes) -> tuple[str, str]:
    """Code and message of the first error in a registry's error document; empty when it is none."""
    try:
        errors = as_list(parse_object(body).get("errors"))
        first = as_object(errors[0] if errors else None)
    except ValueError:
        return "", ""
    code, message = first.get("code"), first.get("message")
    return (code if isinstance(code, str) else ""), (message if isinstance(message, str) else "")
