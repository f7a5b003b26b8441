"""The markers of a plan case, as a look at the world shows them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from plan_case import Case
from plan_commit import image_of
from plan_traffic import step_value
from reconciler.canary import STEP
from reconciler.desired import Desired, DesiredService
from reconciler.hook_notes import Note, command_digest, write_notes
from reconciler.observed import Marker
from reconciler.ownership import Role
from reconciler.release import Release, write_releases


def live_markers(case: Case, commits: Mapping[str, Desired]) -> tuple[Marker, ...]:
    """Releases first, then what the case writes out."""
    return tuple(_Markers(case, commits).found())


@dataclass(frozen=True)
class _Markers:
    case: Case
    commits: Mapping[str, Desired]

    def found(self) -> Iterable[Marker]:
        if "markers" in self.case.observed.unreadable:
            return
        for service_name, entries in self.case.observed.releases.items():
            value = write_releases([self._release(service_name, entry) for entry in entries])
            yield Marker("release", service_name, 1, value, f"marker_release_{service_name}_1")
        for words in self.case.observed.markers:
            value = words["value"] if isinstance(words["value"], str) else json.dumps(words["value"])
            kind, subject, number = words["kind"], words.get("subject", ""), words.get("sequence", 1)
            if kind == "job":
                value = json.dumps(self._job(subject, words["value"]))
            if kind == STEP:
                value = step_value(self.case, self.commits, subject, words["value"])
            elif kind == "hook":
                value = write_notes([self._note(subject, dict(note)) for note in words["value"]])
            yield Marker(kind, subject, number, value, f"marker_{kind}_{subject}_{number}")

    def _job(self, service_name: str, commit_name: str) -> Mapping[str, str]:
        service = self._service(commit_name, service_name)
        seen = self.case.commit(commit_name).generation(service)
        return {**asdict(seen), "input": service.image.input}

    def _note(self, service_name: str, words: dict[str, Any]) -> Note:
        commit_name = words.pop("of", "desired")
        service = self._service(commit_name, service_name)
        command = words.pop("command", "")
        return Note(
            role=Role(words.pop("hook")),
            generation=self.case.commit(commit_name).generation(service),
            input=service.image.input,
            command=command_digest(command.split(), service.form.fields) if command else "",
            **words,
        )

    def _release(self, service_name: str, entry: Any) -> Release:
        words = {"of": entry} if isinstance(entry, str) else entry
        commit, service = self.case.commit(words["of"]), self._service(words["of"], service_name)
        return Release(
            generation=commit.generation(service),
            input=service.image.input,
            image=str(image_of(commit, service)),
            commit=commit.id,
            pin=commit.id,
            replicas=words.get("replicas", service.replicas),
            spec=service.form.canonical,
            files=tuple(use.volume for use in service.form.files),
        )

    def _service(self, commit_name: str, service_name: str) -> DesiredService:
        return self.commits[commit_name].services[service_name]
