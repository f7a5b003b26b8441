"""structlog, configured once by the process that logs. Logs go to stderr: stdout is for results."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

_HIDDEN = "(secret)"
_SHORTEST = 4
"""Shorter values are not looked for: masking every "1" would hide the message, not the secret."""


def _line(event: EventDict, **_: Any) -> str:
    # A build service obeys what stands between these characters, wherever in its log.
    return json.dumps(event, default=str).replace("##", "#\\u0023")


def configure(level: str = "info", secrets: Iterable[str] = (), *, as_json: bool | None = None) -> None:
    """JSON lines unless stderr is a terminal; tracebacks without local variables; secrets masked last, so
    that no processor before it can put one back."""
    if as_json is None:
        as_json = not sys.stderr.isatty()
    renderer: Processor = (
        structlog.processors.JSONRenderer(serializer=_line)
        if as_json
        else structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            Redaction(secrets),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


class Redaction:
    """Replaces every occurrence of a secret in an event, in whatever member and at whatever depth."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = sorted((s for s in set(secrets) if len(s) >= _SHORTEST), key=len, reverse=True)

    def __call__(self, _logger: Any, _method: str, event: EventDict) -> EventDict:
        """The event without secrets."""
        return {str(self._clean(key)): self._clean(value) for key, value in event.items()}

    def _clean(self, value: object) -> object:
        if isinstance(value, str):
            for secret in self._secrets:
                value = value.replace(secret, _HIDDEN)
            return value
        if isinstance(value, dict):
            return {self._clean(key): self._clean(part) for key, part in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self._clean(part) for part in value]
        return value if isinstance(value, (int, float, bool)) or value is None else self._clean(str(value))
