"""A hotfix: one service as one commit has it, past the environment that is followed, with its image built
into the registry of the environment that takes it (contracts, section 7)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from reconciler.cli.options import Options
from reconciler.cli.pin_facts import given_up
from reconciler.cli.promote_candidates import Offer
from reconciler.cli.promote_plan import Promotion, refuse_barred, with_pins
from reconciler.cli.source import Source
from reconciler.cli.workspace import Workspace, read_workspace
from reconciler.clients import Clients
from reconciler.desired import Desired
from reconciler.fault import ProviderError, Refused
from reconciler.loop import look
from reconciler.observed import Observed
from reconciler.perform import perform
from reconciler.promotion import Change, Pinning, is_same, last_serial, with_changes
from reconciler.provider import LogLine
from reconciler.steps import Steps
from reconciler.supply_images import supply_images, supply_registries
from specs.reference import Digest
from specs.release import Evidence, ReleasedImage, ReleasedService

Connect = Callable[[Workspace], Clients]
_UNBUILT: Final = f"sha256:{'0' * 64}"
"""In a pin that is only shown: its image has no digest yet."""


@dataclass(frozen=True, slots=True)
class Hotfix:
    """``workspace`` is of its commit, with the images that are to be there; ``image_key``: as the service
    writes its image; ``digest`` is None while that is not built."""

    service_name: str
    image_key: str
    workspace: Workspace
    offer: Offer
    """Nothing of it was proved there."""
    digest: str | None
    connect: Connect

    @property
    def commit(self) -> str:
        """Where it is read."""
        return self.workspace.source.commit

    @property
    def released(self) -> ReleasedImage:
        """Its image, as a pin says it."""
        image = self.workspace.effective.images.get(self.image_key)
        digest = self.digest or _UNBUILT
        if image is None:
            return ReleasedImage(digest=digest, reference=self.image_key)
        key = self.workspace.desired.images[self.image_key].key
        return ReleasedImage(digest=digest, repository=image.repository, input=key)

    async def build(self, log: LogLine) -> Hotfix:
        """With its image, and those that it builds on, in the registry. Raises ProviderError."""
        desired, clients = self.workspace.desired, self.connect(self.workspace)
        try:
            for _ in range(len(desired.images) + 2):
                observed = await look(desired, clients)
                steps = _supply(desired, observed)
                for action in steps.actions:
                    await perform(desired.owner, action, observed, clients, log)
                if not steps.actions:
                    return replace(self, digest=_built(self, observed))
        finally:
            await clients.runtime.close()
        raise ProviderError(
            "RUN004", self.image_key, "the registry does not have it after the push", "its image"
        )


def _supply(desired: Desired, observed: Observed) -> Steps:
    """What is to be done for the images. Raises Refused where one must not be built."""
    steps = Steps.begin(desired, observed, observed.at)
    supply_registries(steps)
    supply_images(steps)
    for block in steps.blocks:
        raise Refused(
            block.code, str(block.subject), block.reason, "an image that can be built", block.remedy
        )
    return steps


def _built(hotfix: Hotfix, observed: Observed) -> str:
    ref = str(hotfix.workspace.desired.images[hotfix.image_key].ref)
    artifact = observed.artifacts.get(ref)
    if not isinstance(artifact, Digest):
        reason = next((u.reason for u in observed.unreadable if u.what == f"artifact:{ref}"), "no answer")
        raise ProviderError("RUN004", ref, f"its registry cannot be read: {reason}", "a digest")
    return artifact.text


def prepare_hotfix(options: Options, source: Source, hotfix: Hotfix) -> Promotion:
    """The promotion that pins it. While its image is not built, what is shown of that builds it. Raises Stop
    with 4 where it does not fit, ProviderError."""
    name, offer = hotfix.service_name, hotfix.offer
    before = read_workspace(replace(options, ref=source.commit, services=()), source)
    pins = Pinning(source.specs.released(options.environment), source.specs.removed(options.environment))
    change = Change(name, pins.services.get(name), _entry(options, source, hotfix, pins))
    after, path, text, taken = with_pins(options, source, with_changes(pins, (change,), {}))
    told = refuse_barred(after.desired, (change,))
    if hotfix.digest is None:
        change, after = replace(change, is_unbuilt=True), _with_build(after, hotfix)
    changes = () if is_same(name, before.desired, after.desired) else (change,)
    return Promotion(source, offer, before, after, changes, taken, path, text, tuple(told))


def _entry(options: Options, source: Source, hotfix: Hotfix, pins: Pinning) -> ReleasedService:
    before = pins.services.get(hotfix.service_name)
    drops = given_up(source.repository, before, hotfix.commit) if options.drop_hotfix else None
    return ReleasedService(
        serial=last_serial(pins, hotfix.service_name) + 1,
        commit=hotfix.commit,
        path=hotfix.workspace.source.path,
        images={hotfix.image_key: hotfix.released},
        evidence=Evidence(hotfix=options.reason, drops=drops),
        refused=() if before is None else before.refused,
    )


def _with_build(after: Workspace, hotfix: Hotfix) -> Workspace:
    """The environment as if it built: for a look ahead."""
    name, images = hotfix.service_name, hotfix.workspace.desired.images
    service, built = after.desired.services[name], images[hotfix.image_key]
    image = replace(service.image, image_name=built.name, ref=built.ref, locked=None)
    services = {**after.desired.services, name: replace(service, image=image)}
    registries = {**after.desired.registries, **hotfix.workspace.desired.registries}
    desired = replace(after.desired, services=services, images=images, registries=registries)
    return replace(after, desired=desired)
