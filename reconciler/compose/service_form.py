"""One service of a Compose file -> its canonical form: long forms, and maps where Compose merges by a key.

The form is what ``merge`` and the conversion work on: ports, volumes, configs, secrets, environment, labels,
depends_on and networks are maps; commands are lists of words; paths are from the repository's root.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from reconciler.compose.mounts_form import read_files, read_mounts, relative
from reconciler.compose.ports_form import read_ports
from reconciler.compose.tree import ComposeError, Tree, as_bool, as_json, listed, mapping, text_of
from reconciler.compose.variables import Marks
from reconciler.compose.yaml_file import Override, Reset


@dataclass(frozen=True, slots=True)
class Place:
    """Where a description stands: its folder from the root, its name in messages, the marks in its texts."""

    folder: str
    where: str
    marks: Marks

    def flat(self, value: object) -> object:
        """The value with every mark resolved: for words whose form depends on the text."""
        if isinstance(value, str):
            return self.marks.value(value)
        if isinstance(value, list):
            return [self.flat(part) for part in value]
        if isinstance(value, dict):
            return {key: self.flat(part) for key, part in value.items()}
        return value


def canonical_service(service: Tree, place: Place) -> Tree:
    """The canonical form. Raises ComposeError for what cannot be read."""
    found: Tree = {}
    for word, value in service.items():
        if word.startswith("x-"):
            continue
        if isinstance(value, Override):
            found[word] = Override(_canonical(word, value.value, place))
        elif isinstance(value, Reset) or value is None:
            found[word] = value
        else:
            found[word] = _canonical(word, value, place)
    return found


def _canonical(word: str, value: object, place: Place) -> object:
    shape = list if isinstance(value, list) else dict if isinstance(value, dict) else str
    if shape not in _SHAPES.get(word, (shape,)):
        raise ComposeError(f"{place.where}: {word} has not the form that Compose asks for")
    return _FORMS[word](value, place) if word in _FORMS else value


def pairs(value: object, place: Place | None = None) -> Tree:
    """A map, or a list of ``NAME=VALUE``, as a map of texts; a name without a value maps to None."""
    if isinstance(value, list):
        parts = [text_of(item).partition("=") for item in value]
        return {name: text if equals else None for name, equals, text in parts}
    return {
        key: part if part is None or isinstance(part, (Reset, Override)) else text_of(part)
        for key, part in mapping(value).items()
    }


def words_of(value: object, place: Place) -> object:
    """A command line as its words, split as a shell would."""
    if isinstance(value, list):
        return [text_of(item) for item in value]
    try:
        return shlex.split(text_of(value))
    except ValueError:
        raise ComposeError(f"{place.where}: a command line with an open quote") from None


def _texts(value: object, place: Place) -> object:
    return [text_of(item) for item in listed(value)]


def _hosts(value: object, place: Place) -> object:
    """``host:ip``, ``host=ip`` or a map -> host to addresses, joined by a comma where there are several."""
    if isinstance(value, dict):
        return {str(host): ",".join(text_of(item) for item in listed(part)) for host, part in value.items()}
    found: dict[str, list[str]] = {}
    for item in listed(value):
        text = text_of(item)
        host, _, address = text.partition("=" if "=" in text else ":")
        found.setdefault(host.strip(), []).append(address.strip().strip("[]"))
    return {host: ",".join(addresses) for host, addresses in found.items()}


def _named(value: object, place: Place) -> object:
    if isinstance(value, list):
        return {text_of(item): {} for item in value}
    return {name: part if isinstance(part, Reset) else mapping(part) for name, part in mapping(value).items()}


def _depends_on(value: object, place: Place) -> object:
    found: Tree = {}
    for name, words in mapping(_named(value, place)).items():
        given = mapping(words)
        required = "required" not in given or as_bool(given["required"])
        condition = text_of(given.get("condition") or "service_started")
        found[name] = {"condition": condition, "required": required}
        if as_bool(given.get("restart")):
            found[name] = {**mapping(found[name]), "restart": True}
    return found


def _healthcheck(value: object, place: Place) -> object:
    words = mapping(value)
    test = words.get("test")
    if isinstance(test, str):
        words["test"] = ["CMD-SHELL", test]
    elif isinstance(test, list):
        words["test"] = [text_of(item) for item in test]
    return words


def _env_file(value: object, place: Place) -> object:
    found: list[object] = []
    for item in listed(value):
        words = mapping(item) if isinstance(item, dict) else {"path": text_of(item)}
        required = "required" not in words or as_bool(words["required"])
        found.append(
            {"path": relative(place.folder, text_of(place.flat(words.get("path")))), "required": required}
        )
    return found


def _build(value: object, place: Place) -> object:
    words = {"context": value} if isinstance(value, str) else mapping(value)
    words = {key: part for key, part in words.items() if part is not None}
    if words.get("context"):
        context = text_of(place.flat(words["context"]))
        is_remote = "://" in context or context.startswith(("git@", "github.com/"))
        words["context"] = context if is_remote else relative(place.folder, context)
    for word in ("args", "labels", "additional_contexts"):
        if word in words:
            words[word] = pairs(words[word])
    return words


def _deploy(value: object, place: Place) -> object:
    words = mapping(value)
    return {**words, "labels": pairs(words["labels"])} if "labels" in words else words


def _logging(value: object, place: Place) -> object:
    words = mapping(value)
    options = pairs(words.get("options"))
    return {**words, "options": options} if options else words


def _flatly(read: Callable[[object, Place], object]) -> Callable[[object, Place], object]:
    return lambda value, place: read(place.flat(value), place)


def _json(value: object, place: Place) -> object:
    return as_json(value)


_SHAPES: Final[dict[str, tuple[type, ...]]] = {
    **dict.fromkeys(("ports", "volumes", "configs", "secrets"), (list,)),
    **dict.fromkeys(("environment", "labels", "annotations", "sysctls", "extra_hosts"), (list, dict)),
    **dict.fromkeys(("networks", "depends_on"), (list, dict)),
    **dict.fromkeys(
        ("healthcheck", "deploy", "logging", "ulimits", "blkio_config", "credential_spec"), (dict,)
    ),
    **dict.fromkeys(("command", "entrypoint", "env_file", "tmpfs", "dns", "dns_search"), (list, str)),
    **dict.fromkeys(("image", "user", "restart", "hostname", "network_mode", "container_name"), (str,)),
    **dict.fromkeys(("cap_add", "cap_drop", "devices", "security_opt", "group_add", "profiles"), (list,)),
    "build": (str, dict),
}
"""What a word may be, where it could be another thing; ``str`` stands for every scalar."""


def _devices(value: object, place: Place) -> object:
    return [as_json(item) if isinstance(item, dict) else text_of(item) for item in listed(value)]


_LISTS: Final = (
    *("tmpfs", "dns", "dns_search", "dns_opt", "cap_add", "cap_drop", "security_opt", "group_add"),
    *("expose", "links", "external_links", "volumes_from", "profiles"),
    *("device_cgroup_rules", "label_file"),
)
_FORMS: Final[dict[str, Callable[[object, Place], object]]] = {
    "command": words_of,
    "entrypoint": words_of,
    "environment": pairs,
    "labels": pairs,
    "annotations": pairs,
    "sysctls": pairs,
    "extra_hosts": _hosts,
    "depends_on": _depends_on,
    "networks": _flatly(_named),
    "ports": _flatly(lambda value, place: read_ports(value, place.where)),
    "volumes": _flatly(lambda value, place: read_mounts(value, place.folder, place.where)),
    "configs": _flatly(lambda value, place: read_files(value, "/")),
    "secrets": _flatly(lambda value, place: read_files(value, "/run/secrets/")),
    "healthcheck": _healthcheck,
    "env_file": _env_file,
    "build": _build,
    "deploy": _deploy,
    "logging": _logging,
    **dict.fromkeys(
        (
            *("tmpfs", "dns", "dns_search", "dns_opt", "cap_add", "cap_drop", "security_opt", "group_add"),
            *("expose", "links", "external_links", "volumes_from", "profiles"),
            *("device_cgroup_rules", "label_file"),
        ),
        _texts,
    ),
    "devices": _devices,
    "ulimits": _flatly(_json),
}
