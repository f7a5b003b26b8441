"""One instance of a service, for judgements that look at nothing else."""

from __future__ import annotations

from dataclasses import replace

from reconciler.desired import Generation
from reconciler.observed import Handle, Health, Instance, Phase
from reconciler.ownership import Role

_UP = Instance(
    handle=Handle("engine", "a"),
    name="web_1",
    service_name="web",
    role=Role.LIVE,
    number=1,
    generation=Generation("v1:0", "", "sha256:0"),
    input="in-1",
    commit="c",
    pin="c",
    source="",
    applied=None,
    applied_fields={},
    live_fields={},
    networks=(),
    volumes=(),
    image="",
    phase=Phase.RUNNING,
    health=Health.NONE,
    created_at=1000.0,
    started_at=1000.0,
)


def lone_instance(**changes: object) -> Instance:
    """It runs since 1000, has no health check and was never applied; but for ``changes``."""
    return replace(_UP, **changes)  # type: ignore[arg-type] # fields of Instance by name
