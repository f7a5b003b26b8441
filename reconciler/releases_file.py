"""``releases/<environment>.yaml`` as text. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from specs.document import API_VERSION
from specs.model import Model
from specs.release import ReleasedService, RemovedService

_ROLLED_BACK: Final = """\
# Written by `reconciler rollback`: the services that run what they ran at an earlier commit. An entry counts
# until the service changes in git: then what git says runs again, by itself.
"""
_PINNED: Final = """\
# Written by `reconciler promote` and `reconciler rollback`: which version of each service this environment
# runs, as another environment has proved it. Nothing else that is committed changes these services.
"""
_NOTHING: Mapping[str, RemovedService] = MappingProxyType({})


def releases_text(
    environment_name: str,
    services: Mapping[str, ReleasedService],
    removed: Mapping[str, RemovedService] = _NOTHING,
    *,
    follows: bool = False,
) -> str:
    """The file: sorted, one value a line, so that two writes at once conflict in git, and others do not.
    ``follows``: whether the environment follows another."""
    lines = [
        f"apiVersion: {API_VERSION}",
        "kind: Release",
        f"metadata: {{name: {environment_name}}}",
        "spec:",
        "  services:" if services else "  services: {}",
        *(line for name, entry in sorted(services.items()) for line in _entry(name, entry)),
        *(["  removed:"] if removed else []),
        *(f"    {name}: {_written(entry)}" for name, entry in sorted(removed.items())),
    ]
    return (_PINNED if follows else _ROLLED_BACK) + "\n".join(lines) + "\n"


def _entry(service_name: str, entry: ReleasedService) -> Iterator[str]:
    yield f"    {service_name}:"
    yield f"      serial: {entry.serial}"
    yield f"      commit: {json.dumps(entry.commit)}"
    yield f"      path: {json.dumps(entry.path)}"
    yield "      images:"
    for key, image in sorted(entry.images.items()):
        yield f"        {json.dumps(key)}: {_written(image)}"
    evidence = _written(entry.evidence)
    if evidence != "{}":
        yield f"      evidence: {evidence}"
    if entry.refused:
        yield "      refused:"
        yield from (f"        - {_written(refusal)}" for refusal in entry.refused)
    if entry.instead_of is not None:
        yield f"      instead_of: {_written(entry.instead_of)}"


def _written(model: Model) -> str:
    """One line; JSON is YAML."""
    value = model.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return json.dumps(value, ensure_ascii=True)
