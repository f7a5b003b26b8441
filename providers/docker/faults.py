"""What can go wrong with an engine: one table of codes, and the errors that carry them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.provider import ProviderError, Refused, Stale

CODES = {
    "DKR001": "the engine cannot be reached",
    "DKR002": "the engine's socket may not be opened",
    "DKR003": "the engine did not answer in time",
    "DKR004": "the engine's answer cannot be understood",
    "DKR005": "the engine is too old",
    "DKR006": "the endpoint is none that is known",
    "DKR007": "the endpoint would be reached without encryption",
    "DKR008": "the docker client's configuration does not say where the engine is",
    "DKR010": "the engine refused a request",
    "DKR011": "the object changed or went away under the action",
    "DKR012": "the name is held by an object that is not ours",
    "DKR013": "the object is not ours",
    "DKR014": "data volumes are never removed",
    "DKR015": "the object is still in use",
    "DKR020": "the image is not on the engine",
    "DKR021": "the image carries labels of ours",
    "DKR022": "the registry refused the login or the image",
    "DKR023": "the pull failed",
    "DKR024": "the pull made no progress",
    "DKR030": "the instance could not be started",
    "DKR031": "a host port is taken",
    "DKR032": "the image's command cannot be run",
    "DKR033": "a secret that the service names was not given",
    "DKR034": "the container's user cannot be found in its image",
    "DKR035": "a path cannot be published",
    "DKR036": "a secret file lies in a mount",
    "DKR040": "the local registry does not answer",
    "DKR050": "there is no ssh",
    "DKR051": "the key of the engine's host is not the one that is known",
    "DKR052": "the engine's host refuses our key",
    "DKR053": "the engine's host cannot be reached over ssh",
    "DKR054": "the engine's host does not let ssh open the engine's socket",
    "DKR055": "the engine's certificate is not accepted",
    "DKR056": "the engine refuses our certificate",
    "DKR057": "the certificates for the engine cannot be used",
    "DKR058": "the engine is reached for reading alone",
    "DKR061": "what the engine gave for files is no archive",
    "DKR060": "a container that is to be taken over belongs to another environment of ours",
    "DKR070": "a payload has a field that the policy does not know",
    "DKR071": "a payload has a field that is never sent",
    "DKR072": "a payload has a value that the environment's allow does not name",
    "DKR073": "a payload has a value outside the safe set",
    "DKR074": "a volume leads to the host",
}
"""Every code of this provider, stable, with what it means."""
READ_ONLY = "read-only access"
"""What every refusal of ``reconciler readonly`` begins with."""
_WHOLE = "a key without the command `reconciler readonly`"
_LOOKING = "plan, drift and status work with this one; to apply, use another key"


@dataclass(eq=False)
class EngineError(ProviderError):
    """An answer of the engine that is an error, or no answer. ``status`` is the HTTP status, 0 for none."""

    status: int = 0


def answer_error(status: int, where: str, message: str) -> EngineError:
    """The error for an HTTP status of 400 or above. ``message`` is what the engine says of it."""
    seen = " ".join(message.split())[:500] or "it says nothing"
    if status == 403 and seen.startswith(READ_ONLY):
        return EngineError("DKR058", where, seen, _WHOLE, _LOOKING, status=status)
    own = status >= 500 or status == 429
    remedy = "read the engine's log; it is tried again" if own else "the engine's words name the reason"
    return EngineError("DKR010", where, seen, f"success, not status {status}", remedy, status=status)


def read_only(where: str) -> Refused:
    """What changes something, asked of an engine that is reached for reading alone."""
    seen = f"{READ_ONLY}: the key at the engine's host lets nothing through that changes anything"
    return Refused("DKR058", where, seen, _WHOLE, _LOOKING)


def unclear(where: str, seen: str) -> EngineError:
    """What came is not what an engine answers: cut off, garbled, or not from an engine."""
    return EngineError(
        "DKR004",
        where,
        seen,
        "the answer of a Docker Engine",
        "see what listens there, and read the engine's log; it is tried again",
    )


def stale(where: str, seen: str) -> Stale:
    """The world moved under the action."""
    return Stale("DKR011", where, seen, "an object that stays as it was seen", "the next look decides anew")


def not_ours(where: str) -> Stale:
    """An object under a handle of ours does not, or no longer, carry our owner label."""
    return Stale(
        "DKR013",
        where,
        "it does not carry our owner label",
        "an object of ours",
        "the next look decides anew",
    )


def name_held(where: str, holder: str) -> Refused:
    """A name that we need is held by a stranger."""
    return Refused(
        "DKR012",
        where,
        f"the name is held by {holder}",
        "a free name or an object of ours",
        "rename or remove it",
    )


_PORT = re.compile(r"(?:Bind for |listen \w+ |host port[^0-9]{0,20})(?:\S*:)?(\d{1,5})\b")
_PORT_WORDS = ("port is already allocated", "address already in use", "ports are not available")
_COMMAND_WORDS = (
    "executable file not found",
    "no such file or directory",
    "permission denied",
    "exec format",
)


def start_error(name: str, error: EngineError) -> ProviderError:
    """What a refused start means, from the engine's words. A taken port may become free; a command that
    cannot be run stays so until the image or the spec changes (exit codes 126 and 127)."""
    message = error.seen
    if any(words in message for words in _PORT_WORDS):
        found = _PORT.search(message)
        port = f"port {found[1]}" if found else "a host port"
        return ProviderError(
            "DKR031",
            name,
            f"{port} of the host is taken: {message}",
            "a free port",
            "stop what holds it, or publish another port",
        )
    if error.status < 500 and "exec" in message and any(words in message for words in _COMMAND_WORDS):
        return Refused(
            "DKR032",
            name,
            f"the command cannot be run: {message}",
            "a program that the image contains",
            "correct command, entrypoint or the image",
        )
    if error.status == 0:
        return error
    return ProviderError("DKR030", name, message, "a start", "the engine's message names the reason")


def mask(error: ProviderError, values: Iterable[str]) -> ProviderError:
    """The same error with secret values taken out of the engine's words."""
    for value in values:
        if value:
            error.seen = error.seen.replace(value, "***")
    return error
