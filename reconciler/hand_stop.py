"""What somebody stopped or took away on purpose: told as that, with what to type instead. Pure."""

from __future__ import annotations

from reconciler.actions import Action
from reconciler.difference import Cause
from reconciler.flapping import GONE, is_heal
from reconciler.observed import Instance
from reconciler.ownership import Owner
from reconciler.readiness import exit_words

_BY_HAND = "stopped by hand"
_RESTARTED = ("always", "unless-stopped")


def stop_words(instance: Instance) -> str:
    """Why an instance that should run does not. One that its restart policy would start again after a crash,
    and that lies stopped all the same, was told to stop: only then does an engine leave it so."""
    if instance.restart not in _RESTARTED or instance.exit_code is None:
        return f"it is {instance.phase.value}"
    if instance.error:
        return f"it is {instance.phase.value}: {instance.error}"  # the engine could not start it again
    if instance.out_of_memory:
        return f"it is {instance.phase.value}; {exit_words(instance)}"
    return f"it was {_BY_HAND} (exit code {instance.exit_code}, no crash)"


def is_deliberate(cause: Cause) -> bool:
    """Whether a person must have wanted what was healed: a stop, or a removal."""
    return cause.type == "drift" and any(_BY_HAND in ref or ref == GONE for ref in cause.refs)


def how_to_keep(owner: Owner, action: Action) -> str | None:
    """What to type so that a deliberate stop stays; None where the action heals none."""
    if not is_heal(action) or not is_deliberate(action.cause):
        return None
    return suspend_line(owner.environment, action.subject.name)


def suspend_line(environment_name: str, service_name: str) -> str:
    """The command that makes loops leave a service alone."""
    return f"reconciler suspend {environment_name} {service_name} --reason TEXT"
