"""What failed instances wrote last, free of secrets: read once when one is held, and again for who asks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from reconciler.clients import Clients
from reconciler.decision import Plan
from reconciler.desired import Desired
from reconciler.evidence import LINES, Evidence, evidence_of, held_instances
from reconciler.observed import Handle, Instance, Observed
from reconciler.provider import ProviderError, Runtime
from reconciler.render_logs import Mask
from reconciler.secret_names import names_in

_PATIENCE: Final = 5.0
"""Seconds for the log of an instance that was just held."""
OpenMask = Callable[[Instance], Mask]
"""Makes what takes the secrets of an instance out of its lines. Raises ProviderError for unknown ones."""


async def read_evidence(
    desired: Desired, observed: Observed, decided: Plan, runtime: Runtime, open_mask: OpenMask
) -> Mapping[str, Evidence]:
    """The evidence of every service that is held, by name. Never raises ProviderError: a hold is told without
    what cannot be read."""
    found: dict[str, Evidence] = {}
    for name, instance in held_instances(decided.blocks, observed).items():
        service = desired.services.get(name)
        spec = service.form.spec if service is not None else None
        found[name] = await _read(evidence_of(instance, spec), instance, runtime, open_mask)
    return found


async def _read(evidence: Evidence, instance: Instance, runtime: Runtime, open_mask: OpenMask) -> Evidence:
    try:
        mask = open_mask(instance)
        log = await runtime.logs(instance.handle, LINES)
    except ProviderError as error:
        return evidence.without_output(f"its log is not shown: {error.message}")
    return evidence.with_output(log, mask.apply)


async def last_words(handle: Handle, observed: Observed, clients: Clients) -> Sequence[str]:
    """The last lines of an instance that was just held; none where they, or its secrets, are not known."""
    instance = next((i for i in observed.instances if i.handle == handle), None)
    if instance is None:
        return ()
    try:
        mask = mask_of(clients)(instance)
        # The step itself is done: what is only told must not make it late.
        async with asyncio.timeout(_PATIENCE):
            lines = await clients.runtime.logs(handle, LINES)
    except (ProviderError, TimeoutError):
        return ()
    return [mask.apply(line) for line in lines]


def mask_of(clients: Clients) -> OpenMask:
    """Takes out the values that this process knows. A log may hold a value that was rotated since: where the
    digest tells of another one, the log is for `reconciler logs` and who may read it."""

    def open_mask(instance: Instance) -> Mask:
        names = names_in(instance.applied_fields)
        return Mask(clients.stock.secrets(names, instance.generation.secrets).values())

    return open_mask
