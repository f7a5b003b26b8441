"""``build`` -> kind Image; ``image`` -> a reference with a tag, or the Image that another service builds."""

from __future__ import annotations

import json

from reconciler.compose.draft import add_image
from reconciler.compose.passwords import looks_secret, name_of
from reconciler.compose.places import is_outside, located
from reconciler.compose.tree import JsonObject, Tree, as_json, listed, mapping, text_of
from reconciler.compose.work import Conversion, ServiceWork
from reconciler.desired import Json

_CARRIED = ("context", "dockerfile", "target", "args", "platforms", "additional_contexts", "secrets")
_WITHOUT_EFFECT = ("tags", "cache_from", "cache_to", "no_cache", "pull", "isolation", "provenance")


def add_images(whole: Conversion) -> None:
    """The Images of every service that is built; services that build the same share one."""
    for compose_name, service in whole.project.services.items():
        build = mapping(service.get("build"))
        if not build:
            continue
        work = ServiceWork(whole, name_of(compose_name), compose_name, service)
        key = _key(build)
        if key in whole.images:
            continue
        whole.images[key] = work.name
        if service.get("image"):
            whole.images.setdefault(work.flat(service["image"]), work.name)
        add_image(whole.draft, work.name, _build(work, build))


def _key(build: Tree) -> str:
    return json.dumps(as_json(build), sort_keys=True)


def _build(work: ServiceWork, build: Tree) -> JsonObject:
    context = text_of(build["context"]).removeprefix("./")
    if "://" in context or context.startswith(("git@", "github.com/")):
        work.note("dropped", "it is built from another repository: copy its folder here, or name its image")
        context = "."
    elif is_outside(context):
        work.note("dropped", "its build context lies outside of this repository: copy its folder here")
        context = "."
    spec: JsonObject = {"context": context}
    dockerfile = work.flat(build.get("dockerfile") or "Dockerfile")
    if dockerfile != "Dockerfile":
        spec["dockerfile"] = dockerfile
    if build.get("target"):
        spec["target"] = work.flat(build["target"])
    args = _args(work, mapping(build.get("args")))
    if args:
        spec["args"] = args
    platforms = [work.flat(item) for item in listed(build.get("platforms") or work.service.get("platform"))]
    if platforms:
        spec["platforms"] = list[Json](platforms)
    _add_contexts(work, spec, mapping(build.get("additional_contexts")))
    secrets = [mapping(item).get("source", item) for item in listed(build.get("secrets"))]
    if secrets:
        spec["secrets"] = [name_of(text_of(name)) for name in secrets]
    for word in sorted(set(build) - {*_CARRIED, *_WITHOUT_EFFECT}):
        work.note("dropped", f"build.{word} is not carried over")
    return spec


def _args(work: ServiceWork, args: Tree) -> JsonObject:
    found: JsonObject = {}
    for name, value in args.items():
        if value is None:
            work.note("variable", f"build argument {name} came from the shell and is left out")
        elif looks_secret(name, work.flat(value)):
            work.note("secret", f"build argument {name} looks like a password: use RUN --mount=type=secret")
        else:
            found[name] = work.flat(value)
    return found


def _add_contexts(work: ServiceWork, spec: JsonObject, contexts: Tree) -> None:
    found: JsonObject = {}
    for name, value in contexts.items():
        kind, _, other = work.flat(value).partition(":")
        if kind == "service":
            found[name_of(name)] = {"image": name_of(other)}
        else:
            work.note("dropped", f"build.additional_contexts.{name} is not carried over: only services are")
    if found:
        spec["contexts"] = found


def convert_image(work: ServiceWork) -> None:
    """The name of an Image of ours, or a public reference that has a tag."""
    build = mapping(work.service.get("build"))
    reference = text_of(work.service.get("image"))
    if build:
        work.spec["image"] = work.whole.images[_key(build)]
    elif work.flat(reference) in work.whole.images:
        work.spec["image"] = work.whole.images[work.flat(reference)]
    else:
        name = reference.rpartition("/")[2]
        if reference and ":" not in name and "@" not in name and "\ue000" not in name:
            reference += ":latest"
            work.note(
                "tag",
                f"its image has no tag: {work.flat(reference)}, which moves; write the one that you want",
            )
        work.spec["image"] = work.whole.written(reference)


def dockerfile_path(build: Tree) -> str | None:
    """Where the Dockerfile of a build lies, from the root; None outside of the repository."""
    context = text_of(build.get("context")).removeprefix("./")
    path = located("" if context == "." else context, text_of(build.get("dockerfile") or "Dockerfile"))
    return None if is_outside(path) else path
