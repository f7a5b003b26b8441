"""The Docker Engine as a ``Runtime``: what the loop asks for, handed to the file that does it."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import TYPE_CHECKING

from providers.docker import (
    events,
    facts,
    files,
    hooks,
    insides,
    instances,
    markers,
    networks,
    past,
    processes,
    records,
    strangers,
    tasks,
    volumes,
)
from providers.docker.containers import Containers
from providers.docker.contexts import find_engine
from providers.docker.endpoint import read_endpoint
from providers.docker.engine import Engine
from providers.docker.faults import EngineError
from providers.docker.images import Images
from providers.docker.line import Line
from providers.docker.lines import open_line
from providers.docker.look import Look
from providers.docker.output import log_lines
from providers.docker.registry import start as start_registry
from providers.docker.translations import Translations
from reconciler.actions import Blueprint
from reconciler.changes import Change
from reconciler.contents import Seen
from reconciler.deeds import Deed
from reconciler.desired import DesiredNetwork, DesiredVolume, LocalRegistry
from reconciler.dialogue import CommandLine, LogQuery, LogRecord, Process, RuntimeFacts
from reconciler.observed import Handle, LiveImage, Marker
from reconciler.ownership import Owner
from reconciler.provider import FileEntry, Insides, Login, Question, Runtime, World
from reconciler.stranger import Stranger
from specs.reference import ImageRef


class DockerRuntime:
    """Implements ``reconciler.provider.Runtime`` on one engine; ``way`` as for ``open_runtime``."""

    def __init__(self, way: str | Line | None = None, *, engine: Engine | None = None) -> None:
        if isinstance(way, str):
            way = open_line(read_endpoint(way))
        self.engine = engine or Engine(way or open_line(find_engine(os.environ).endpoint))
        self._images = Images(self.engine)
        self._containers = Containers(self.engine, self._images)
        self._host = ""
        self._translations = Translations()
        self._folders = insides.Folders(self.engine)

    async def observe(self, question: Question) -> World:
        """Look at everything of this owner (see ``look.py``)."""
        look = Look(self.engine, self._images, question, self._host, self._translations)
        world = await look.take()
        self._host = look.host
        return world

    async def images(self, names: Sequence[str]) -> Mapping[str, LiveImage]:
        """Which of these ``name@digest`` the engine holds."""
        return await self._images.held(names)

    async def create_network(self, owner: Owner, network: DesiredNetwork) -> None:
        """Make a network; of several of ours by one name the oldest stays."""
        await networks.create(self.engine, owner, network)

    async def remove_network(self, owner: Owner, handle: Handle) -> None:
        """Remove a network of ours by id."""
        await networks.remove(self.engine, owner, handle)

    async def create_volume(self, owner: Owner, volume: DesiredVolume) -> None:
        """Make a data volume."""
        await volumes.create(self.engine, owner, volume)

    async def publish_files(
        self, owner: Owner, volume: str, entries: Sequence[FileEntry], image: str
    ) -> None:
        """Make and fill a volume of role files."""
        await files.publish(self._containers, owner, volume, entries, image)

    async def remove_volume(self, owner: Owner, object_name: str) -> None:
        """Remove a volume of role files or secret."""
        await volumes.remove(self._containers, owner, object_name)

    async def pull(self, ref: ImageRef, login: Login | None) -> None:
        """Bring an image to the engine, by digest."""
        await self._images.pull(ref, login)

    async def create_instance(self, blueprint: Blueprint, secrets: Mapping[str, str]) -> None:
        """Create, attach, fill and start."""
        await instances.create(self._containers, blueprint, secrets)

    async def revive_instance(self, owner: Owner, handle: Handle, name: str, restart: str) -> None:
        """Make a kept instance live again."""
        await instances.revive(self._containers, owner, handle, name, restart)

    async def retire_instance(self, owner: Owner, handle: Handle, name: str, grace: float) -> None:
        """Restart policy off, rename, stop."""
        await instances.retire(self._containers, owner, handle, name, grace)

    async def remove_instance(self, owner: Owner, handle: Handle, grace: float) -> None:
        """Stop with grace and remove."""
        await instances.remove(self._containers, owner, handle, grace)

    async def mend_instance(self, owner: Owner, handle: Handle, changes: Sequence[Change]) -> None:
        """Change a live instance in place."""
        await instances.mend(self._containers, owner, handle, changes)

    async def create_hook(
        self, blueprint: Blueprint, words: Sequence[str], secrets: Mapping[str, str]
    ) -> Handle:
        """Create the container of a hook; not start it."""
        return await hooks.create(self._containers, blueprint, words, secrets)

    async def start_hook(self, owner: Owner, handle: Handle) -> None:
        """Start it for the first time."""
        await hooks.start(self._containers, owner, handle)

    async def put_marker(self, owner: Owner, marker: Marker) -> bool:
        """Write a marker and read it back; False when another writer's won."""
        return await markers.put(self.engine, owner, marker)

    async def remove_marker(self, owner: Owner, object_name: str) -> None:
        """Remove a marker."""
        await markers.remove(self.engine, owner, object_name)

    async def start_registry(self, registry: LocalRegistry) -> None:
        """Make the project's local registry run and answer."""
        await start_registry(self._containers, registry)

    def watch(self, owner: Owner) -> AsyncGenerator[None, None]:
        """The engine's events as hints, until the connection ends."""
        return events.watch(self.engine, owner)

    async def deeds(self, owner: Owner, begin: float, end: float) -> Sequence[Deed]:
        """What the engine's events tell, as far as it keeps them."""
        return await past.read(self.engine, owner, begin, end)

    async def logs(self, handle: Handle, lines: int) -> Sequence[str]:
        """The last lines that an instance wrote, plain; none when it is gone."""
        query = {"stdout": 1, "stderr": 1, "tail": max(0, lines)}
        try:
            answer = await self.engine.fetch(f"/containers/{handle.id}/logs", query)
        except EngineError as error:
            if error.status == 404:
                return ()
            raise
        return log_lines(answer.body)[-lines:] if lines > 0 else ()

    def records(self, handle: Handle, query: LogQuery) -> AsyncGenerator[LogRecord, None]:
        """What an instance wrote; none when it is gone."""
        return records.follow(self.engine, handle.id, query)

    async def execute(self, owner: Owner, handle: Handle, command: CommandLine) -> Process:
        """Start a command in a running instance."""
        return await processes.execute(self._containers, owner, handle, command)

    async def run_task(
        self, blueprint: Blueprint, secrets: Mapping[str, str], command: CommandLine
    ) -> Process:
        """Start a command in a container of its own."""
        return await tasks.run(self._containers, blueprint, secrets, command)

    async def remove_task(self, owner: Owner, handle: Handle) -> None:
        """Remove a task of ours."""
        await tasks.remove(self._containers, owner, handle)

    async def run_inside(
        self, owner: Owner, handle: Handle, command: Sequence[str], stdin: bytes = b"", deadline: float = 10.0
    ) -> tuple[int, bytes]:
        """Run a command to its end in a container of ours: its exit code and its output."""
        return await insides.run(self._containers, owner, handle, command, stdin, deadline)

    async def folder_of(self, owner: Owner, volume: str) -> str | None:
        """Where a volume of ours lies on this machine; None when it does not, or not for us."""
        return await self._folders.folder_of(owner, volume)

    async def examine(self) -> RuntimeFacts:
        """What the engine says of itself."""
        return await facts.examine(self.engine)

    async def contents(self, handle: Handle, path: str) -> Sequence[Seen]:
        """The files at and below a path of an instance."""
        return await files.read(self.engine, handle, path)

    async def strangers(self) -> Sequence[Stranger]:
        """All containers that are not ours."""
        return await strangers.find_all(self._containers, self._host)

    async def set_aside(self, handle: Handle, name: str, grace: float) -> None:
        """Restart policy off, rename, stop."""
        await strangers.set_aside(self._containers, handle, name, grace)

    async def bring_back(self, handle: Handle, name: str, restart: str) -> None:
        """Rename, restart policy, start."""
        await strangers.bring_back(self._containers, handle, name, restart)

    async def let_go(self, handle: Handle) -> None:
        """Remove a stopped one; its volumes stay."""
        await strangers.let_go(self._containers, handle)

    async def close(self) -> None:
        """Close all connections."""
        await self.engine.close()


if TYPE_CHECKING:
    _: tuple[type[Runtime], type[Insides]] = (DockerRuntime, DockerRuntime)


def open_runtime(way: str | Line | None) -> DockerRuntime:
    """The runtime behind a line or an endpoint without certificates; None is the engine that a person's
    docker client uses. Connects with the first call. Raises Refused for what is no endpoint."""
    return DockerRuntime(way)
