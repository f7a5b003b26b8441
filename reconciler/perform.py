"""One action, by its provider: the only place that maps actions to calls."""

from __future__ import annotations

from typing import assert_never

from reconciler.actions import (
    Action,
    BuildImage,
    CreateInstance,
    CreateNetwork,
    CreateVolume,
    LoadProxy,
    MendInstance,
    PublishFiles,
    PullImage,
    PutMarker,
    RemoveInstance,
    RemoveMarker,
    RemoveNetwork,
    RemoveVolume,
    RetireInstance,
    ReviveInstance,
    RunHook,
    StartRegistry,
    SwitchRoute,
)
from reconciler.clients import Clients
from reconciler.evidence import is_held_name
from reconciler.last_words import last_words
from reconciler.observed import ABSENT, Marker, Observed
from reconciler.ownership import Owner, volume_name
from reconciler.perform_hooks import leave, run_hook
from reconciler.provider import LogLine, ProviderError, Refused, RunningProxy, Stale
from reconciler.secret_names import secret_names
from specs.proxy import OWN, secrets_of
from specs.reference import ImageRef


async def perform(owner: Owner, action: Action, observed: Observed, clients: Clients, log: LogLine) -> None:
    """Do it. Raises ProviderError, Stale or Refused."""
    runtime = clients.runtime
    match action:
        case StartRegistry():
            await runtime.start_registry(action.registry)
        case BuildImage():
            await _build(action, observed, clients, log)
        case PullImage():
            await runtime.pull(action.ref, await clients.login(action.ref))
        case CreateNetwork():
            await runtime.create_network(owner, action.network)
        case RemoveNetwork():
            await runtime.remove_network(owner, action.handle)
        case CreateVolume():
            await runtime.create_volume(owner, action.volume)
        case PublishFiles():
            entries = await clients.stock.entries(action.files.digest)
            await runtime.publish_files(owner, action.files.volume, entries, action.image)
        case RemoveVolume():
            await runtime.remove_volume(owner, action.object_name)
        case PutMarker() | RemoveMarker():
            await _mark(owner, action, clients)
        case CreateInstance() | ReviveInstance() | RetireInstance() | RemoveInstance() | MendInstance():
            await leave(owner, action, clients, log)
            await _perform_on_instance(owner, action, clients)
            if isinstance(action, RetireInstance) and is_held_name(action.name):
                for line in await last_words(action.handle, observed, clients):
                    log(line)
        case LoadProxy() | SwitchRoute():
            await _turn(owner, action, observed, clients)
        case RunHook():
            await run_hook(owner, action, clients)
        case _:
            assert_never(action)


async def _turn(owner: Owner, action: LoadProxy | SwitchRoute, observed: Observed, clients: Clients) -> None:
    """Give a proxy its work, or turn a route; any proxy that answers turns it for all."""
    volume = volume_name(owner, OWN)
    if clients.proxies is None:
        raise Refused("RUN007", str(action.subject), "nothing here drives proxies", "a runtime with proxies")
    if isinstance(action, LoadProxy):
        names = [secret for it in action.proxy.settings.certificates for secret in secrets_of(it)]
        values = clients.stock.secrets(sorted(set(names)))
        running = RunningProxy(action.handle, action.service_name, volume)
        await clients.proxies.load(owner, running, action.proxy, values)
        return
    able = [proxy for proxy in observed.traffic.proxies if not proxy.problem]
    if not able:
        raise Stale("RUN008", str(action.subject), "no proxy answers any more", "a proxy that runs")
    running = RunningProxy(able[0].handle, able[0].service_name, volume)
    await clients.proxies.switch(owner, running, action.service_name, action.slots, action.ports)


async def _perform_on_instance(
    owner: Owner,
    action: CreateInstance | ReviveInstance | RetireInstance | RemoveInstance | MendInstance,
    clients: Clients,
) -> None:
    runtime = clients.runtime
    match action:
        case CreateInstance():
            blueprint = action.blueprint
            values = clients.stock.secrets(secret_names(blueprint.form), blueprint.generation.secrets)
            await runtime.create_instance(blueprint, values)
        case ReviveInstance():
            await runtime.revive_instance(owner, action.handle, action.name, action.restart)
        case RetireInstance():
            await runtime.retire_instance(owner, action.handle, action.name, action.grace)
        case RemoveInstance():
            await runtime.remove_instance(owner, action.handle, action.grace)
        case MendInstance():
            await runtime.mend_instance(owner, action.handle, action.changes)
        case _:
            assert_never(action)


async def _mark(owner: Owner, action: PutMarker | RemoveMarker, clients: Clients) -> None:
    if isinstance(action, RemoveMarker):
        await clients.runtime.remove_marker(owner, action.object_name)
        return
    marker = Marker(action.kind, action.marker_subject, action.sequence, action.value)
    if not await clients.runtime.put_marker(owner, marker):
        where = f"{owner}, marker {action.kind} {action.marker_subject}"
        expected, remedy = "the marker that we wrote", "the next look decides anew"
        raise Stale("RUN002", where, "another writer was faster", expected, remedy)


async def _build(action: BuildImage, observed: Observed, clients: Clients, log: LogLine) -> None:
    """Input document first, then the image under its key, then the tag that keeps its digest alive: a key
    in the registry always has its document."""
    image = action.image
    if clients.builder is None:
        remedy = "install docker buildx, or run this where it is installed"
        raise Refused("RUN003", f"Image {image.name}", "there is no builder here", "docker buildx", remedy)
    prepared = await clients.stock.build_request(image, _parents(action, observed))
    registry = await clients.registry(image.ref)
    await registry.put_inputs(image.ref.with_tag(f"{image.key}.inputs"), prepared.document)
    built = await clients.builder.build(prepared.request, log)
    pushed = await registry.digest(image.ref)
    if pushed is None:
        raise ProviderError(
            "RUN004", str(image.ref), "the registry does not have it after the push", f"digest {built}"
        )
    await registry.tag(image.ref.with_digest(pushed), pushed.tag)


def _parents(action: BuildImage, observed: Observed) -> dict[str, ImageRef]:
    parents: dict[str, ImageRef] = {}
    for name, ref in action.parents.items():
        digest = observed.artifacts.get(str(ref))
        if digest is None or digest == ABSENT:
            raise Stale("RUN005", f"Image {action.image.name}", f"the image {name} that it builds on is gone")
        parents[name] = ref.with_digest(digest)
    return parents
