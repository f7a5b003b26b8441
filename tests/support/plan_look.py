"""The world of a plan case, as a look at it shows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from plan_case import COMMITS, Case, Words
from plan_commit import OWNER, SOURCE, digest_of, image_of
from plan_markers import live_markers
from plan_traffic import with_proxies, with_traffic
from plan_volumes import live_volumes
from reconciler.changes import LIMIT_PATHS
from reconciler.desired import Desired, DesiredService, Subject
from reconciler.observed import (
    ABSENT,
    Artifact,
    Attempt,
    Handle,
    Health,
    Instance,
    LiveImage,
    LiveNetwork,
    LiveTask,
    Namesake,
    Observed,
    Phase,
    Tenant,
    Traits,
    Unreadable,
)
from reconciler.ownership import InstanceName, Role
from reconciler.secret_volume import secret_volume
from reconciler.supply_images import image_subject


def look(case: Case) -> Observed:
    """What is seen."""
    desired = case.resolve()
    case = with_proxies(case, desired)
    seen = _Look(case, desired, {name: case.resolve(name) for name in COMMITS}).observed()
    return with_traffic(case, desired, seen)


@dataclass(frozen=True)
class _Look:
    case: Case
    desired: Desired
    commits: Mapping[str, Desired]

    def observed(self) -> Observed:
        sight, now = self.case.observed, self.case.now
        instances = tuple(i for name in sight.instances for i in self._instances(name))
        return Observed(
            at=now,
            instances=instances,
            networks=tuple(self._networks(instances)),
            volumes=live_volumes(self.case, self.commits, instances),
            markers=live_markers(self.case, self.commits),
            namesakes=tuple(self._namesake(words) for words in sight.namesakes),
            artifacts=self._artifacts(),
            present=self._present(),
            registry_running=frozenset(sight.registries),
            in_flight=frozenset(self._subject(text) for text in sight.in_flight),
            attempts=dict(self._attempt(words) for words in sight.attempts),
            unreadable=tuple(Unreadable(what, why, now) for what, why in sight.unreadable.items()),
            traits=Traits((*LIMIT_PATHS, "restart"), tuple(sight.unknown.items())),
            ports=dict(sight.ports),
            tenants=frozenset(Tenant(*words) for words in sight.tenants),
            tasks=tuple(LiveTask(who, name, Handle("host", name), over) for who, name, over in sight.tasks),
            ourselves=Handle("engine", sight.ourselves) if sight.ourselves else None,
        )

    def _service(self, commit_name: str, service_name: str) -> DesiredService:
        return self.commits[commit_name].services[service_name]

    def _instances(self, service_name: str) -> Iterable[Instance]:
        if "instances" not in self.case.observed.unreadable:
            for words in self.case.observed.instances[service_name]:
                yield self._instance(service_name, dict(words))

    def _instance(self, service_name: str, words: dict[str, Any]) -> Instance:
        commit_name = words.pop("of", "desired")
        commit, service = self.case.commit(commit_name), self._service(commit_name, service_name)
        number, role, age = words.pop("number", 1), Role(words.pop("role", "")), words.pop("age", 3600.0)
        generation = commit.generation(service)
        name = str(InstanceName(OWNER, service_name, generation.g8, number, role))
        renamed = words.pop("renamed", None)
        made = Instance(
            handle=Handle("engine", f"{service_name}-{number}" + (f"-{role.value}" if role.value else "")),
            name=renamed or name,
            service_name=service_name,
            role=Role.LIVE if renamed else role,
            number=None if renamed else number,
            generation=generation,
            input=service.image.input,
            commit=commit.id,
            pin=commit.id,
            source=words.pop("source", SOURCE),
            applied=service.form.canonical,
            applied_fields=service.form.fields,
            live_fields={**service.form.fields, **words.pop("live", {})},
            networks=self._attached(words.pop("networks", None), service),
            volumes=(
                *(use.object_name for use in service.form.mounts if use.type == "volume"),
                *(use.volume for use in service.form.files),
                *filter(None, (secret_volume(OWNER, service_name, generation, service.form),)),
            ),
            image=str(image_of(commit, service)),
            phase=Phase(words.pop("phase", "exited" if role is not Role.LIVE else "running")),
            health=Health(words.pop("health", "healthy" if service.form.spec.healthcheck else "none")),
            created_at=self.case.now - age,
            started_at=None if words.pop("never_started", False) else self.case.now - age,
            restart="no" if role is not Role.LIVE else service.form.spec.restart,
        )
        if made.health is Health.HEALTHY:
            since = self.case.now - words.pop("healthy_for", max(0.0, age - 1))
            made = replace(made, healthy_since=since, checked_at=self.case.now)
        if made.restart != service.form.fields["restart"]:
            made = replace(made, live_fields={**made.live_fields, "restart": made.restart})
        return replace(made, **words)

    def _attached(self, names: list[str] | None, service: DesiredService) -> tuple[str, ...]:
        if names is None:
            return tuple(use.object_name for use in service.form.networks)
        return tuple(self._network_name(name) for name in names)

    def _network_name(self, name: str) -> str:
        """``front`` as it is desired, ``front of was``, or an object name of somebody else's."""
        name, _, commit_name = name.partition(" of ")
        network = self.commits[commit_name or "desired"].networks.get(name)
        return network.object_name if network else name

    def _is_there(self, text: str) -> bool:
        return text not in self.case.observed.missing

    def _networks(self, instances: tuple[Instance, ...]) -> Iterable[LiveNetwork]:
        if "networks" in self.case.observed.unreadable:
            return
        used = {name for i in instances for name in i.networks}
        seen: set[str] = set()
        for commit_name in COMMITS:
            for name, network in sorted(self.commits[commit_name].networks.items()):
                declared = commit_name == "desired" and self._is_there(f"Network {name}")
                declared |= f"Network {name} of {commit_name}" in self.case.observed.left
                object_name = network.object_name
                if network.external or object_name in seen or not (declared or object_name in used):
                    continue
                seen.add(object_name)
                members = tuple(i.handle.id for i in instances if object_name in i.networks)
                words = self.case.observed.networks.get(name, {})
                yield LiveNetwork(
                    Handle("engine", f"net-{commit_name}-{name}"), name, object_name, 1.0, words, members
                )

    def _namesake(self, words: Words) -> Namesake:
        kind, name = words["kind"], words["name"]
        declared = self.desired.networks if kind == "network" else self.desired.volumes
        return Namesake(kind, declared[name].object_name, Handle("engine", "stranger"), words.get("owner"))

    def _artifacts(self) -> Mapping[str, Artifact]:
        """Every image has a digest, but for what the case calls ``absent`` or ``unread``."""
        found: dict[str, Artifact] = {}
        words = self.case.observed.artifacts
        for name, image in self.desired.images.items():
            built = digest_of(self.case.desired.digests.get(name, image.key))
            found[str(image.ref)] = ABSENT if words.get(name) == "absent" else built
        for service in self.desired.services.values():
            if service.image.image_name is None:
                is_absent = words.get(service.image.input) == "absent"
                found[str(service.image.ref)] = ABSENT if is_absent else self.case.desired.digest(service)
        unread = {str(i.ref) for n, i in self.desired.images.items() if words.get(n) == "unread"}
        unread |= {text for text, word in words.items() if word == "unread"}
        return {text: artifact for text, artifact in found.items() if text not in unread}

    def _present(self) -> Mapping[str, LiveImage]:
        """The images of every commit, but for what is ``missing``."""
        found: dict[str, LiveImage] = {}
        for commit_name in COMMITS:
            for name, service in self.commits[commit_name].services.items():
                if self._is_there(f"Image {name} of {commit_name}"):
                    words = self.case.observed.images.get(name, {})
                    image = str(image_of(self.case.commit(commit_name), service))
                    facts = LiveImage(tuple(words.get("volumes", ())), words.get("reserved_labels", False))
                    found.setdefault(image, facts)
        return found

    def _attempt(self, words: Words) -> tuple[Subject, Attempt]:
        return self._subject(words["subject"]), Attempt(
            count=words.get("count", 1),
            error=words["error"],
            not_before=self.case.now + words.get("pause", 0.0),
            final=words.get("final", False),
            code=words.get("code", "TST001"),
            verb=words["verb"],
        )

    def _subject(self, text: str) -> Subject:
        """``Image web``, ``Network front``, or an instance: ``web 1``, ``web 1 of was``."""
        kind, name = text.split(" ")[:2]
        if kind == "Image" and name in self.desired.images:
            return image_subject(self.desired.images[name])
        if kind[0].isupper():
            return Subject(kind, name)
        commit_name = text.partition(" of ")[2] or "desired"
        generation = self.case.commit(commit_name).generation(self._service(commit_name, kind))
        return Subject("Service", kind, str(InstanceName(OWNER, kind, generation.g8, int(name))))
