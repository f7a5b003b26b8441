"""SpecSet + environment -> effective specs: services chosen, patches applied, variables put in, registries
mapped (contracts, section 1)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TypeVar

from specs.catalog import Catalog
from specs.check_effective import check_effective
from specs.envelope import MODELS
from specs.environment import Environment
from specs.image import Image
from specs.listed_files import ListedFiles, ReadFile
from specs.model import Model
from specs.named import volumes_of
from specs.node import Map
from specs.normal import normalise
from specs.patch import apply_patch
from specs.problem import Place, Problem, Report, has_errors, in_order
from specs.proxied import proxy_services
from specs.proxy import OWN
from specs.registry import Registry
from specs.resource import Config, Network, Secret, Volume
from specs.service import Service
from specs.spec_set import Key, SpecSet, Written
from specs.suggest import did_you_mean, shown
from specs.validate import read_model
from specs.variables import substitute

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Effective:
    """What one environment runs. Resources are those that its services name; ``registries`` are those that
    its images and its record name, by the environment's own names, and ``image.registry`` is such a name."""

    environment_name: str
    environment: Environment
    services: Mapping[str, Service] = field(default_factory=dict)
    images: Mapping[str, Image] = field(default_factory=dict)
    registries: Mapping[str, Registry] = field(default_factory=dict)
    networks: Mapping[str, Network] = field(default_factory=dict)
    volumes: Mapping[str, Volume] = field(default_factory=dict)
    configs: Mapping[str, Config] = field(default_factory=dict)
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    nodes: Mapping[Key, Map] = field(default_factory=dict, repr=False)
    """The normal form of each document above, with the place of every value."""
    listed_files: frozenset[str] = frozenset()
    """The files whose lines are in environments and labels."""


def effective(
    spec_set: SpecSet,
    environment_name: str,
    *,
    file_paths: Collection[str] | None = None,
    read_file: ReadFile | None = None,
    only: str | None = None,
) -> tuple[Effective | None, list[Problem]]:
    """The effective specs, and every problem. None when any is an error.

    ``file_paths`` are all files of the commit; without them Configs are not looked up. ``read_file`` reads
    the files that ``env_file`` and ``label_file`` name; without it they are left out. The set must have been
    loaded without errors. ``only``: one service, whoever is chosen, and whatever is wrong with others."""
    report = Report()
    written = spec_set.documents.get(("Environment", environment_name))
    if written is None or not isinstance(written.model, Environment):
        names = sorted(spec_set.environments)
        there_are = f"there is: {', '.join(names[:10])}" if names else 'write one, or run "reconciler init"'
        hint = did_you_mean(environment_name, names) or there_are
        seen = f"there is no Environment {shown(environment_name)}"
        report.add("SPEC037", Place(spec_set.path), seen, remedy=hint)
        return None, report.problems
    listed = ListedFiles(read_file, written.model.variables)
    builder = _Builder(spec_set, written, written.model, report, listed, only)
    result = builder.build()
    catalog = builder.catalog(result)
    check_effective(catalog, written, written.model, file_paths, report, is_whole=only is None)
    problems = in_order(report.problems)
    return (None if has_errors(problems) else with_proxies(result, written.spec.place_of("proxy"))), problems


def with_proxies(result: Effective, place: Place) -> Effective:
    """The proxies are services like any other. ``place``: where the environment speaks of them."""
    added = proxy_services(result.environment.proxy, result.services)
    if not added:
        return result
    here = Map({}, place)
    keys = [("Network", OWN), ("Volume", OWN), *(("Service", name) for name in added)]
    return replace(
        result,
        services={**result.services, **added},
        networks={**result.networks, OWN: Network()},
        volumes={**result.volumes, OWN: Volume()},
        nodes={**result.nodes, **dict.fromkeys(keys, here)},
    )


