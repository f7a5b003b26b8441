"""Effective specs of one environment in which some services are as another commit says."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Generic, TypeVar

from specs.catalog import Catalog
from specs.check_route import check_published, check_routes
from specs.check_service import check_services, published_twice
from specs.effective import Effective, with_proxies
from specs.envelope import MODELS
from specs.model import Model
from specs.named import networks_of, volumes_of
from specs.node import Map
from specs.order import publishes
from specs.problem import Place, Problem, Report
from specs.proxy import OWN, PROXIES
from specs.resource import Network
from specs.service import Service
from specs.spec_set import Key

M = TypeVar("M", bound=Model)
_PLAIN: Final = Network()


@dataclass(frozen=True, slots=True)
class Merged:
    """The specs, and what differs: pinned service -> the networks and volumes that others name, too, and
    that were other ones then. They are as the commit says now, for that is where the others are."""

    effective: Effective
    shared: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kind(Generic[M]):
    """One kind of what services name."""

    kind: str
    names: Callable[[Service], Iterable[str]]
    models: Callable[[Effective], Mapping[str, M]]
    default: M | None = None
    """What a name without a document means."""


def with_pins(found: Effective, pins: Mapping[str, Effective], place: Place) -> Merged:
    """``pins`` hold, by service, the effective specs that it is taken from: with the networks, volumes and
    Configs that nobody else names. Images are those that the other services need. ``place``: where the
    environment speaks of its proxies."""
    now = {name: service for name, service in found.services.items() if name not in PROXIES}
    taken = {name: _for_today(pin.services[name], now[name], now) for name, pin in pins.items()}
    others = [service for name, service in now.items() if name not in pins]
    shared: dict[str, list[str]] = {}
    images = _needed_images(found, others)
    result = replace(
        found,
        services={name: taken.get(name, service) for name, service in now.items()},
        images={name: image for name, image in found.images.items() if name in images},
        networks=_merge(NETWORKS, found, others, pins, shared),
        volumes=_merge(VOLUMES, found, others, pins, shared),
        configs=_merge(CONFIGS, found, others, pins, {}),
        secrets=_merge(SECRETS, found, others, pins, {}),
        nodes=_nodes(found, pins),
    )
    return Merged(with_proxies(result, place), {name: tuple(said) for name, said in shared.items()})


def check_pins(
    merged: Effective, pins: Mapping[str, Effective], declared: Mapping[str, Collection[str]]
) -> list[Problem]:
    """What does not go together: a port or a route that another service has now, a dependency that can
    never be met. ``declared``: the names that today's documents have, by kind."""
    report = Report()
    names = {kind: {*declared.get(kind, ()), *_named(kind, pins.values())} for kind in MODELS}
    catalog = Catalog(
        declared=names,
        nodes=merged.nodes,
        services={name: service for name, service in merged.services.items() if name not in PROXIES},
        networks=merged.networks,
        volumes=merged.volumes,
        configs=merged.configs,
        secrets=merged.secrets,
    )
    check_services(catalog, report)
    published_twice(catalog, report)
    check_routes(catalog, report)
    check_published(catalog, merged.environment.proxy, report)
    return [problem for problem in report.problems if problem.severity == "error"]


def _named(kind: str, pins: Iterable[Effective]) -> Iterable[str]:
    return [name for pin in pins for found, name in pin.nodes if found == kind]


def _for_today(then: Service, now: Service, services: Mapping[str, Service]) -> Service:
    """What ran then, for today's load and among today's services: how many is not part of what runs."""
    kept = {name: dependency for name, dependency in then.depends_on.items() if name in services}
    alone = then.is_job or publishes(then) or any(it.is_static for it in then.networks.values())
    deploy = then.deploy if alone else then.deploy.model_copy(update={"replicas": now.deploy.replicas})
    return then.model_copy(update={"depends_on": kept, "deploy": deploy})


def _merge(
    kind: Kind[M],
    found: Effective,
    others: Iterable[Service],
    pins: Mapping[str, Effective],
    shared: dict[str, list[str]],
) -> dict[str, M]:
    """What the others name as it is now; of the rest, each as the first pin has it."""
    needed = {name for service in others for name in kind.names(service)} - {OWN}
    merged = {name: model for name, model in kind.models(found).items() if name in needed}
    for service_name, pin in sorted(pins.items()):
        for name in sorted(set(kind.names(pin.services[service_name]))):
            then = kind.models(pin).get(name, kind.default)
            if name in needed and merged.get(name, kind.default) != then:
                shared.setdefault(service_name, []).append(f"{kind.kind} {name}")
            elif name not in needed and (declared := kind.models(pin).get(name)) is not None:
                merged[name] = declared
            needed.add(name)
    return merged


def _nodes(found: Effective, pins: Mapping[str, Effective]) -> dict[Key, Map]:
    """Where the values of each document stand; of a pinned service, in the commit that it is read at."""
    nodes = dict(found.nodes)
    for name, pin in sorted(pins.items()):
        theirs = {key: node for key, node in pin.nodes.items() if key[0] not in ("Service", "Image")}
        nodes = {**theirs, **nodes, ("Service", name): pin.nodes["Service", name]}
    return nodes


def _needed_images(found: Effective, services: Iterable[Service]) -> set[str]:
    needed: set[str] = set()
    wanted = {service.image for service in services}
    while new := {name for name in wanted if name in found.images and name not in needed}:
        needed |= new
        wanted = {use.image for name in new for use in found.images[name].build.contexts.values()}
    return needed


NETWORKS: Final = Kind("Network", networks_of, lambda it: it.networks, _PLAIN)
VOLUMES: Final = Kind("Volume", volumes_of, lambda it: it.volumes)
CONFIGS: Final = Kind("Config", lambda it: [use.source for use in it.configs.values()], lambda e: e.configs)
SECRETS: Final = Kind("Secret", lambda it: [use.source for use in it.secrets.values()], lambda e: e.secrets)
