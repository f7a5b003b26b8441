"""Where builds happen: on the engine, by the way that leads there, or by a named builder."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from providers.buildx.process import run
from reconciler.provider import ProviderError, Refused

Reach = Callable[[Path], Awaitable[Mapping[str, str]]]
"""Gives the variables under which docker finds the engine; files that it needs are written to the folder."""
_ASK_DEADLINE = 30.0


@dataclass(frozen=True, slots=True)
class BuildPlace:
    """An engine, and the name of a buildx builder where it is not the engine itself that builds."""

    reach: Reach
    docker_config: Path | None
    builder_name: str | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """The option that names the builder."""
        return (f"--builder={self.builder_name}",) if self.builder_name else ()

    async def environment(self, folder: Path) -> dict[str, str]:
        """All that the client gets: nothing of this process but the search path. Raises ProviderError."""
        return {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": str(folder),
            "DOCKER_CONFIG": str(folder / "docker"),
            "DOCKER_CLI_HINTS": "false",
            "BUILDX_GIT_INFO": "false",
            "NO_COLOR": "1",
            **self._builders(folder),
            **await self.reach(folder),
        }

    def _builders(self, folder: Path) -> dict[str, str]:
        """A named builder is one of the person's, who made it with their own client; its nodes may be named
        by contexts of theirs."""
        if self.builder_name is None or self.docker_config is None:
            return {}
        contexts, link = self.docker_config / "contexts", folder / "docker" / "contexts"
        if contexts.is_dir() and link.parent.is_dir() and not link.exists():
            link.symlink_to(contexts)
        return {"BUILDX_CONFIG": os.environ.get("BUILDX_CONFIG") or str(self.docker_config / "buildx")}

    async def check(self, docker: str, environment: Mapping[str, str]) -> None:
        """The named builder is there. Raises Refused, ProviderError."""
        if self.builder_name is None:
            return
        said: list[bytes] = []
        try:
            line = (docker, "buildx", "inspect", self.builder_name)
            status, _ = await run(line, environment, _ASK_DEADLINE, said.append)
        except TimeoutError:
            raise ProviderError(
                "BLD025", f"builder {self.builder_name}", "did not answer", "an answer in 30 s", "look at it"
            ) from None
        if status:
            words = b"".join(said).decode("utf-8", "replace").strip().splitlines()
            seen = "".join(c if c.isprintable() else " " for c in words[-1])[:300] if words else "not there"
            raise Refused(
                "BLD003",
                f"builder {self.builder_name}",
                seen,
                "a builder that `docker buildx ls` lists",
                f"`docker buildx create --name {self.builder_name}`, or correct runtime.builder",
            )


def on_engine(docker_host: str) -> Reach:
    """The way to an engine that DOCKER_HOST alone names."""

    async def reach(_: Path) -> Mapping[str, str]:
        return {"DOCKER_HOST": docker_host}

    return reach
