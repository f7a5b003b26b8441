"""The volumes of a plan case, as a look at the world shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from plan_case import COMMITS, Case
from plan_commit import OWNER
from reconciler.desired import Desired
from reconciler.observed import Handle, Instance, LiveVolume
from reconciler.secret_volume import secret_volume


def live_volumes(
    case: Case, commits: Mapping[str, Desired], instances: Sequence[Instance]
) -> tuple[LiveVolume, ...]:
    """Data volumes unless they are missing; files and secrets that something mounts or the case names."""
    if "volumes" in case.observed.unreadable:
        return ()
    used = frozenset(name for i in instances for name in i.volumes)
    return (*_data(case, commits["desired"]), *_secrets(case, commits, used), *_files(case, commits, used))


def _data(case: Case, desired: Desired) -> Iterable[LiveVolume]:
    for name, volume in sorted(desired.volumes.items()):
        if f"Volume {name}" not in case.observed.missing and not volume.external:
            fields = {"driver": volume.driver, **case.observed.volumes.get(name, {})}
            handle = Handle("engine", volume.object_name)
            yield LiveVolume(handle, name, volume.object_name, "data", True, fields)


def _secrets(case: Case, commits: Mapping[str, Desired], used: frozenset[str]) -> Iterable[LiveVolume]:
    found: dict[str, LiveVolume] = {}
    for commit_name in COMMITS:
        for name, service in commits[commit_name].services.items():
            volume = secret_volume(OWNER, name, case.commit(commit_name).generation(service), service.form)
            if volume and (volume in used or f"{name} of {commit_name}" in case.observed.secrets):
                found[volume] = LiveVolume(Handle("engine", volume), volume, volume, "secret")
    return found.values()


def _files(case: Case, commits: Mapping[str, Desired], used: frozenset[str]) -> Iterable[LiveVolume]:
    found: dict[str, LiveVolume] = {}
    for commit_name in COMMITS:
        for files in commits[commit_name].files.values():
            name, volume = files.config_name, files.volume
            if volume in used or f"{name} of {commit_name}" in case.observed.files:
                found.setdefault(volume, LiveVolume(Handle("engine", volume), name, volume, "files"))
    return found.values()
