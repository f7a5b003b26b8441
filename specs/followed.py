"""Effective specs of an environment that follows another: each service as its own pin has it (design,
section 8). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TypeVar

from specs.effective import Effective, with_proxies
from specs.environment import Environment
from specs.model import Model
from specs.pinned import CONFIGS, NETWORKS, SECRETS, VOLUMES, Kind
from specs.problem import Place
from specs.service import Service
from specs.spec_set import SpecSet

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Followed:
    """The specs, and what does not go together. ``apart``: a network or volume, as ``Network back`` -> the
    services whose pins give it different options. ``lacking``: service -> what it depends on and has no pin.
    """

    effective: Effective
    apart: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lacking: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def follow(bare: Effective, pins: Mapping[str, Effective], place: Place) -> Followed:
    """``pins`` hold, by service, the effective specs of its commit; ``bare`` is the environment without a
    service. No image is built here, so there is none. ``place``: where the environment speaks of proxies."""
    apart: dict[str, set[str]] = {}
    services = {name: _among(pin.services[name], pins) for name, pin in sorted(pins.items())}
    result = replace(
        bare,
        services=services,
        networks=_merge(NETWORKS, pins, apart),
        volumes=_merge(VOLUMES, pins, apart),
        configs=_merge(CONFIGS, pins, {}),
        secrets=_merge(SECRETS, pins, {}),
        registries={name: it for pin in pins.values() for name, it in sorted(pin.registries.items())},
        nodes={key: node for pin in pins.values() for key, node in pin.nodes.items() if key[0] != "Service"}
        | {("Service", name): pin.nodes["Service", name] for name, pin in pins.items()},
        listed_files=frozenset(),
    )
    lacking = {
        name: tuple(
            sorted(it for it, how in pin.services[name].depends_on.items() if how.required and it not in pins)
        )
        for name, pin in sorted(pins.items())
    }
    return Followed(
        with_proxies(result, place),
        {what: tuple(sorted(names)) for what, names in sorted(apart.items())},
        {name: others for name, others in lacking.items() if others},
    )


def _lacking(service: Service, pins: Iterable[str]) -> tuple[str, ...]:
    return tuple(
        sorted(name for name, how in service.depends_on.items() if how.required and name not in pins)
    )


def _among(service: Service, pins: Iterable[str]) -> Service:
    """Without dependencies on what is not there."""
    kept = {name: how for name, how in service.depends_on.items() if name in pins}
    return service.model_copy(update={"depends_on": kept})


def _merge(kind: Kind[M], pins: Mapping[str, Effective], apart: dict[str, set[str]]) -> dict[str, M]:
    """Each as the first pin has it, with those that have it otherwise in ``apart``."""
    merged: dict[str, M] = {}
    seen: dict[str, M | None] = {}
    users: dict[str, set[str]] = {}
    for service_name, pin in sorted(pins.items()):
        for name in sorted(set(kind.names(pin.services[service_name]))):
            model = kind.models(pin).get(name, kind.default)
            users.setdefault(name, set()).add(service_name)
            if seen.setdefault(name, model) != model:
                apart[f"{kind.kind} {name}"] = users[name]
            declared = kind.models(pin).get(name)
            if declared is not None:
                merged.setdefault(name, declared)
    return merged


def chosen_services(spec_set: SpecSet, environment: Environment) -> set[str]:
    """The names of the services that an environment chooses among those that are declared."""
    choice = environment.services

    def matches(name: str, patterns: Iterable[str]) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in patterns)

    names = spec_set.of_kind("Service")
    return {name for name in names if matches(name, choice.include) and not matches(name, choice.exclude)}
