"""What the engine in memory answers when it does not do as asked."""

from __future__ import annotations

from reconciler.provider import ProviderError, Refused, Stale

WHERE = "memory engine"
_IMAGE_FAULTS = (126, 127)


class Killed(BaseException):
    """The process died here: no ``except Exception`` catches it, as none outlives kill -9."""


class NoAnswer(ProviderError):
    """The call or its reply was lost."""


def lost_reply(where: str = WHERE) -> NoAnswer:
    """The default of injected faults."""
    return NoAnswer("MEM504", where, "no answer", "an answer", "it is tried again")


class NameTaken(Stale):
    """409: one of ours bears the name already."""


def name_taken(kind: str, name: str) -> NameTaken:
    """The error for a name that is a lock."""
    return NameTaken("MEM409", f"{WHERE}: {kind} {name}", "the name is in use by one of ours", "a free name")


def foreign(kind: str, name: str, owner: str | None) -> Refused:
    """The name belongs to somebody else."""
    seen = f"it belongs to {owner}" if owner else "it bears no owner label of ours"
    return Refused("MEM403", f"{WHERE}: {kind} {name}", seen, "an object of ours", "remove it or adopt it")


def not_ours(kind: str, name: str) -> Stale:
    """The object under a handle of ours does not, or no longer, bear our owner label."""
    return Stale("MEM403", f"{WHERE}: {kind} {name}", "it bears no owner label of ours", "an object of ours")


def gone(kind: str, name: str) -> Stale:
    """404: it was there when we looked."""
    return Stale("MEM404", f"{WHERE}: {kind} {name}", "it is gone", f"a {kind}")


def started_before(name: str) -> Stale:
    """A hook is started once."""
    return Stale("MEM410", f"{WHERE}: container {name}", "it was started before", "one that never ran")


def absent_image(reference: str) -> Stale:
    """404: the image of a create was pruned since it was pulled."""
    return Stale("MEM414", f"{WHERE}: image {reference}", "it is not on the engine", "a pulled image")


def posing_image(reference: str) -> Refused:
    """The image carries labels under our prefix: its containers could pose as instances."""
    return Refused("MEM406", f"{WHERE}: image {reference}", "it carries labels of ours", "an image without")


def in_use(kind: str, name: str, by: str) -> ProviderError:
    """409: something refers to it."""
    return ProviderError("MEM423", f"{WHERE}: {kind} {name}", f"it is in use by {by}", "an unused object")


def not_running(name: str, phase: str) -> ProviderError:
    """409: a command needs a container that runs."""
    return ProviderError("MEM425", f"{WHERE}: container {name}", f"it is {phase}", "a container that runs")


def start_failed(name: str, reason: str, exit_code: int) -> ProviderError:
    """The container was created; its start was refused: for good when its command cannot be run."""
    if exit_code in _IMAGE_FAULTS:
        return Refused("MEM501", f"{WHERE}: container {name}", reason, "a command that can be run")
    return ProviderError("MEM500", f"{WHERE}: container {name}", reason, "a container that starts")
