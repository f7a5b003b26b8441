"""The marker ``hook`` of a service: what became of its hooks, the newest first. Pure.

It outlives the containers that ran them: no hook runs twice for one generation because somebody pruned.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from reconciler.desired import Fields, Generation, Json
from reconciler.observed import Marker
from reconciler.ownership import Role, short_digest
from reconciler.recent import Recent
from reconciler.strict_json import read_object

KIND = "hook"
REMEMBERED = 10
State = Literal["due", "started", "done", "failed", "killed"]
_STATES: Mapping[str, State] = {
    "due": "due",
    "started": "started",
    "done": "done",
    "failed": "failed",
    "killed": "killed",
}
_ROLES = {role.value: role for role in Role if role.is_hook}


@dataclass(frozen=True, slots=True)
class Note:
    """What is known of one hook of one generation."""

    role: Role
    generation: Generation
    input: str
    command: str
    """Digest of its words and environment; empty while it is only due."""
    state: State
    """``due``: to run when the generation has proved itself. ``killed``: its end is not known."""
    container: str = ""
    """Id of the container that runs it."""
    runs: int = 0
    """How often it was begun."""
    reason: str = ""
    """How it failed, in our own words."""


def command_digest(words: Sequence[str], fields: Fields) -> str:
    """Eight digits that name a command and the environment that it runs with, which is in the fields of its
    service."""
    given = {path: value for path, value in fields.items() if path.startswith("environment.")}
    return short_digest(json.dumps([list(words), given], sort_keys=True))


def read_notes(marker: Marker | None) -> tuple[Note, ...]:
    """The notes of a marker; none when it cannot be understood (it is hostile input)."""
    return () if marker is None else _RECENT.ask(marker.value)


def write_notes(notes: Sequence[Note]) -> str:
    """The value of the marker: the newest ten."""
    entries = [
        {
            "hook": note.role.value,
            "fingerprint": note.generation.fingerprint,
            "secrets": note.generation.secrets,
            "digest": note.generation.digest,
            "input": note.input,
            "command": note.command,
            "state": note.state,
            "container": note.container,
            "runs": note.runs,
            "reason": note.reason,
        }
        for note in notes[:REMEMBERED]
    ]
    return json.dumps({"hooks": entries}, sort_keys=True, separators=(",", ":"))


def with_note(note: Note, notes: Sequence[Note]) -> tuple[Note, ...]:
    """The notes after this one; there is one of each hook and generation."""
    return (note, *without_note(note, notes))[:REMEMBERED]


def without_note(note: Note, notes: Sequence[Note]) -> tuple[Note, ...]:
    """The notes but for that of the same hook and generation."""
    return tuple(it for it in notes if (it.role, it.generation) != (note.role, note.generation))


def begun(note: Note, container_id: str, notes: Sequence[Note]) -> str:
    """The value of the marker when a container is about to be started."""
    return write_notes(with_note(replace(note, state="started", container=container_id), notes))


def _read_value(value: str) -> tuple[Note, ...]:
    try:
        entries = read_object(value)["hooks"]
        if not isinstance(entries, list):
            return ()
        return tuple(_read(entry) for entry in entries[:REMEMBERED] if isinstance(entry, dict))
    except (ValueError, KeyError, TypeError):
        return ()


_RECENT = Recent(_read_value)
"""Each pass reads every marker again, and nearly all of them are as they were."""


def _read(entry: dict[str, Json]) -> Note:
    text = {name: str(entry[name])[:_LONGEST] for name in _TEXTS}
    runs = entry["runs"]
    if not isinstance(runs, int) or not 0 <= runs <= 1_000_000:
        raise TypeError("runs is a small number")
    return Note(
        role=_ROLES[text["hook"]],
        generation=Generation(text["fingerprint"], text["secrets"], text["digest"]),
        input=text["input"],
        command=text["command"],
        state=_STATES[text["state"]],
        container=text["container"],
        runs=runs,
        reason=text["reason"],
    )


_LONGEST = 1000
_TEXTS = ("hook", "fingerprint", "secrets", "digest", "input", "command", "state", "container", "reason")
