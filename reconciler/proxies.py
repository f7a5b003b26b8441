"""The protocols of the proxies: what asks and turns them, and how it reaches into their containers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from reconciler.handle import Handle
from reconciler.ownership import Owner
from reconciler.traffic import DesiredProxy, Flow, LiveProxy
from specs.route import Ready


@dataclass(frozen=True, slots=True)
class RunningProxy:
    """A proxy container that runs. ``volume`` is the object name of the volume that all proxies share."""

    handle: Handle
    service_name: str
    volume: str


@dataclass(frozen=True, slots=True)
class ProbeRequest:
    """An instance that is to be asked through a proxy, the way that requests travel."""

    instance_id: str
    """The whole id."""
    port: int
    ready: Ready
    service_name: str = ""
    """Whose it is: it is asked by a name of this service's route."""


@dataclass(frozen=True, slots=True)
class ProxyQuestion:
    """What a pass wants to know of the proxies."""

    owner: Owner
    proxy: DesiredProxy | None
    running: tuple[RunningProxy, ...]
    probes: tuple[ProbeRequest, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """One probe's end: good when ``problem`` is empty."""

    problem: str = ""


@dataclass(frozen=True, slots=True)
class ProxyWorld:
    """One look at the proxies. ``problem``: why tables or flows could not be read; None says which."""

    proxies: tuple[LiveProxy, ...] = ()
    tables: Mapping[str, tuple[str, ...]] | None = None
    flows: Mapping[str, Flow] | None = None
    answers: Mapping[str, Answer] | None = None
    """By whole instance id."""
    problem: str = ""
    ports: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Service -> short id -> the port at which slots lead to it."""


class ReadProxies(Protocol):
    """Asks the proxies of one runtime."""

    async def observe(self, question: ProxyQuestion) -> ProxyWorld:
        """Look at all proxies at once, probes included; never raises for one of them: its ``problem`` says
        why it could not be asked."""
        ...


class Proxies(ReadProxies, Protocol):
    """Asks and turns the proxies of one runtime. Methods raise ProviderError, Stale or Refused."""

    async def load(
        self, owner: Owner, running: RunningProxy, proxy: DesiredProxy, secrets: Mapping[str, str]
    ) -> None:
        """Give a proxy what it is to do, and read it back. ``secrets``: the PEM texts of its certificates."""
        ...

    async def switch(
        self,
        owner: Owner,
        running: RunningProxy,
        service_name: str,
        slots: Sequence[str],
        ports: Mapping[str, int],
    ) -> None:
        """Replace the table of a service, all slots at once, and read it back. Any of the proxies will do:
        they share their tables. ``ports``: of each short id. A version may listen on another port than the
        one before, so that the port belongs to the slot."""
        ...


@runtime_checkable
class Insides(Protocol):
    """Reaches into running containers and volumes: what a runtime gives to who drives a process in it."""

    async def run_inside(
        self, owner: Owner, handle: Handle, command: Sequence[str], stdin: bytes = b"", deadline: float = 10.0
    ) -> tuple[int, bytes]:
        """Run a command to its end in a container of ours: its exit code and what it wrote to its output.
        Raises ProviderError, also when it takes longer than ``deadline`` seconds."""
        ...

    async def folder_of(self, owner: Owner, volume: str) -> str | None:
        """Where a volume of ours lies on *this* machine, when the engine is on it and we may write there;
        else None. It is proved, not guessed."""
        ...
