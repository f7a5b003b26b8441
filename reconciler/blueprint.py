"""Everything that is needed to create one instance, drawn from its target. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from reconciler.actions import Blueprint
from reconciler.joins import find_joins
from reconciler.ownership import InstanceName
from reconciler.proxying import without_attachments
from reconciler.steps import Steps
from reconciler.target import Target


def draw(steps: Steps, target: Target, number: int) -> Blueprint:
    """The blueprint of instance ``number``. The target's image must be known."""
    generation, image = target.generation, target.image
    if generation is None or image is None:
        raise ValueError(f"{target.service.name}: an instance needs the digest of its image")
    owner = steps.desired.owner
    uses = without_attachments(target.form.networks, target.service.name)
    ids = {
        use.object_name: steps.networks[use.object_name].handle.id
        for use in uses
        if use.object_name in steps.networks
    }
    return Blueprint(
        owner=owner,
        service_name=target.service.name,
        number=number,
        name=str(InstanceName(owner, target.service.name, generation.g8, number)),
        generation=generation,
        form=target.form if uses == target.form.networks else replace(target.form, networks=uses),
        image=image,
        input=target.input,
        commit=target.commit,
        pin=target.pin,
        source=steps.desired.policy.source,
        network_ids=ids,
        allowed=steps.desired.policy.allowed,
        joins=find_joins(steps.views, target.form.spec),
    )


def free_numbers(taken: Iterable[int], count: int) -> list[int]:
    """The lowest numbers that no instance in any role bears; gaps are used, none is used twice."""
    used, numbers, number = set(taken), list[int](), 1
    while len(numbers) < count:
        if number not in used:
            numbers.append(number)
        number += 1
    return numbers
