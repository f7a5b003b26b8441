"""The drift table: how a hand changes each field of a Service, and what tells it; or why nothing does."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, get_args, get_origin

from pydantic import BaseModel

Body = dict[str, Any]
Edit = Callable[[Body], object]
BY_HAND: Final = "made again by hand"
UPDATED: Final = "docker update"
CONNECTED: Final = "docker network connect"


@dataclass(frozen=True)
class Row:
    """One field. ``path`` is the one that ``drift`` names, of ``service``; ``edit`` changes the create call
    of a container that is made again with the same labels. ``unseen`` says why a change is not told."""

    path: str = ""
    service: str = ""
    edit: Edit | None = None
    how: str = BY_HAND
    unseen: str = ""
    since: tuple[int, int] = (1, 41)
    also: tuple[str, ...] = ()
    """Other paths that the same edit changes."""


def config(name: str, value: object) -> Edit:
    return lambda body: body.__setitem__(name, value)


def host(name: str, value: object) -> Edit:
    return lambda body: body["HostConfig"].__setitem__(name, value)


def check(name: str, value: object) -> Edit:
    return lambda body: body["Healthcheck"].__setitem__(name, value)


def member(name: str, old: str, new: str) -> Edit:
    """Another value in a list of ``Config``."""
    return lambda body: body.__setitem__(name, [new if item == old else item for item in body[name]])


def label(name: str, value: str) -> Edit:
    return lambda body: body["Labels"].__setitem__(name, value)


def mount(target: str, **changes: object) -> Edit:
    def edit(body: Body) -> None:
        (found,) = (m for m in body["HostConfig"]["Mounts"] if m["Target"] == target)
        found.update({key: value for key, value in changes.items() if value is not None})
        for key in [key for key, value in changes.items() if value is None]:
            found.pop(key, None)

    return edit


def memory(path: str, options: str) -> Edit:
    return lambda body: body["HostConfig"]["Tmpfs"].__setitem__(path, options)


def publish(old: str, new: str | None = None, **binding: str) -> Edit:
    """Another port: under another key, or bound elsewhere."""

    def edit(body: Body) -> None:
        bindings = body["HostConfig"]["PortBindings"]
        kept = bindings.pop(old)
        bindings[new or old] = [{**kept[0], **binding}]
        body["ExposedPorts"][new or old] = {}

    return edit


def swap(one: str, other: str) -> Edit:
    """The files of two mounts, exchanged."""

    def edit(body: Body) -> None:
        mounts = {m["Target"]: m for m in body["HostConfig"]["Mounts"]}
        mounts[one]["Source"], mounts[other]["Source"] = mounts[other]["Source"], mounts[one]["Source"]

    return edit


def find_leaves(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every field that a document can say, to its last part; ``*`` is a key of a map."""
    for name, field in model.model_fields.items():
        yield from _leaves_of(field.annotation, f"{prefix}{name}")


def _leaves_of(annotation: Any, path: str) -> Iterator[str]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from find_leaves(annotation, f"{path}.")
    elif origin is dict:
        yield from _leaves_of(arguments[1], f"{path}.*")
    elif origin is types.UnionType or str(origin) == "typing.Union":
        parts = [part for part in arguments if part is not type(None)]
        models = [p for p in parts if isinstance(p, type) and issubclass(p, BaseModel)]
        if models and len(parts) == 1:
            yield from find_leaves(models[0], f"{path}.")
        else:
            yield path
    elif str(origin) == "typing.Annotated":
        yield from _leaves_of(arguments[0], path)
    else:
        yield path
