"""What an instance needs before it can be created: image, networks, volumes, files, secrets. Pure."""

from __future__ import annotations

from reconciler.actions import CreateNetwork, CreateVolume, PublishFiles, PullImage
from reconciler.decision import Ender
from reconciler.desired import (
    DesiredFiles,
    DesiredNetwork,
    DesiredVolume,
    FilesUse,
    Json,
    MountUse,
    NetworkUse,
    Subject,
)
from reconciler.difference import Cause
from reconciler.joins import has_joins
from reconciler.observed import LiveVolume
from reconciler.render import format_size
from reconciler.room import has_room
from reconciler.steps import Steps
from reconciler.supply_images import wait_for_digest
from reconciler.target import Target
from specs.proxy import PROXIES


def is_supplied(steps: Steps, target: Target) -> bool:
    """Plan what the target still lacks; True when an instance of it can be created now.

    Everything is looked at before anything is stopped, so a rollout never stops what it cannot replace.
    """
    answers = [
        _is_understood(steps, target),
        _has_secrets(steps, target),
        _has_image(steps, target),
        *(_has_network(steps, target, use) for use in target.form.networks),
        *(_has_volume(steps, target, use) for use in target.form.mounts if _is_ours(use)),
        *(_has_files(steps, target, use) for use in target.form.files),
        has_room(steps, target),
        has_joins(steps, target),
    ]
    return all(answers)


def _is_ours(use: MountUse) -> bool:
    return use.type == "volume" and not use.external


def _is_readable(steps: Steps, target: Target, kind: str) -> bool:
    """Plan the Wait for a kind that could not be read: a failed read is not an empty world, and making what
    seems to be missing would double a network or pull one image for ever."""
    reasons = [entry.reason for entry in steps.observed.unreadable if entry.what == kind]
    for reason in reasons:
        steps.wait(_subject(target), f"{kind} cannot be read: {reason}", Ender.OUTSIDE)
    return not reasons


def _subject(target: Target) -> Subject:
    return Subject("Service", target.service.name)


def _is_understood(steps: Steps, target: Target) -> bool:
    """A word that the runtime drops without a word would read as drift for ever."""
    dropped = [
        (path, knows)
        for prefix, knows in steps.observed.traits.unknown
        for path, value in target.form.fields.items()
        if _is_about(prefix, path, value)
    ]
    for path, knows in dropped[:1]:
        reason = f"the engine does not know {path}: {knows}"
        steps.block(_subject(target), "PLAN022", reason, "upgrade the engine, or take the word out")
    return not dropped


def _is_about(word: str, path: str, value: Json) -> bool:
    """Whether a field is of a word: ``networks.*.mac_address`` is a part of each member of a map."""
    group, star, part = word.partition(".*.")
    if not star:
        return path.startswith(word)
    said = isinstance(value, dict) and part in value
    return path.startswith(f"{group}.") and (said or path.endswith(f".{part}"))


def _has_secrets(steps: Steps, target: Target) -> bool:
    missing = target.service.missing_secrets
    if missing:
        owner = steps.desired.owner
        names = ", ".join(missing)
        parts = (owner.project, owner.environment, missing[0])
        variable = "__".join(part.upper().replace("-", "_") for part in parts)
        steps.block(
            _subject(target),
            "PLAN011",
            f"it needs the secret {names}, which has no value here",
            f"put the value into <secrets folder>/{owner}/{missing[0]}, "
            f"or into the variable RECONCILER_SECRET_{variable}",
        )
    return not missing


def _has_image(steps: Steps, target: Target) -> bool:
    if target.image is None:
        wait_for_digest(steps, target)
        return False
    if not _is_readable(steps, target, "images"):
        return False
    name = str(target.image)
    image = steps.observed.present.get(name)
    if image is None:
        subject = Subject("Image", name)
        if subject not in steps.observed.in_flight and not _has_disk(steps, target, name):
            return False
        steps.act(PullImage(subject, Cause("commit", (f"{target.service.name} runs it",)), target.image))
        steps.wait_on(_subject(target), subject, f"image {name} is pulled")
        return False
    if image.reserved_labels:
        steps.block(
            _subject(target),
            "PLAN012",
            f"image {name} carries labels that begin with reconciler.: it could pose as an instance",
            "build the image without these labels",
        )
        return False
    undeclared = sorted(set(image.volumes) - {use.target for use in target.form.mounts})
    if target.service.name in PROXIES:
        undeclared = []  # what a proxy has to keep is in its volume
    if undeclared:
        steps.block(
            _subject(target),
            "PLAN013",
            f"image {name} declares VOLUME {undeclared[0]}, which would start empty at each replacement",
            f"declare {undeclared[0]} under volumes: a Volume, a tmpfs, or type: discard",
        )
    return not undeclared


