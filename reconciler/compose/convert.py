"""A Compose project -> the documents of one environment, and a line for everything that is not the same."""

from __future__ import annotations

import posixpath

from reconciler.compose.convert_image import add_images
from reconciler.compose.convert_mounts import RESOURCES_FILE, add_volume
from reconciler.compose.convert_service import convert_service
from reconciler.compose.draft import Draft
from reconciler.compose.passwords import looks_secret, name_of
from reconciler.compose.places import EngineFacts, Files, is_outside
from reconciler.compose.project import Project
from reconciler.compose.restart import find_jobs
from reconciler.compose.tree import ComposeError, JsonObject, Tree, listed, mapping, text_of
from reconciler.compose.trial import model_of
from reconciler.compose.work import CHANGE_ME, Conversion, ServiceWork
from reconciler.desired import Json
from reconciler.ownership import Owner
from specs.allow import needs
from specs.resource import Network

_SUBNET = ("subnet", "gateway", "ip_range", "aux_addresses")


def convert_project(project: Project, files: Files, engine: EngineFacts, owner: Owner) -> Draft:
    """All documents but the Environment's own. Raises ComposeError."""
    whole = Conversion(project, files, engine, owner)
    _check_names(project)
    whole.renames = {name: name_of(name) for name in project.services if name_of(name) != name}
    whole.jobs = find_jobs(project.services)
    _exclude(whole)
    _collect_aliases(whole)
    for kind, add in (("networks", _add_network), ("configs", _add_config), ("secrets", _add_secret)):
        for name, spec in project.resources[kind].items():
            add(whole, name, spec)
    for name in project.resources["volumes"]:
        add_volume(whole, name)
    add_images(whole)
    works = [ServiceWork(whole, name_of(name), name, service) for name, service in project.services.items()]
    for work in works:
        convert_service(work)
    _allow(whole)
    _note_variables(whole)
    if any(looks_secret(name, value) for name, value in project.given.items()):
        whole.draft.exposed.add(posixpath.join(posixpath.dirname(project.paths[0]), ".env"))
    return whole.draft


def _check_names(project: Project) -> None:
    names: dict[str, str] = {}
    for name in project.services:
        if names.setdefault(name_of(name), name) != name:
            raise ComposeError(f"services {names[name_of(name)]} and {name} would have one name: rename one")


def _exclude(whole: Conversion) -> None:
    """Services of a profile that is not active are left out of the environment, and what joins them too."""
    for name, service in whole.project.services.items():
        profiles = {whole.project.marks.value(text_of(item)) for item in listed(service.get("profiles"))}
        if profiles and "*" not in whole.project.profiles and not profiles & whole.project.profiles:
            our_name = name_of(name)
            whole.draft.exclude.append(our_name)
            line = (
                f"is left out (profile {', '.join(sorted(profiles))}): take {our_name} off services.exclude"
            )
            whole.draft.note("profile", our_name, f"{line} in environment.yaml to run it")


def _collect_aliases(whole: Conversion) -> None:
    for name, service in whole.project.services.items():
        for item in listed(service.get("links")):
            other, _, alias = text_of(item).partition(":")
            if alias and alias not in whole.aliases.setdefault(other, []):
                whole.aliases[other].append(alias)
                line = f"is reached as {alias} by all neighbours, not by {name_of(name)} alone (links)"
                whole.draft.note("renamed", name_of(other), line)


