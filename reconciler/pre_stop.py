"""``pre_stop``: what runs in an instance before it is stopped. Pure."""

from __future__ import annotations

from dataclasses import replace

from reconciler.actions import Action, RemoveInstance, RetireInstance
from reconciler.hook_runs import applied_hooks
from reconciler.observed import Instance, Phase
from reconciler.steps import Steps
from specs.hook import PreStop


def with_pre_stop(steps: Steps, actions: list[Action]) -> list[Action]:
    """The actions; those that stop a running instance run its ``pre_stop`` first: as the commit says it now,
    or, where git does not name the service any more, as it was applied."""
    there = steps.observed.instances
    running = {i.handle: i for i in there if i.phase is Phase.RUNNING and not i.role.is_hook}
    made: list[Action] = []
    for action in actions:
        if isinstance(action, RetireInstance | RemoveInstance) and action.handle in running:
            hook = _find(steps, running[action.handle])
            action = replace(action, pre_stop=hook) if hook else action
        made.append(action)
    return made


def _find(steps: Steps, instance: Instance) -> PreStop | None:
    service = steps.desired.services.get(instance.service_name)
    hooks = service.form.spec.hooks if service else applied_hooks(instance)
    return hooks.pre_stop
