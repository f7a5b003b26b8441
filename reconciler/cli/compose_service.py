"""One Compose service as documents of ours: what is carried over, what is changed, what is not."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from reconciler.cli.compose_mounts import convert_volumes, relative_path
from reconciler.cli.compose_read import Tree, mapping
from reconciler.cli.compose_secret import looks_secret, name_of
from reconciler.cli.scaffold import Draft, JsonObject, add_image
from reconciler.desired import Json
from specs.words import COMPOSE_REFUSED, NOT_YET

_AS_THEY_ARE = (
    *("command", "entrypoint", "labels", "user", "working_dir", "restart"),
    *("stop_signal", "stop_grace_period"),
)
_HEALTH = ("test", "interval", "timeout", "start_period", "retries", "disable")
_DROPPED_SILENTLY = ("expose", "stdin_open", "tty", "pull_policy")
_ONE_VARIABLE = re.compile(r"\$\{([A-Za-z_]\w*)\}")


@dataclass(slots=True)
class Conversion:
    """One service on its way: its name of ours, what Compose says, the spec as it grows."""

    name: str
    service: Tree
    draft: Draft
    spec: JsonObject

    def note(self, text: str) -> None:
        self.draft.note(f"{self.name}: {text}")


def convert_service(compose_name: str, service: Tree, draft: Draft) -> None:
    """Add the Service, and the Image, Volumes, Configs and Secrets that it needs."""
    work = Conversion(name_of(compose_name), service, draft, {})
    if work.name != compose_name:
        work.note(f"renamed from {compose_name}: names are lower-case DNS labels")
    _convert_image(work)
    for word, value in service.items():
        if value is None or word in {"image", "build"}:
            continue
        if word in _CONVERTERS:
            _CONVERTERS[word](work, value)
        elif word in _AS_THEY_ARE:
            work.spec[word] = as_json(value)
        elif word not in _DROPPED_SILENTLY and not word.startswith("x-"):
            _leave_out(work, word)
    if work.spec.get("restart") in ("no", "on-failure"):
        work.note(f"restart {work.spec['restart']} makes it a job: it runs to completion, once a version")
    draft.add(f"{work.name}.yaml", "Service", work.name, work.spec)


def as_json(value: object) -> Json:
    """A value read from YAML as JSON; what JSON does not know becomes text."""
    if isinstance(value, dict):
        return {str(key): as_json(part) for key, part in value.items()}
    if isinstance(value, list):
        return [as_json(part) for part in value]
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(value)


def _leave_out(work: Conversion, word: str) -> None:
    remedy = COMPOSE_REFUSED.get(("Service", word)) or NOT_YET.get(("Service", word)) or ""
    work.note(f"{word} is not carried over" + (f" ({remedy})" if remedy else ""))


def _convert_image(work: Conversion) -> None:
    build = work.service.get("build")
    if build is None:
        work.spec["image"] = str(work.service.get("image") or "")
        return
    words = {"context": build} if isinstance(build, str) else mapping(build)
    context = relative_path(str(words.get("context") or "."))
    spec: JsonObject = {"context": context or "."}
    if context is None:
        work.note("the build context lies outside of this repository: write its folder into the Image")
    for word in ("dockerfile", "target"):
        if word in words:
            spec[word] = as_json(words[word])
    args = _pairs(words.get("args"))
    if args:
        spec["args"] = {name: as_json(value) for name, value in args.items() if value is not None}
    for word in sorted(set(words) - {"context", "dockerfile", "target", "args", "tags"}):
        work.note(f"build.{word} is not carried over")
    add_image(work.draft, work.name, spec)
    work.spec["image"] = work.name


def _pairs(value: object) -> dict[str, object]:
    """Compose's map or list of ``NAME=VALUE``; a name without a value maps to None."""
    if not isinstance(value, list):
        return mapping(value)
    parts = [str(item).partition("=") for item in value]
    return {name: text if equals else None for name, equals, text in parts}


def _convert_environment(work: Conversion, value: object) -> None:
    found: JsonObject = {}
    for name, text in _pairs(value).items():
        variable = _ONE_VARIABLE.fullmatch(text) if isinstance(text, str) else None
        if looks_secret(name, text if not variable else "x"):
            secret = name_of(name)
            found[name] = {"secret": secret}
            work.note(f"{name} looks like a password: now the secret {secret}, which is not in git")
        elif text is None:
            found[name] = f"${{{name}}}"
            work.draft.variables.setdefault(name, "")
            work.note(f"{name} came from the shell: now a variable of the environment")
        else:
            found[name] = "true" if text is True else "false" if text is False else as_json(text)
    if found:
        work.spec["environment"] = found


def _convert_env_file(work: Conversion, value: object) -> None:
    work.note(
        "env_file is not carried over: write its variables under environment, and its passwords as secrets"
    )


