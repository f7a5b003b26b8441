"""What a hotfix takes: the service at its commit, and its image where that is there already."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli.configs import Configs
from reconciler.cli.envelope import Stop, failure, problem_of
from reconciler.cli.exits import CANNOT_TELL, ERROR, REFUSED
from reconciler.cli.followed import Commits, specs_at
from reconciler.cli.hotfix import Connect, Hotfix
from reconciler.cli.images import know_images
from reconciler.cli.options import Options
from reconciler.cli.pins import UnreadableEntry
from reconciler.cli.promote_candidates import Offer
from reconciler.cli.registries import Registries
from reconciler.cli.source import Source
from reconciler.cli.stock import CommitStock
from reconciler.cli.workspace import Workspace
from reconciler.clients import Clients
from reconciler.desired import Desired
from reconciler.fault import ProviderError, Refused
from reconciler.loop import look
from reconciler.ownership import Owner
from reconciler.render import short_commit
from reconciler.resolve import local_registries
from reconciler.secrets import SecretStore, secrets_folder
from specs.check_service import is_image_name
from specs.effective import Effective
from specs.reference import Digest, ImageRef
from specs.release import ReleasedService

if TYPE_CHECKING:
    from providers.git.branch import Branch
    from providers.git.repository import GitRepository


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
