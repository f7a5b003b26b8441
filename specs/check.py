"""Checks across all documents of a spec set, whatever the environment."""

from __future__ import annotations

from specs.catalog import Catalog
from specs.check_follows import check_follows
from specs.check_promotion import check_promotion
from specs.check_release import check_releases
from specs.check_resource import check_locks, check_registries, check_resources, leaves_repository
from specs.check_service import check_services, report_undeclared
from specs.circle import find_circle
from specs.document import KINDS
from specs.environment import Environment
from specs.image import Image
from specs.problem import Report
from specs.registry import Registry
from specs.resource import Config, Network, Secret, Volume
from specs.service import Service
from specs.spec_set import SpecSet, Written
from specs.suggest import nearest, shown


def check_documents(spec_set: SpecSet, report: Report) -> None:
    """References, circles, projects, and what an Environment says of other documents."""
    catalog = catalog_of(spec_set)
    check_services(catalog, report)
    check_images(catalog, report)
    check_registries(catalog, report)
    check_resources(catalog, report)
    check_locks(spec_set, report)
    check_releases(spec_set, report)
    environments = spec_set.of_kind("Environment")
    _check_projects(environments, report)
    check_follows(environments, report)
    for written in environments.values():
        environment = written.model or written.salvaged
        if isinstance(environment, Environment):
            check_promotion(written, environment, spec_set, report.about(written.subject))
            _check_environment(written, environment, catalog, report.about(written.subject))


def catalog_of(spec_set: SpecSet) -> Catalog:
    """All documents as one catalog."""
    return Catalog(
        declared={kind: frozenset(spec_set.of_kind(kind)) for kind in KINDS},
        nodes={key: written.spec for key, written in spec_set.documents.items()},
        services=spec_set.models("Service", Service),
        salvaged=spec_set.salvaged("Service", Service),
        images=spec_set.models("Image", Image) | spec_set.salvaged("Image", Image),
        registries=spec_set.models("Registry", Registry),
        networks=spec_set.models("Network", Network),
        volumes=spec_set.models("Volume", Volume),
        configs=spec_set.models("Config", Config),
        secrets=spec_set.models("Secret", Secret),
    )


def check_images(catalog: Catalog, report: Report) -> None:
    """Registries, contexts and paths of Images."""
    for name, image in catalog.images.items():
        own = report.about(f"Image {name}")
        if image.registry not in catalog.declared["Registry"]:
            report_undeclared(
                "Registry", image.registry, catalog.place("Image", name, "registry"), catalog, own
            )
        for context_name, context in image.build.contexts.items():
            if context.image not in catalog.declared["Image"]:
                place = catalog.place("Image", name, "build", "contexts", context_name, "image")
                report_undeclared("Image", context.image, place, catalog, own)
        for field_name, path in (("context", image.build.context), ("dockerfile", image.build.dockerfile)):
            if leaves_repository(path):
                place = catalog.place("Image", name, "build", field_name)
                own.add(
                    "SPEC019", place, f"{field_name} leaves the repository", expected="a path below its root"
                )
    circle = find_circle(
        {
            name: [context.image for context in image.build.contexts.values()]
            for name, image in catalog.images.items()
        }
    )
    if circle:
        place = catalog.place("Image", circle[0], "build", "contexts")
        seen = f"build.contexts goes in a circle: {' -> '.join(circle)}"
        report.about(f"Image {circle[0]}").add("SPEC024", place, seen, remedy="take one of them out")


def _check_projects(environments: dict[str, Written], report: Report) -> None:
    projects = {
        name: written.model.project
        for name, written in environments.items()
        if isinstance(written.model, Environment)
    }
    if len(set(projects.values())) <= 1:
        return
    first = next(iter(projects))
    for name, project in projects.items():
        if project != projects[first]:
            place = environments[name].place_of("project")
            seen = f"project {shown(project)}, while Environment {first} has {shown(projects[first])}"
            remedy = "one spec path has one project; put the other under a path of its own"
            report.about(f"Environment {name}").add("SPEC022", place, seen, remedy=remedy)


def _check_environment(written: Written, environment: Environment, catalog: Catalog, report: Report) -> None:
    for one, other in environment.registries.items():
        for registry in (one, other):
            if registry not in catalog.declared["Registry"]:
                place = written.spec.map_of("registries").place_of(one)
                report_undeclared("Registry", registry, place, catalog, report)
    if environment.record is not None and environment.record not in catalog.declared["Registry"]:
        place = written.spec.place_of("record")
        report_undeclared("Registry", environment.record, place, catalog, report)
    for name, value in environment.variables.items():
        if "${" in value:
            place = written.place_of("variables", name)
            remedy = "values are put in once, as they are; write the value out"
            report.add("SPEC033", place, f"variable {name} holds another variable", remedy=remedy)
    for index, patch in enumerate(environment.patches):
        if environment.follows is None and patch.name not in catalog.declared[patch.kind]:
            found = nearest(patch.name, catalog.declared[patch.kind])
            remedy = f'did you mean "{found}"?' if found else "remove the patch"
            place = written.place_of("patches", index, "name")
            report.add(
                "SPEC034",
                place,
                f"a patch of {patch.kind} {shown(patch.name)}, which is absent",
                remedy=remedy,
            )