def _add_network(whole: Conversion, name: str, spec: Tree) -> None:
    draft, our_name = whole.draft, name_of(name)
    if name == "default" and not spec:
        return
    found: JsonObject = {}
    if spec.get("external"):
        found = {"external": True, "name": text_of(spec.get("name") or name)}
        draft.add(RESOURCES_FILE, "Network", our_name, found)
        return
    for word, value in spec.items():
        if value in (None, False, {}, [], "") or word == "external":
            continue
        if word == "ipam":
            _add_ipam(whole, our_name, mapping(value), found)
        elif word == "driver" and value != "bridge":
            line = "driver is left out: on one engine networks are bridges"
            draft.note("ignored", f"network {our_name}", line)
        elif word in Network.model_fields and word not in ("name", "driver"):
            found[word] = whole.json(value)
        elif word == "name":
            line = f"is not named {value} any more; to share it, make it by hand and write external: true"
            draft.note("renamed", f"network {our_name}", line)
        elif word != "driver":
            draft.note("dropped", f"network {our_name}", f"{word} is not carried over")
    draft.add(RESOURCES_FILE, "Network", our_name, found)


def _add_ipam(whole: Conversion, name: str, ipam: Tree, found: JsonObject) -> None:
    pools: list[Json] = []
    for item in listed(ipam.get("config")):
        pool = {word: whole.json(part) for word, part in mapping(item).items() if word in _SUBNET and part}
        if pool:
            pools.append(pool)
    if text_of(ipam.get("driver") or "default") != "default":
        whole.draft.note("dropped", f"network {name}", "ipam.driver is not carried over")
    if pools:
        found["ipam"] = {"config": pools}


def _add_config(whole: Conversion, name: str, spec: Tree) -> None:
    draft, our_name = whole.draft, name_of(name)
    path = text_of(spec.get("file")).removeprefix("./")
    if path and not is_outside(path):
        draft.add(RESOURCES_FILE, "Config", our_name, {"file": path})
    elif spec.get("content") is not None:
        draft.add(RESOURCES_FILE, "Config", our_name, {"content": whole.written(text_of(spec["content"]))})
    elif text_of(spec.get("environment")) in whole.project.given and not looks_secret(
        text_of(spec["environment"]), "unknown"
    ):
        value = whole.project.given[text_of(spec["environment"])]
        draft.add(RESOURCES_FILE, "Config", our_name, {"content": value.replace("$", "$$")})
    else:
        reason = "its file lies outside of this repository" if path else "its value is not in git"
        draft.note("dropped", f"config {our_name}", f"is left out: {reason}")


def _add_secret(whole: Conversion, name: str, spec: Tree) -> None:
    path = text_of(spec.get("file")).removeprefix("./")
    content = whole.files.read(path) if path and not is_outside(path) else None
    variable = text_of(spec.get("environment"))
    value = content.decode(errors="replace") if content is not None else whole.project.given.get(variable)
    if content is not None:
        whole.draft.exposed.add(path)
    our_name = whole.secret(name, value, "")
    whole.draft.add(RESOURCES_FILE, "Secret", our_name, {})
    where = f" ({path} stays where it is)" if content is not None else ""
    whole.draft.note(
        "secret", f"secret {our_name}", f"its value is looked up outside git, by its name{where}"
    )


def _allow(whole: Conversion) -> None:
    """Exactly what the services ask for beyond the safe set."""
    draft = whole.draft
    for name, spec in draft.of_kind("Service").items():
        service = model_of(spec, draft.variables)
        for need in needs(name, service) if service else ():
            if need.word in ("host_mounts", "privileged"):
                granted = draft.allow.setdefault(need.word, [])
                if isinstance(granted, list) and need.value not in granted:
                    granted.append(need.value)
            else:
                by_value = draft.allow.setdefault(need.word, {})
                names = by_value.setdefault(need.value, []) if isinstance(by_value, dict) else []
                if isinstance(names, list) and name not in names:
                    names.append(name)
            if need.word != "host_mounts":
                draft.note(
                    "host", name, f"asks for {need.word} {need.value}: the environment's allow names it"
                )


def _note_variables(whole: Conversion) -> None:
    for name, value in sorted(whole.draft.variables.items()):
        line = f"variable {name} has no value in .env: write it into environment.yaml"
        reason = "it is a password, or Compose asks for it" if value == CHANGE_ME else "Compose takes nothing"
        whole.draft.note("variable", "", f"{line} ({reason})")
