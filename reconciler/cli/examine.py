"""What ``doctor`` asks, part by part. Each gives findings; what does not answer raises ProviderError."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from reconciler.cli.source import is_url
from reconciler.cli.workspace import Workspace
from reconciler.clients import Clients
from reconciler.desired import Kinship
from reconciler.findings import Finding, found_fault, judge_floating, judge_runtime, judge_secrets
from reconciler.provider import ProviderError, Question
from reconciler.routing import certificate_secrets
from reconciler.secret_names import secret_names
from reconciler.secrets import SecretUnreadable
from specs.reference import ImageRef, InvalidReference

_GIT = 8.0
"""Seconds within which a remote must have listed its refs."""


async def examine_runtime(workspace: Workspace, clients: Clients) -> Sequence[Finding]:
    """Version, clock, disk, limits."""
    return judge_runtime(await clients.runtime.examine())


async def examine_builder(workspace: Workspace, clients: Clients) -> Sequence[Finding]:
    """The builder, where anything is built."""
    if clients.builder is None:
        return (Finding("builder", "", "ok", "nothing is built here"),)
    return (Finding("builder", "", "ok", f"buildx {await clients.builder.examine()}"),)


async def examine_registry(workspace: Workspace, clients: Clients, name: str) -> Sequence[Finding]:
    """One Registry document: the login, then the right to pull and to push, repository by repository."""
    spec = workspace.effective.registries[name]
    if spec.provider == "local":
        return await _examine_local(workspace, clients, name)
    refs = [image.ref for image in workspace.desired.images.values() if image.registry_name == name]
    place = workspace.desired.policy.record
    if place is not None and workspace.effective.environment.record_registry == name:
        refs.append(place.ref)
    host = (spec.url or "").removeprefix("https://").rstrip("/")
    registry = await clients.registry(refs[0] if refs else ImageRef.parse(f"{host}/x"))
    await registry.ping()
    found: list[Finding] = []
    for ref in sorted(refs, key=str):
        try:
            await registry.digest(ref)
            await registry.probe_push(ref)
        except ProviderError as error:
            found.append(found_fault("registry", f"{name}/{ref.repository}", error))
    rights = f"; may pull and push {len(refs) - len(found)} of {len(refs)} repositories" if refs else ""
    return (Finding("registry", name, "ok", f"{host} answers and takes the login{rights}"), *found)


async def _examine_local(workspace: Workspace, clients: Clients, name: str) -> Sequence[Finding]:
    local = workspace.desired.registries.get(name)
    if local is None:
        return (Finding("registry", name, "ok", "local, and nothing needs it"),)
    world = await clients.runtime.observe(Question(workspace.owner, (), (local,)))
    runs = name in world.registry_running
    state = "answers" if runs else "does not run yet: the first apply starts it"
    return (Finding("registry", name, "ok", f"local, on 127.0.0.1:{local.port}, {state}"),)


async def examine_reference(workspace: Workspace, clients: Clients, ref: ImageRef) -> Sequence[Finding]:
    """One image from outside: it is there and may be pulled."""
    registry = await clients.registry(ref)
    if await registry.digest(ref) is None:
        seen, remedy = "it is not in its registry", "correct the reference, or push it"
        return (Finding("image", str(ref), "problem", seen, remedy),)
    return (Finding("image", str(ref), "ok", "it is there and may be pulled"),)


def outside_references(workspace: Workspace) -> list[ImageRef]:
    """The images from outside that services run, each once."""
    services = workspace.desired.services.values()
    refs = {service.image.ref for service in services if service.image.image_name is None}
    return sorted(refs, key=str)


async def examine_git(workspace: Workspace, clients: Clients) -> Sequence[Finding]:
    """The remote, and the branch that the environment tracks."""
    return await asyncio.to_thread(_examine_git, workspace)


def _examine_git(workspace: Workspace) -> Sequence[Finding]:
    from providers.git.remote import list_remote
    from providers.git.repository import GitRepository

    repository = workspace.source.repository
    if is_url(workspace.options.repo) or not isinstance(repository, GitRepository):
        return (Finding("git", "", "ok", "read from its remote"),)
    remote = list_remote(repository, _GIT)
    if remote is None:
        seen = "no remote: what is committed here counts, and nothing outside says which policy holds"
        return (Finding("git", "", "warning", seen, "git remote add origin URL"),)
    named = workspace.effective.environment.tracks
    branch = named if isinstance(named, str) else remote.default_branch
    tip = remote.refs.get(f"refs/heads/{branch}") if branch else None
    if tip is None:
        seen = f"{remote.place} has no branch {branch or '(its HEAD names none)'}, which is tracked"
        return (Finding("git", "", "problem", seen, "push the branch, or correct tracks"),)
    kinship = workspace.source.lineage([tip])[tip]
    words = {
        Kinship.SAME: "is this commit",
        Kinship.ANCESTOR: "is behind this commit",
        Kinship.DESCENDANT: "is ahead of this commit",
    }
    state = words.get(kinship, "is not in this clone")
    ahead = kinship not in (Kinship.SAME, Kinship.ANCESTOR)
    policy = f", policy from {remote.default_branch}" if remote.default_branch else ""
    seen = f"{remote.place} answers; its {branch} {state}{policy}"
    return (Finding("git", "", "warning" if ahead else "ok", seen, "git pull" if ahead else ""),)


async def examine_secrets(workspace: Workspace, clients: Clients) -> Sequence[Finding]:
    """Which of the secrets that services, builds, registries and certificates name have a value here."""
    names = {name for service in workspace.desired.services.values() for name in secret_names(service.form)}
    names |= {name for image in workspace.images.values() for name in image.build.secrets}
    for spec in workspace.effective.registries.values():
        names |= set() if spec.auth is None or spec.auth == "docker" else {spec.auth.password.secret}
    if workspace.desired.proxy is not None:
        names |= set(certificate_secrets(workspace.desired.proxy.settings))
    store = workspace.stock.secret_store
    present: list[str] = []
    missing: list[str] = []
    unreadable: list[Finding] = []
    for name in sorted(names):
        try:
            (missing if store.value(name) is None else present).append(name)
        except SecretUnreadable as error:
            seen, remedy = error.reason, "see its owner and mode"
            unreadable.append(Finding("secret", name, "problem", seen, remedy, "SEC001"))
    return (*judge_secrets(present, missing, f"{store.folder}/{store.owner}"), *unreadable)


async def examine_lock(workspace: Workspace, clients: Clients) -> Sequence[Finding]:
    """References from outside that no digest in git pins."""
    locked = workspace.source.specs.locks
    floating = [
        str(service.image.ref)
        for service in workspace.desired.services.values()
        if service.image.image_name is None and not service.image.locked and not service.image.ref.digest
    ]
    bases = {base for image in workspace.images.values() for base in image.inputs.bases}
    floating += [base for base in bases if base not in locked and _is_floating(base)]
    return (judge_floating(floating, workspace.owner.environment),)


def _is_floating(reference: str) -> bool:
    try:
        return ImageRef.parse(reference).digest is None
    except InvalidReference:
        return False
