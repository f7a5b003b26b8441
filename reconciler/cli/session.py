"""A verb about a live environment: open the workspace, connect, ask, close again."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from reconciler.cli.envelope import Report
from reconciler.cli.lost_images import lost_images
from reconciler.cli.options import Options
from reconciler.cli.reach import Reach
from reconciler.cli.workspace import Workspace, open_workspace
from reconciler.clients import Clients, Place, ReadClients
from reconciler.desired import Desired
from reconciler.drift_rules import ended_rules
from reconciler.observe import look
from reconciler.observed import Observed
from reconciler.provider import Builder, Login, Runtime
from reconciler.render import Style, escape
from reconciler.render_json import JsonObject

Verb = Callable[[Workspace, Clients], Awaitable[Report]]
ReadVerb = Callable[[Workspace, ReadClients], Awaitable[Report]]


def run_live(options: Options, verb: Verb) -> Report:
    """Run the verb with real providers. Raises Stop, ProviderError."""
    workspace = open_workspace(options)
    return asyncio.run(_run(workspace, verb))


def run_reading(options: Options, verb: ReadVerb) -> Report:
    """Run a verb that changes nothing: it gets clients that cannot. Raises Stop, ProviderError."""
    return asyncio.run(_read(open_workspace(options), verb))


async def _read(workspace: Workspace, verb: ReadVerb) -> Report:
    clients = workspace.readers(open_docker)
    try:
        return await verb(workspace, clients)
    finally:
        await workspace.registries.close()
        await clients.runtime.close()


async def _run(workspace: Workspace, verb: Verb) -> Report:
    clients = workspace.clients(open_docker, open_buildx)
    try:
        return await verb(workspace, clients)
    finally:
        await workspace.registries.close()
        await clients.runtime.close()


def open_docker(reach: Reach) -> Runtime:
    """The engine that is reached so. Raises Refused."""
    from providers.docker.runtime import open_runtime

    return open_runtime(reach.line)


def open_buildx(reach: Reach, logins: Mapping[str, Login]) -> Builder:
    """The builder on the same engine, or the one that the environment names. Raises Refused."""
    from providers.buildx.builder import open_builder
    from providers.oci.credentials import default_docker_config

    folder = default_docker_config().parent
    return open_builder(reach.line.variables, folder, logins=logins, name=reach.spec.builder)


async def meet(workspace: Workspace, clients: ReadClients) -> tuple[Desired, Observed]:
    """One look, and what is desired in its light."""
    observed = await look(workspace.desired, clients)
    return await asyncio.to_thread(workspace.meet, observed), observed


def report_of(workspace: Workspace, desired: Desired, observed: Observed, report: Report) -> Report:
    """The report with what every envelope about a live environment says."""
    return replace(
        report,
        owner=desired.owner,
        commit=desired.commit,
        at=observed.at,
        mode=workspace.source.mode,
        problems=(
            *workspace.told(observed),
            *lost_images(desired, observed),
            *ended_rules(desired.services, observed.at),
        ),
        unreadable=observed.unreadable,
    )


def place_line(place: Place, style: Style) -> str:
    """A line that says where the engine is, unless that is this machine's usual one."""
    return f"{style.faint(escape(f'on {place}'))}\n" if place.name else ""


def place_json(place: Place) -> JsonObject:
    """The endpoint and what named it; null for this machine's usual engine."""
    return {"endpoint": {"url": place.name, "origin": place.origin} if place.name else None}


def style_for(stream: object) -> Style:
    """Colour on a terminal, unless NO_COLOR or a dumb terminal say otherwise."""
    is_terminal = bool(getattr(stream, "isatty", lambda: False)())
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return Style(colour=is_terminal and not plain)


def stdout_style(options: Options) -> Style:
    """The style of results: never colour in another form than text."""
    other = options.as_json or options.markdown or options.sarif or options.junit
    return Style() if other else style_for(sys.stdout)
