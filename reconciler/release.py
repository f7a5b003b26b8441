"""The marker ``release``: the generations of a service that proved themselves, newest first."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.desired import Generation, Json
from reconciler.observed import Marker
from reconciler.recent import Recent
from reconciler.strict_json import read_object

KIND = "release"
REMEMBERED = 5


@dataclass(frozen=True, slots=True)
class Release:
    """One proved generation: enough to run exactly that again."""

    generation: Generation
    input: str
    image: str
    """``name@digest``."""
    commit: str
    pin: str
    replicas: int
    spec: str
    """The canonical effective service."""
    files: tuple[str, ...] = ()
    """Object names of the volumes that hold its configs: they stay while it is remembered."""


def read_releases(marker: Marker | None) -> tuple[Release, ...]:
    """The releases that a marker names; none when it cannot be understood (it is hostile input)."""
    return () if marker is None else _RECENT.ask(marker.value)


def _read_value(value: str) -> tuple[Release, ...]:
    try:
        entries = read_object(value)["releases"]
        if not isinstance(entries, list):
            return ()
        return tuple(_read(entry) for entry in entries[:REMEMBERED] if isinstance(entry, dict))
    except (ValueError, KeyError, TypeError):
        return ()


_RECENT = Recent(_read_value)
"""Each pass reads every marker again, and nearly all of them are as they were."""


def _read(entry: dict[str, Json]) -> Release:
    texts = {name: entry[name] for name in _TEXTS}
    replicas, files = entry["replicas"], entry["files"]
    if not all(isinstance(text, str) for text in texts.values()) or not isinstance(files, list):
        raise TypeError("a release is made of texts")
    if not isinstance(replicas, int) or not 0 <= replicas <= 1000:
        raise TypeError("replicas is a small number")
    text = {name: str(value) for name, value in texts.items()}
    return Release(
        generation=Generation(text["fingerprint"], text["secrets"], text["digest"]),
        input=text["input"],
        image=text["image"],
        commit=text["commit"],
        pin=text["pin"],
        replicas=replicas,
        spec=text["spec"],
        files=tuple(str(name) for name in files),
    )


_TEXTS = ("fingerprint", "secrets", "digest", "input", "image", "commit", "pin", "spec")


def write_releases(releases: Sequence[Release]) -> str:
    """The value of the marker: the newest five."""
    entries = [
        {
            "fingerprint": release.generation.fingerprint,
            "secrets": release.generation.secrets,
            "digest": release.generation.digest,
            "input": release.input,
            "image": release.image,
            "commit": release.commit,
            "pin": release.pin,
            "replicas": release.replicas,
            "spec": release.spec,
            "files": list(release.files),
        }
        for release in releases[:REMEMBERED]
    ]
    return json.dumps({"releases": entries}, sort_keys=True, separators=(",", ":"))


def with_newest(release: Release, earlier: Sequence[Release]) -> tuple[Release, ...]:
    """The releases after this one proved itself; the same generation is named once."""
    rest = [other for other in earlier if other.generation != release.generation]
    return (release, *rest)[:REMEMBERED]
