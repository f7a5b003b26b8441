"""A builder in memory: the digest of a build is a function of its key."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from providers.memory.clock import Clock
from providers.memory.faults import Call, Faults
from providers.memory.registry import MemoryRegistry, digest_of
from reconciler.provider import BuildRequest, LogLine, ProviderError
from specs.reference import Digest


@dataclass
class _Failure:
    error: BaseException
    log: Sequence[str]
    times: int | None


@dataclass
class MemoryBuilder:
    """Pushes to the registry that the request names by host.

    ``digests`` (by key) lets two keys build the same bytes; ``seconds`` is how long a build lasts on
    ``clock``.
    """

    registries: Mapping[str, MemoryRegistry]
    clock: Clock = field(default_factory=Clock)
    digests: dict[str, Digest] = field(default_factory=dict)
    seconds: float = 0.0
    log: tuple[str, ...] = ("#1 building",)
    faults: Faults = field(default_factory=Faults)
    built: list[str] = field(default_factory=list)
    """Keys in the order in which their builds began."""
    _failures: dict[str, _Failure] = field(default_factory=dict)

    def fail(
        self, key: str, error: BaseException, log: Sequence[str] = (), *, times: int | None = None
    ) -> None:
        """Let builds of ``key`` ('*' is any) fail after printing ``log``; ``times`` None: for ever."""
        self._failures[key] = _Failure(error, log, times)

    def recover(self) -> None:
        """No build fails any more."""
        self._failures.clear()

    async def examine(self) -> str:
        """Raises what ``faults`` say."""
        self.faults.cross_read(Call("examine", "read", ""))
        return "memory"

    async def build(self, request: BuildRequest, log: LogLine) -> Digest:
        """Build and push. Raises what ``fail`` says, ProviderError for an unknown registry."""
        self.built.append(request.key)
        for line in self.log:
            log(line)
        await asyncio.sleep(0)
        await self.clock.sleep(self.seconds)
        self.faults.cross(Call("build", "build", request.key), "before")
        self._meet_failure(request.key, log)
        self.faults.cross(Call("build", "build", request.key), "after")
        return self._push(request)

    def _push(self, request: BuildRequest) -> Digest:
        registry = self.registries.get(request.push.host)
        if registry is None:
            raise ProviderError("BLD404", f"push {request.push}", "no such registry", "a known registry")
        call = Call("build", "push", str(request.push))
        self.faults.cross(call, "before")
        digest = registry.push(request.push, self.digests.get(request.key) or digest_of(request.key))
        self.faults.cross(call, "after")
        return digest

    def _meet_failure(self, key: str, log: LogLine) -> None:
        name = key if key in self._failures else "*"
        failure = self._failures.get(name)
        if failure is None:
            return
        for line in failure.log:
            log(line)
        if failure.times is not None:
            failure.times -= 1
            if failure.times <= 0:
                del self._failures[name]
        raise failure.error
