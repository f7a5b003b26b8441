"""A hotfix: one service as one commit has it, past the environment that is followed, with its image built
into the registry of the environment that takes it (contracts, section 7)."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.cli.configs import Configs
from reconciler.cli.envelope import Stop, failure, problem_of
from reconciler.cli.exits import CANNOT_TELL, ERROR, REFUSED
from reconciler.cli.followed import Commits, specs_at
from reconciler.cli.images import know_images
from reconciler.cli.options import Options
from reconciler.cli.pin_facts import given_up
from reconciler.cli.pins import UnreadableEntry
from reconciler.cli.promote_candidates import Offer
from reconciler.cli.promote_plan import Promotion, refuse_barred, with_pins
from reconciler.cli.registries import Registries
from reconciler.cli.source import Source
from reconciler.cli.stock import CommitStock
from reconciler.cli.workspace import Workspace, read_workspace
from reconciler.clients import Clients
from reconciler.desired import Desired
from reconciler.fault import ProviderError, Refused
from reconciler.loop import look
from reconciler.observed import Observed
from reconciler.ownership import Owner
from reconciler.perform import perform
from reconciler.promotion import Change, Pinning, is_same, last_serial, with_changes
from reconciler.provider import LogLine
from reconciler.render import short_commit
from reconciler.resolve import local_registries
from reconciler.secrets import SecretStore, secrets_folder
from reconciler.steps import Steps
from reconciler.supply_images import supply_images, supply_registries
from specs.check_service import is_image_name
from specs.effective import Effective
from specs.reference import Digest, ImageRef
from specs.release import Evidence, ReleasedImage, ReleasedService

if TYPE_CHECKING:
    from providers.git.branch import Branch
    from providers.git.repository import GitRepository

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


def past(options: Options, source: Source) -> Options:
    """The same options with the environment that is gone past as the one to take from. Raises Stop."""
    name = options.environment
    environment = source.specs.environments.get(name)
    if environment is None:
        return replace(options, source_environment=name)  # who checks the pair says so
    if environment.follows is not None:
        return replace(options, source_environment=environment.follows)
    seen, remedy = "it follows no other environment", "commit the change, and apply it"
    subject = f"Environment {options.environment}"
    problem = failure("CLI081", subject, seen, "one that follows another: a hotfix goes past that", remedy)
    raise Stop(ERROR, (problem,), Owner(environment.project, options.environment), source.commit)


async def read_hotfix(
    options: Options, repository: GitRepository, source: Source, branch: Branch | None, connect: Connect
) -> Hotfix:
    """``source``: the commit that it is pinned on. Raises Stop where it cannot be taken, ProviderError."""
    workspace, image_key = await asyncio.to_thread(_read, options, repository, source, branch)
    offer = Offer(
        name=options.source_environment,
        proofs={},
        names=frozenset(),
        pins={},
        unproved={},
        read_at=time.time(),
        registries=workspace.registries,
        open_registry=workspace.registries.open,
        is_past=True,
    )
    hotfix = Hotfix(options.services[0], image_key, workspace, offer, None, connect)
    pinned = source.specs.released(options.environment).get(hotfix.service_name)
    clients = connect(workspace)
    try:
        digest = await _find(hotfix, source, pinned, clients)
    except ProviderError as error:
        await workspace.registries.close()
        code = REFUSED if isinstance(error, Refused) else CANNOT_TELL
        raise Stop(code, (problem_of(error),), workspace.owner, source.commit) from None
    finally:
        await clients.runtime.close()
    return replace(hotfix, digest=digest, offer=replace(offer, open_registry=clients.registry))


async def _find(
    hotfix: Hotfix, source: Source, pinned: ReleasedService | None, clients: Clients
) -> str | None:
    """The digest of its image where there is one: pinned already, named by the lock, or in the registry."""
    if hotfix.image_key not in hotfix.workspace.desired.images:
        return await _find_outside(hotfix, clients)
    wanted = hotfix.released
    for image in pinned.images.values() if pinned else ():
        if (image.repository, image.input) == (wanted.repository, wanted.input):
            return image.digest  # decided by input: what runs is that already
    observed = await look(hotfix.workspace.desired, clients)
    ref = hotfix.workspace.desired.images[hotfix.image_key].ref
    artifact = observed.artifacts.get(str(ref))
    if artifact is None:  # it could not be asked: once more, for the reason
        artifact = await (await clients.registry(ref)).digest(ref)
    return artifact.text if isinstance(artifact, Digest) else None


async def _find_outside(hotfix: Hotfix, clients: Clients) -> str:
    ref, locks = ImageRef.parse(hotfix.image_key), hotfix.workspace.desired.locks
    digest = ref.digest or locks.get(hotfix.image_key)
    if digest is None:
        asked = ref if ref.tag else ref.with_tag("latest")
        digest = await (await clients.registry(asked)).digest(asked)
    if digest is None:
        remedy = "push the image, or correct the reference"
        raise Refused("SRC003", hotfix.image_key, "it is not in its registry", "an image", remedy)
    return digest.text


def _read(
    options: Options, repository: GitRepository, source: Source, branch: Branch | None
) -> tuple[Workspace, str]:
    """What is to be built at the commit of the hotfix, and how the service writes its image. Raises Stop,
    ProviderError."""
    (name,) = options.services
    project = source.specs.environments[options.environment].project
    owner = Owner(project, options.environment)
    commit = repository.find_commit(options.commit or "")
    try:
        then, specs = specs_at(source, Commits(source), options.environment, name, (commit, options.path))
    except UnreadableEntry as error:
        raise _not_taken(name, commit, error, owner, source) from None
    if branch is not None and not branch.is_known_there(commit, source.commit):
        unpushed = UnreadableEntry("the remote has no tag with that commit", "git push origin TAG")
        raise _not_taken(name, commit, unpushed, owner, source)
    image_key = specs.services[name].image
    return _workspace(options, owner, then, specs), image_key


def _not_taken(name: str, commit: str, error: UnreadableEntry, owner: Owner, source: Source) -> Stop:
    code = CANNOT_TELL if error.is_unknown else REFUSED
    seen = f"it cannot be taken as of {short_commit(commit)}: {error.seen}"
    problem = failure("CLI083", f"Service {name}", seen, remedy=error.remedy)
    return Stop(code, (problem,), owner, source.commit)


def _workspace(options: Options, owner: Owner, then: Source, specs: Effective) -> Workspace:
    """The images of a commit, and nothing that runs."""
    folder = Path(options.secrets_folder) if options.secrets_folder else secrets_folder(os.environ)
    store = SecretStore(owner, folder)
    locks = then.specs.locks
    ours = {name for name in (it.image for it in specs.services.values()) if is_image_name(name)}
    images = know_images(owner, then.tree, specs, locks) if ours else {}
    desired = Desired(
        owner=owner,
        commit=then.commit,
        images={name: known.desired for name, known in images.items()},
        registries=local_registries(owner, specs),
        locks=locks,
    )
    registries = Registries(specs.registries, store)
    stock = CommitStock(then.tree, then.files, images, Configs({}, {}, {}), store, registries.open, locks)
    return Workspace(options, then, specs, desired, images, stock, registries)


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