@dataclass(slots=True)
class _Builder:
    spec_set: SpecSet
    written: Written
    environment: Environment
    report: Report
    listed: ListedFiles
    only: str | None = None
    nodes: dict[Key, Map] = field(default_factory=dict)
    patches: dict[Key, list[Map]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        items = getattr(self.written.spec.get("patches"), "items", ())
        for patch, node in zip(self.environment.patches, items, strict=True):
            self.patches.setdefault((patch.kind, patch.name), []).append(node.map_of("spec"))

    def build(self) -> Effective:
        """Choose, derive and map."""
        chosen = {self.only} if self.only else self._chosen()
        self._check_patches(chosen)
        services = {
            name: self._without_excluded(service, chosen)
            for name, service in self._derive("Service", Service, chosen).items()
        }
        networks = {name for service in services.values() for name in service.networks or ("default",)}
        configs = {use.source for service in services.values() for use in service.configs.values()}
        secrets = {use.source for service in services.values() for use in service.secrets.values()}
        volumes = {name for service in services.values() for name in volumes_of(service)}
        images, registries = self._images(services.values())
        result = Effective(
            self.written.name,
            self.environment,
            services,
            images,
            registries,
            self._derive("Network", Network, networks),
            self._derive("Volume", Volume, volumes),
            self._derive("Config", Config, configs),
            self._derive("Secret", Secret, secrets),
            self.nodes,
            frozenset(self.listed.paths),
        )
        self._check_unused_patches()
        return result

    def _check_unused_patches(self) -> None:
        """A patch of what no service uses has no effect, but it must fit."""
        for kind, name in sorted(self.patches):
            if (kind, name) not in self.nodes and kind != "Service" and self.only is None:
                self._derive(kind, MODELS[kind], [name])

    def catalog(self, result: Effective) -> Catalog:
        """What the checks look at: effective models, and the names that are declared anywhere."""
        declared = {kind: frozenset(self.spec_set.of_kind(kind)) for kind in MODELS}
        others = {key: written.spec for key, written in self.spec_set.documents.items()} if self.only else {}
        return Catalog(
            declared=declared,
            nodes={**others, **self.nodes},
            services=result.services,
            images=result.images,
            registries=result.registries,
            networks=result.networks,
            volumes=result.volumes,
            configs=result.configs,
            secrets=result.secrets,
        )

    def _chosen(self) -> set[str]:
        names = sorted(self.spec_set.of_kind("Service"))
        choice = self.environment.services
        picked: dict[str, set[str]] = {"include": set(), "exclude": set()}
        for field_name, patterns in (("include", choice.include), ("exclude", choice.exclude)):
            for index, pattern in enumerate(patterns):
                found = {name for name in names if fnmatchcase(name, pattern)}
                picked[field_name] |= found
                if not found and not (pattern == "*" and not names):
                    place = self.written.place_of("services", field_name, index)
                    seen = f"pattern {shown(pattern)} matches no service"
                    self._about().add("SPEC026", place, seen, remedy=did_you_mean(pattern, names))
        return picked["include"] - picked["exclude"]

    def _about(self) -> Report:
        return self.report.about(self.written.subject)

    def _check_patches(self, chosen: set[str]) -> None:
        for index, patch in enumerate(self.environment.patches):
            if patch.kind == "Service" and patch.name not in chosen and self.only is None:
                place = self.written.place_of("patches", index, "name")
                seen = f"a patch of Service {shown(patch.name)}, which this environment leaves out"
                self._about().add("SPEC034", place, seen, remedy="remove the patch, or include the service")

    def _derive(self, kind: str, model: type[M], names: Iterable[str]) -> dict[str, M]:
        found = {}
        for name in sorted(names):
            written = self.spec_set.documents.get((kind, name))
            derived = self._derive_one(written, model) if written else None
            if derived is not None:
                found[name] = derived
        return found

    def _derive_one(self, written: Written, model: type[M]) -> M | None:
        own = self.report.about(written.subject)
        spec = self._patched(written, own)
        if written.templated or spec is not written.spec:
            spec = substitute(spec, self.environment.variables, own) if written.kind != "Image" else spec
        self.nodes[written.kind, written.name] = spec
        if spec is written.spec and isinstance(written.model, model):
            return written.model
        return read_model(model, spec, own)

    def _patched(self, written: Written, own: Report) -> Map:
        spec = written.spec
        for patch in self.patches.get((written.kind, written.name), ()):
            patched = apply_patch(spec, normalise(written.kind, patch, own), own)
            spec = patched if isinstance(patched, Map) else spec
        return self.listed.merge(spec, own) if written.kind == "Service" else spec

    def _without_excluded(self, service: Service, chosen: set[str]) -> Service:
        """Dependencies that are not required and not chosen are none."""
        kept = {
            name: dependency
            for name, dependency in service.depends_on.items()
            if name in chosen or dependency.required or self.only is not None
        }
        return (
            service
            if len(kept) == len(service.depends_on)
            else service.model_copy(update={"depends_on": kept})
        )

    def _images(self, services: Iterable[Service]) -> tuple[dict[str, Image], dict[str, Registry]]:
        """The images that services name and those that they build on, with the environment's registries."""
        found: dict[str, Image] = {}
        wanted = {service.image for service in services}
        while wanted:
            new = self._derive("Image", Image, wanted - found.keys())
            found |= new
            wanted = {context.image for image in new.values() for context in image.build.contexts.values()}
            wanted -= found.keys()
        mapping = self.environment.registries
        images = {
            name: image.model_copy(update={"registry": mapping.get(image.registry, image.registry)})
            for name, image in sorted(found.items())
        }
        names = {image.registry for image in images.values()}
        if self.environment.record_registry is not None:
            names.add(self.environment.record_registry)
        return images, self._derive("Registry", Registry, names)