def _convert_ports(work: Conversion, value: object) -> None:
    ports = value if isinstance(value, list) else []
    found: list[Json] = [as_json(port) for port in ports]
    for port in found:
        if isinstance(port, dict):
            for word in set(port) - {"target", "published", "host_ip", "protocol"}:
                del port[word]
    if found:
        work.spec["ports"] = found


def _convert_volumes(work: Conversion, value: object) -> None:
    mounts, configs = convert_volumes(work.name, value, work.draft)
    if mounts:
        work.spec["volumes"] = mounts
    if configs:
        earlier = work.spec.get("configs")
        work.spec["configs"] = [*(earlier if isinstance(earlier, list) else []), *configs]


def _convert_networks(work: Conversion, value: object) -> None:
    names = mapping(value) if isinstance(value, dict) else {str(n): None for n in _list(value)}
    found: JsonObject = {}
    for name, attachment in names.items():
        aliases = mapping(attachment).get("aliases")
        found[name_of(name)] = {"aliases": as_json(aliases)} if aliases else {}
    found.pop("default", None)
    if found:
        work.spec["networks"] = found


def _convert_depends_on(work: Conversion, value: object) -> None:
    names = mapping(value) if isinstance(value, dict) else {str(n): {} for n in _list(value)}
    found: JsonObject = {}
    for name, words in names.items():
        kept = {w: as_json(v) for w, v in mapping(words).items() if w in {"condition", "required"}}
        found[name_of(name)] = kept
    work.spec["depends_on"] = found


def _convert_healthcheck(work: Conversion, value: object) -> None:
    words = mapping(value)
    work.spec["healthcheck"] = {word: as_json(words[word]) for word in _HEALTH if word in words}
    for word in sorted(set(words) - set(_HEALTH)):
        work.note(f"healthcheck.{word} is not carried over")


def _convert_files(word: str) -> Callable[[Conversion, object], None]:
    def convert(work: Conversion, value: object) -> None:
        found: list[Json] = []
        for item in _list(value):
            words = mapping(item) if isinstance(item, dict) else {"source": str(item)}
            words["source"] = name_of(str(words.get("source")))
            found.append(as_json(words))
        earlier = work.spec.get(word)
        work.spec[word] = [*(earlier if isinstance(earlier, list) else []), *found]

    return convert


def _convert_deploy(work: Conversion, value: object) -> None:
    words = mapping(value)
    resources = mapping(words.get("resources"))
    limits, reservations = mapping(resources.get("limits")), mapping(resources.get("reservations"))
    for word in ("cpus", "memory", "pids"):
        if word in limits:
            _set_limit(work, "limits", word, limits[word])
    if "memory" in reservations:
        _set_limit(work, "reservations", "memory", reservations["memory"])
    if "replicas" in words:
        _deploy(work)["replicas"] = as_json(words["replicas"])
    for word in sorted(set(words) - {"resources", "replicas"}):
        _leave_out(work, f"deploy.{word}")


def _deploy(work: Conversion) -> JsonObject:
    deploy = work.spec.setdefault("deploy", {})
    assert isinstance(deploy, dict)  # noqa: S101 - only this module writes it
    return deploy


def _set_limit(work: Conversion, group: str, word: str, value: object) -> None:
    resources = _deploy(work).setdefault("resources", {})
    assert isinstance(resources, dict)  # noqa: S101 - only this module writes it
    bounds = resources.setdefault(group, {})
    assert isinstance(bounds, dict)  # noqa: S101 - only this module writes it
    bounds[word] = str(value) if word == "cpus" else as_json(value)


def _limit(group: str, word: str) -> Callable[[Conversion, object], None]:
    return lambda work, value: _set_limit(work, group, word, value)


def _convert_scale(work: Conversion, value: object) -> None:
    _deploy(work)["replicas"] = as_json(value)


def _convert_profiles(work: Conversion, value: object) -> None:
    work.draft.exclude.append(work.name)
    work.note("has profiles: excluded in the environment; take it off services.exclude to run it")


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []


_CONVERTERS: dict[str, Callable[[Conversion, object], None]] = {
    "environment": _convert_environment,
    "env_file": _convert_env_file,
    "ports": _convert_ports,
    "volumes": _convert_volumes,
    "networks": _convert_networks,
    "depends_on": _convert_depends_on,
    "healthcheck": _convert_healthcheck,
    "configs": _convert_files("configs"),
    "secrets": _convert_files("secrets"),
    "deploy": _convert_deploy,
    "scale": _convert_scale,
    "profiles": _convert_profiles,
    "mem_limit": _limit("limits", "memory"),
    "cpus": _limit("limits", "cpus"),
    "pids_limit": _limit("limits", "pids"),
    "mem_reservation": _limit("reservations", "memory"),
}
