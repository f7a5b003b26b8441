"""Whose fault a failed build is: the Dockerfile's, a login's, or trouble that may pass."""

from __future__ import annotations

import re

from providers.buildx.progress import Progress
from reconciler.provider import ProviderError, Refused

_EXITED = re.compile(
    r"(?:did not complete successfully|executor failed running).*exit code: \d+\s*\Z", re.DOTALL
)
_FULL = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)
_ENGINE = re.compile(
    r"cannot connect to the docker daemon|error during connect|failed to dial|session.*healthcheck",
    re.IGNORECASE,
)
_LOGIN = re.compile(
    r"unauthorized|authentication required|insufficient_scope|access denied|access to the resource is denied"
    r"|denied:|no basic auth credentials|403 forbidden|401 unauthorized",
    re.IGNORECASE,
)
_PREFIX = re.compile(
    r"(?:failed to solve(?: with frontend dockerfile\.v0)?: |rpc error: code = \w+ desc = "
    r"|failed to create LLB definition: )+"
)
_PLATFORMS = re.compile(r"multi-platform build is not supported|multiple platforms feature", re.IGNORECASE)
_PARSE = re.compile(
    r"dockerfile parse error|unknown instruction|file with no instructions|heredoc|unknown flag",
    re.IGNORECASE,
)
_TROUBLE = re.compile(
    r"connection refused|connection reset|broken pipe|timeout|timed out|deadline exceeded|no such host"
    r"|server misbehaving|network is unreachable|no route to host|\btls\b|x509|\beof\b|too ?many ?requests"
    r"|\b(?:429|500|502|503|504)\b|unavailable|transport is closing|unexpected status|failed to do request",
    re.IGNORECASE,
)
_DOCKERFILE = re.compile(
    r"not found|failed to calculate checksum|failed to compute cache key|failed to load cache key|invalid"
    r"|unsupported|not supported|circular dependency|target stage|required|no match for platform|cannot"
    r"|requires|failed to solve with frontend|could not parse|not allowed",
    re.IGNORECASE,
)


def verdict(progress: Progress, status: int, where: str) -> ProviderError:
    """The error for a build that ended with ``status``, with the failing step and its last lines."""
    step = progress.failed
    last = next((line for line in reversed(progress.said) if line.startswith("ERROR")), "")
    reason = (step.error if step else "") or last.removeprefix("ERROR: ") or f"exit status {status}"
    reason = _PREFIX.sub("", reason)
    log = (step.name, *step.lines) if step else tuple(progress.said)
    if _EXITED.search(reason) or _EXITED.search(last):
        name = step.name if step else "a step"
        code = re.findall(r"exit code: (\d+)", reason + last)[-1]
        return Refused(
            "BLD010", where, f"{name} ended with exit code {code}", "exit code 0", "correct the step", log
        )
    text = f"{reason}\n{last}"
    if _PLATFORMS.search(text):
        remedy = "name one platform, or turn on the engine's containerd image store"
        return Refused("BLD015", where, reason, "a builder for several platforms", remedy, log)
    if _PARSE.search(text):
        return _rejected(where, reason, log)
    if _FULL.search(text):
        return ProviderError(
            "BLD021", where, reason, "room on the engine's disk", "docker builder prune", log
        )
    if _ENGINE.search(text):
        return ProviderError(
            "BLD020", where, reason, "an engine that answers", "start it, or correct the endpoint", log
        )
    if _LOGIN.search(text):
        return Refused(
            "BLD011",
            where,
            reason,
            "a login that may pull the bases and push",
            "correct the registry's auth",
            log,
        )
    if _TROUBLE.search(text):
        return ProviderError(
            "BLD022", where, reason, "a registry and a network that answer", "it will be tried again", log
        )
    if _DOCKERFILE.search(text):
        return Refused(
            "BLD012", where, reason, "a Dockerfile that the builder accepts", "correct the Dockerfile", log
        )
    return ProviderError("BLD023", where, reason, "a finished build", "it will be tried again", log)


def _rejected(where: str, reason: str, log: tuple[str, ...]) -> Refused:
    expected = "a Dockerfile that the builder accepts"
    return Refused("BLD012", where, reason, expected, "correct the Dockerfile", log)
