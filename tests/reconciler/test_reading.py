"""What verbs that change nothing are given has no verb that writes, and says so at run time, too."""

from __future__ import annotations

import asyncio
import typing
from pathlib import Path

import pytest

from cli_world import LOCAL, make_world
from reconciler.cli.workspace import open_workspace
from reconciler.provider import Proxies, ReadProxies, ReadRegistry, ReadRuntime, Registry, Runtime
from reconciler.reading import reading
from specs.reference import ImageRef


def verbs(protocol: type) -> set[str]:
    """The methods that a protocol names, those of its bases included."""
    found: set[str] = set()
    for base in protocol.__mro__:
        found |= {name for name, it in vars(base).items() if callable(it) and not name.startswith("_")}
    return found - {"register"}


@pytest.mark.parametrize(
    ("whole", "read", "writing"),
    [
        (Runtime, ReadRuntime, {"create_instance", "remove_volume", "put_marker", "execute", "run_task"}),
        (Registry, ReadRegistry, {"tag", "put_inputs", "copy", "probe_push"}),
        (Proxies, ReadProxies, {"load", "switch"}),
    ],
)
def test_reading_and_writing_are_apart(whole: type, read: type, writing: set[str]) -> None:
    assert verbs(read) < verbs(whole)
    assert writing <= verbs(whole) - verbs(read)


def test_a_verb_that_changes_nothing_is_given_nothing_to_change_it_with(tmp_path: Path) -> None:
    world = make_world(tmp_path / "repository", {"specs/e.yaml": ENVIRONMENT})
    workspace = open_workspace(world.options("plan"))
    readers = reading(world.clients(workspace))
    assert type(workspace.readers(lambda reach: world.engine)) is type(readers)
    registry = asyncio.run(readers.registry(ImageRef.parse(f"{LOCAL}/web:1")))
    proxies = readers.proxies
    assert proxies is not None
    for whole, read, given in (
        (Runtime, ReadRuntime, readers.runtime),
        (Registry, ReadRegistry, registry),
        (Proxies, ReadProxies, proxies),
    ):
        present = {name for name in verbs(whole) if hasattr(given, name)}
        assert present == verbs(read), typing.cast("type", whole).__name__
    assert not {"login", "builder", "stock"} & {name for name in dir(readers) if not name.startswith("_")}


ENVIRONMENT = """\
apiVersion: reconciler/v1
kind: Environment
metadata: {name: dev}
spec: {project: shop}
---
apiVersion: reconciler/v1
kind: Service
metadata: {name: web}
spec: {image: "busybox:1.36"}
"""
