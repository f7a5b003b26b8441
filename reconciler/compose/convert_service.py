"""One Compose service as a document of ours: what is carried over, what is changed, what is not."""

from __future__ import annotations

from typing import Final

from reconciler.compose.convert_command import convert_command, convert_healthcheck
from reconciler.compose.convert_environment import convert_environment
from reconciler.compose.convert_image import convert_image, dockerfile_path
from reconciler.compose.convert_mounts import convert_mounts, keep_unnamed
from reconciler.compose.convert_routes import hint_at_routes
from reconciler.compose.convert_words import (
    convert_depends_on,
    convert_limits,
    convert_networks,
    convert_ports,
)
from reconciler.compose.dockerfile_words import declared_words
from reconciler.compose.draft import Draft
from reconciler.compose.image_volumes import known_volumes
from reconciler.compose.passwords import name_of
from reconciler.compose.restart import convert_restart
from reconciler.compose.tree import Tree, as_bool, as_json, listed, mapping, text_of
from reconciler.compose.trial import keep_what_fits
from reconciler.compose.work import Conversion, ServiceWork
from reconciler.desired import Json
from specs.service import Service
from specs.words import COMPOSE_REFUSED, NOT_YET

_ELSEWHERE: Final = {
    *("image", "build", "environment", "env_file", "command", "entrypoint", "healthcheck", "volumes"),
    *("volumes_from", "ports", "networks", "network_mode", "depends_on", "deploy", "scale", "restart"),
    *("configs", "secrets", "profiles", "container_name", "mac_address", "mem_limit", "mem_reservation"),
    *("cpus", "pids_limit", "cpu_quota", "cpu_period", "links", "version"),
}
_WITHOUT_EFFECT: Final = {"pull_policy", "attach", "develop", "extends"}
_SWITCHES: Final = {"init", "read_only", "privileged", "stdin_open", "tty"}
_NUMBERS: Final = {"oom_score_adj", "cpu_shares"}
_JOINS: Final = {"ipc", "pid"}


def convert_service(work: ServiceWork) -> None:
    """Add the Service, with the Volumes, Configs and Secrets that it needs."""
    if work.name != work.compose_name:
        work.note("renamed", f"was {work.compose_name}: names are lower-case letters, digits and hyphens")
    convert_image(work)
    convert_environment(work)
    for word in ("entrypoint", "command"):
        convert_command(work, word)
    convert_healthcheck(work)
    convert_ports(work)
    convert_mounts(work)
    _add_files(work)
    convert_networks(work)
    convert_depends_on(work)
    convert_limits(work)
    convert_restart(work)
    _convert_rest(work)
    hint_at_routes(work)
    _add_image_volumes(work)
    keep_what_fits(work)
    work.whole.draft.add(f"{work.name}.yaml", "Service", work.name, work.spec)


def _convert_rest(work: ServiceWork) -> None:
    """Words that have the same form here and there, as far as the language has them."""
    for word, value in work.service.items():
        if value in (None, [], {}, "") or word in _ELSEWHERE or word in _WITHOUT_EFFECT:
            continue
        if word == "platform" and work.service.get("build"):
            continue  # The Image says it.
        if word in Service.model_fields:
            work.spec[word] = _same(work, word, value)
        else:
            remedy = COMPOSE_REFUSED.get(("Service", word)) or NOT_YET.get(("Service", word)) or ""
            work.note("dropped", f"{word} is not carried over" + (f": {remedy}" if remedy else ""))


def _same(work: ServiceWork, word: str, value: object) -> Json:
    if word in _SWITCHES:
        return as_bool(work.flat(text_of(value)))
    if word in _NUMBERS:
        text = work.flat(text_of(value))
        return int(text) if text.lstrip("-").isdecimal() else text
    if word == "extra_hosts":
        return {host: list[Json](work.flat(ip).split(",")) for host, ip in mapping(value).items()}
    if word in _JOINS and text_of(value).startswith("service:"):
        return f"service:{name_of(text_of(value).removeprefix('service:'))}"
    if word == "labels":
        return {work.flat(name): work.whole.written(text_of(part)) for name, part in mapping(value).items()}
    if word in ("user", "shm_size", "memswap_limit", "hostname", "domainname", "working_dir", "stop_signal"):
        return work.flat(text_of(value))
    return as_json(value) if word == "ulimits" else work.whole.json(value)


def _add_files(work: ServiceWork) -> None:
    """``configs`` and ``secrets`` at the paths where Compose puts them."""
    for word, kind in (("configs", "Config"), ("secrets", "Secret")):
        for item in mapping(work.service.get(word)).values():
            use = mapping(item)
            name = name_of(text_of(use["source"]))
            if name not in work.whole.draft.of_kind(kind):
                work.note("dropped", f"{word}: {name} is left out with its {kind}")
                continue
            found: dict[str, Json] = {
                key: text_of(part) for key, part in use.items() if key in ("uid", "gid", "mode") and part
            }
            uses = work.spec.setdefault(word, [])
            if isinstance(uses, list):
                uses.append({"source": name, "target": text_of(use["target"]), **found})


def _add_image_volumes(work: ServiceWork) -> None:
    """A Volume for each VOLUME of the image where nothing is mounted."""
    taken = [text_of(mapping(mount).get("target")) for mount in listed(work.spec.get("volumes"))]
    taken += [text_of(mapping(use).get("target")) for use in listed(work.spec.get("configs"))]
    for target in _declared(work.whole, work.service, work.flat(text_of(work.service.get("image")))):
        if target in taken or any(target.startswith(f"{other}/") for other in taken):
            continue
        name = keep_unnamed(work, target)
        mounts = work.spec.setdefault("volumes", [])
        if isinstance(mounts, list):
            mounts.append({"type": "volume", "source": name, "target": target})
        work.note("image-volume", f"{target} is a VOLUME of its image and is kept in volume {name}")


def _declared(whole: Conversion, service: Tree, reference: str) -> tuple[str, ...]:
    build = mapping(service.get("build"))
    if not build:
        return known_volumes(reference, dict(whole.engine.declared))
    path = dockerfile_path(build)
    content = whole.files.read(path) if path else None
    target = whole.project.marks.value(text_of(build.get("target"))) or None
    words = declared_words(content, "VOLUME", target) if content else []
    return tuple(word.rstrip("/") for word in words if word.startswith("/") and word != "/")


__all__ = ["Draft", "convert_service"]