def _has_disk(steps: Steps, target: Target, image: str) -> bool:
    """A pull that must fill the engine's disk is not begun: what serves would suffer. Where nobody can tell,
    it is tried."""
    storage, held = steps.observed.storage, steps.observed.present.values()
    if storage.lacking(image, held) is None:
        return True
    needed, free = format_size(storage.needed(image, held)), format_size(storage.free or 0)
    steps.block(
        _subject(target),
        "PLAN026",
        f"the disk of the engine has {free} free, and image {image} needs about {needed}",
        "make room there: `docker image prune` takes what nothing uses; then it is pulled",
    )
    return False


def _has_network(steps: Steps, target: Target, use: NetworkUse) -> bool:
    if use.external or use.object_name in steps.networks:
        return True
    if not _is_readable(steps, target, "networks"):
        return False
    network = steps.desired.networks.get(use.name)
    if network is None or network.object_name != use.object_name:
        steps.block(
            _subject(target),
            "PLAN015",
            f"the release to go back to is on network {use.name}, which git does not declare any more",
            f"declare Network {use.name} again",
        )
        return False
    supply_network(steps, network)
    steps.wait_on(_subject(target), Subject("Network", use.name), f"network {use.name} is created")
    return False


def supply_network(steps: Steps, network: DesiredNetwork) -> None:
    """Create a network, unless somebody else's has its name."""
    subject = Subject("Network", network.name)
    if not _is_taken(steps, subject, network.object_name):
        steps.act(CreateNetwork(subject, Cause("commit", (f"Network {network.name} is declared",)), network))


def _is_taken(steps: Steps, subject: Subject, object_name: str) -> bool:
    for namesake in steps.observed.namesakes:
        if namesake.object_name == object_name:
            whose = f"belongs to {namesake.owner}" if namesake.owner else "is not ours"
            steps.block(
                subject,
                "PLAN016",
                f"a {namesake.kind} named {object_name} exists and {whose}",
                "remove or rename it, or declare yours under another name",
            )
            return True
    return False


def _has_volume(steps: Steps, target: Target, use: MountUse) -> bool:
    if use.object_name in steps.volumes:
        return True
    if not _is_readable(steps, target, "volumes"):
        return False
    supply_volume(steps, steps.desired.volumes.get(use.name) or DesiredVolume(use.name, use.object_name))
    steps.wait_on(_subject(target), Subject("Volume", use.name), f"volume {use.name} is created")
    return False


def supply_volume(steps: Steps, volume: DesiredVolume) -> None:
    """Create a data volume, unless somebody else's has its name."""
    subject = Subject("Volume", volume.name)
    if not _is_taken(steps, subject, volume.object_name):
        steps.act(CreateVolume(subject, Cause("commit", (f"Volume {volume.name} is declared",)), volume))


def _has_files(steps: Steps, target: Target, use: FilesUse) -> bool:
    volume = steps.volumes.get(use.volume)
    if volume is not None and _is_usable(volume):
        return True
    if not _is_readable(steps, target, "volumes"):
        return False
    if use.digest not in steps.desired.files:
        steps.block(
            _subject(target),
            "PLAN017",
            f"the files of Config {use.config_name} as they were then are neither here nor in this commit",
            "bring the file back in git, or let the service take the new version",
        )
        return False
    image, subject = str(target.image), Subject("Config", use.config_name, use.volume)
    if image not in steps.observed.present:
        return False  # the image itself is waited for; files travel through a container of it
    cause = Cause("commit", (f"Config {use.config_name} has new content",))
    files = DesiredFiles(use.config_name, use.digest, use.volume)
    steps.act(PublishFiles(subject, cause, files, image))
    steps.wait_on(_subject(target), subject, f"the files of Config {use.config_name} are published")
    return False


def _is_usable(volume: LiveVolume) -> bool:
    return volume.finished and volume.role == "files"
