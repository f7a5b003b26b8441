"""Desired states from a few words, without YAML and without git: what a test of a decision starts from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from reconciler.desired import (
    Desired,
    DesiredFiles,
    DesiredImage,
    DesiredNetwork,
    DesiredService,
    DesiredVolume,
    Kinship,
    Order,
    Policy,
    WantedImage,
)
from reconciler.files import ConfigDigest, FilesKey, files_digest, lay_out
from reconciler.form import make_form
from reconciler.ownership import Owner, files_name, network_name, volume_name
from reconciler.provider import FileEntry
from sketched_proxies import PROXY as PROXY
from sketched_proxies import with_proxies
from specs.reference import Digest, ImageRef
from specs.resource import Config
from specs.service import Service

OWNER = Owner("shop", "dev")
REGISTRY = "registry.test"
SOURCE = "git.test/shop"
_COMMITS = 64


@dataclass(frozen=True)
class Sketch:
    """One service in a few words.

    ``image`` is a reference (``redis:7``, or with a digest), or ``ours:VERSION`` for an Image of ours that
    bears the service's name; another VERSION is another input key. ``configs`` maps a name to the content
    of the file ``/etc/<name>``, ``secrets`` a name to its value at ``/run/secrets/<name>`` (None: no value
    here); ``volumes`` names data volumes at ``/data/<name>``. ``check`` declares a health check.
    """

    name: str
    image: str = "ours:1"
    replicas: int = 1
    order: Order = "start-first"
    max_unavailable: int | None = None
    check: bool = True
    environment: tuple[tuple[str, str], ...] = ()
    command: tuple[str, ...] | None = None
    depends_on: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    configs: tuple[tuple[str, str], ...] = ()
    secrets: tuple[tuple[str, str | None], ...] = ()
    networks: tuple[str, ...] = ("default",)
    ports: tuple[int, ...] = ()
    memory: int | None = None
    read_only: bool = False
    restart: str = "unless-stopped"
    deadline: float = 120.0
    monitor: float = 10.0
    on_failure: str = "rollback"
    route: tuple[tuple[str, Any], ...] | None = None
    """The words of its route, in their normal form."""
    rollout: tuple[tuple[str, Any], ...] = ()
    """More words of its rollout."""
    words: tuple[tuple[str, Any], ...] = ()
    """More words of the service, in their normal form."""

    @property
    def is_built(self) -> bool:
        """Its image is one of ours."""
        return self.image.startswith("ours:")


def commit(number: int) -> str:
    """The id of the ``number``-th commit of a straight history."""
    return f"{number:040x}"


def desired(
    *sketches: Sketch,
    owner: Owner = OWNER,
    at: int = 1,
    network_options: Mapping[str, Mapping[str, str]] | None = None,
    policy: Policy | None = None,
) -> Desired:
    """What commit number ``at`` says when its services are these. ``network_options``: driver_opts by
    network name."""
    options = network_options or {}
    built = [s for s in sketches if s.is_built]
    networks = {n: _network(owner, n, options.get(n, {})) for s in sketches for n in s.networks}
    files = [_files(owner, name, content) for s in sketches for name, content in s.configs]
    volumes = {v: DesiredVolume(v, volume_name(owner, v)) for s in sketches for v in s.volumes}
    wanted = Desired(
        owner=owner,
        commit=commit(at),
        services={s.name: service(s, owner, networks) for s in sketches},
        images={s.name: image_of_ours(s) for s in built},
        networks=networks,
        volumes=volumes,
        files={f.digest: f for f in files},
        policy=policy or Policy(source=SOURCE),
        lineage=lineage(at),
    )
    return with_proxies(wanted)


def lineage(at: int, commits: int = _COMMITS) -> dict[str, Kinship]:
    """How the first so many commits of the straight history are related to number ``at``."""
    kin = {commit(n): Kinship.ANCESTOR if n < at else Kinship.DESCENDANT for n in range(commits)}
    return {**kin, commit(at): Kinship.SAME}


def image_of_ours(sketch: Sketch) -> DesiredImage:
    """The Image of ours that a sketch runs; its key is a function of name and version."""
    document = json.dumps({"image": sketch.name, "version": sketch.image}).encode()
    key = f"in-{hashlib.sha256(document).hexdigest()[:32]}"
    ref = ImageRef(REGISTRY, f"shop/{sketch.name}", key)
    return DesiredImage(sketch.name, key, ref, document, "main")


def service(sketch: Sketch, owner: Owner, networks: Mapping[str, DesiredNetwork]) -> DesiredService:
    """The effective service of a sketch."""
    order = sketch.order
    configs = {FilesKey(name): config_digest(name, text) for name, text in sketch.configs}
    floor = {"start-first": 0, "stop-first": 1}[order]
    return DesiredService(
        name=sketch.name,
        form=make_form(owner, sketch.name, spec_of(sketch), configs, networks, {}),
        image=_wanted(sketch),
        secrets_digest=_secrets_digest(sketch),
        order=order,
        max_unavailable=floor if sketch.max_unavailable is None else sketch.max_unavailable,
        replicas=sketch.replicas,
        missing_secrets=tuple(name for name, value in sketch.secrets if value is None),
    )


def spec_of(sketch: Sketch) -> Service:
    """The service document of a sketch in its normal form."""
    spec: dict[str, Any] = {
        "image": sketch.name if sketch.is_built else sketch.image,
        "environment": dict(sketch.environment),
        "networks": {n: {} for n in sketch.networks},
        "volumes": {f"/data/{v}": {"type": "volume", "source": v} for v in sketch.volumes},
        "configs": {f"/etc/{name}": {"source": name} for name, _ in sketch.configs},
        "secrets": {f"/run/secrets/{name}": {"source": name} for name, _ in sketch.secrets},
        "ports": {f"{p}->{p}/tcp": {"target": p, "published": p} for p in sketch.ports},
        "depends_on": {d: {"condition": "service_healthy"} for d in sketch.depends_on},
        "deploy": {"replicas": sketch.replicas},
        "restart": sketch.restart,
        "read_only": sketch.read_only,
        "rollout": {
            "order": sketch.order,
            "deadline": sketch.deadline,
            "monitor": sketch.monitor,
            "on_failure": sketch.on_failure,
            **dict(sketch.rollout),
        },
    }
    if sketch.memory is not None:
        spec["deploy"]["resources"] = {"limits": {"memory": sketch.memory}}
    if sketch.check:
        spec["healthcheck"] = {"test": ("CMD", "/bin/true"), "interval": 1.0, "retries": 3}
    if sketch.route is not None:
        spec["route"] = {"port": 8080, **dict(sketch.route)}
    if sketch.command is not None:
        spec["command"] = sketch.command
    return Service.model_validate({k: v for k, v in {**spec, **dict(sketch.words)}.items() if v != {}})


def entries_of(*sketches: Sketch) -> dict[str, tuple[FileEntry, ...]]:
    """The bytes of every Config, by digest: what the executor publishes."""
    found: dict[str, tuple[FileEntry, ...]] = {}
    for name, text in (config for s in sketches for config in s.configs):
        lines, _ = lay_out(FilesKey(name), Config(content=text), ())
        entries = (FileEntry(it.path, it.mode, it.uid, it.gid, text.encode()) for it in lines)
        found[files_digest(lines)] = tuple(entries)
    return found


def secrets_of(*sketches: Sketch) -> dict[str, str]:
    """The value of every secret that has one here, by name."""
    return {name: value for s in sketches for name, value in s.secrets if value is not None}


def config_digest(name: str, text: str) -> ConfigDigest:
    """The digest of a Config with ``content: text``."""
    lines, file = lay_out(FilesKey(name), Config(content=text), ())
    return ConfigDigest(files_digest(lines), file)


def _wanted(sketch: Sketch) -> WantedImage:
    if sketch.is_built:
        image = image_of_ours(sketch)
        return WantedImage(image.key, image.name, image.ref)
    ref = ImageRef.parse(sketch.image)
    return WantedImage(sketch.image, None, replace(ref, digest=None), ref.digest)


def _files(owner: Owner, name: str, text: str) -> DesiredFiles:
    digest = config_digest(name, text).digest
    return DesiredFiles(name, digest, files_name(owner, digest))


def _network(owner: Owner, name: str, driver_opts: Mapping[str, str]) -> DesiredNetwork:
    options = json.dumps(dict(driver_opts), sort_keys=True)
    return DesiredNetwork(name, network_name(owner, name, options), driver_opts=dict(driver_opts))


def _secrets_digest(sketch: Sketch) -> str:
    if not sketch.secrets:
        return ""
    text = json.dumps(sorted((n, v or "") for n, v in sketch.secrets))
    return f"s1:{hashlib.sha256(text.encode()).hexdigest()}"


def pushed_digest(sketch: Sketch) -> Digest:
    """The digest that a build of the sketch's image has in memory."""
    return Digest.parse(f"sha256:{hashlib.sha256(image_of_ours(sketch).key.encode()).hexdigest()}")
