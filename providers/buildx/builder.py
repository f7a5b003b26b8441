"""Builds and pushes images with ``docker buildx build`` as a child process."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from providers.buildx.client import write_client
from providers.buildx.folder import fill_folder
from providers.buildx.place import BuildPlace, Reach, on_engine
from providers.buildx.process import run
from providers.buildx.progress import Progress
from providers.buildx.verdict import verdict
from reconciler.provider import Builder, BuildRequest, Login, LogLine, ProviderError, Refused
from specs.context import UnfitFile
from specs.dockerfile import pin, read_dockerfile
from specs.reference import Digest, ImageRef, InvalidReference

BUILD_DEADLINE = 3600.0
_ASK_DEADLINE = 20.0
_VERSION = re.compile(r"\bv?(\d+)\.(\d+)\.")
_WITH_RAWJSON = (0, 13)


@dataclass(slots=True)
class Buildx:
    """Implements ``reconciler.provider.Builder``. What ``place`` names builds and pushes."""

    place: BuildPlace
    docker_config: Path | None
    docker: str
    logins: Mapping[str, Login] = field(default_factory=dict, repr=False)
    deadline: float = BUILD_DEADLINE
    _progress: str = ""
    _checked: bool = False

    async def examine(self) -> str:
        """The version of buildx, such as 0.13. Raises Refused where there is none."""
        async with _folder() as folder:
            write_client(folder / "docker", (), {}, self.docker_config)
            environment = await self.place.environment(folder)
            found = await self._ask_version(environment)
            await self.place.check(self.docker, environment)
        return f"{found[0]}.{found[1]}" if found else "of an unknown version"

    async def build(self, request: BuildRequest, log: LogLine) -> Digest:
        """Build and push; the digest that was pushed. Raises Refused for a failing Dockerfile or login."""
        async with _folder() as folder:
            dockerfile, context = await self._fill(folder, request)
            write_client(folder / "docker", _hosts(request), self.logins, self.docker_config)
            base = await self.place.environment(folder)
            if not self._progress:
                found = await self._ask_version(base)
                self._progress = "rawjson" if not found or found >= _WITH_RAWJSON else "plain"
            if not self._checked:
                await self.place.check(self.docker, base)
                self._checked = True
            answer = folder / "metadata.json"
            environment, secrets = _with_secrets(base, request)
            line = (*_line(self.docker, request, self._progress), *self.place.words, *secrets)
            paths = (f"--metadata-file={answer}", f"--file={dockerfile}", str(context))
            progress = Progress(log, self._progress == "rawjson", tuple(request.secrets.values()))
            status = await self._run((*line, *paths), environment, progress, request)
            if status:
                raise verdict(progress, status, _where(request))
            return _digest(answer, request)

    async def _fill(self, folder: Path, request: BuildRequest) -> tuple[Path, Path]:
        stop = threading.Event()
        dockerfile = _without_contexts(request)
        filling = asyncio.create_task(
            asyncio.to_thread(fill_folder, folder, dockerfile, request.context(), stop)
        )
        try:
            return await asyncio.shield(filling)
        except asyncio.CancelledError:
            stop.set()
            await asyncio.gather(filling, return_exceptions=True)  # how it ended is asked, else it is told
            raise
        except UnfitFile as error:
            raise Refused(
                "BLD013", error.path, error.seen, "the file itself", "commit the file's content"
            ) from error
        except OSError as error:
            seen = f"the context cannot be written ({error.strerror})"
            raise ProviderError(
                "BLD024", str(folder), seen, "room for it", "free disk space, or set TMPDIR"
            ) from error

    async def _ask_version(self, environment: Mapping[str, str]) -> tuple[int, int] | None:
        """Major and minor version of buildx; None where it says none. Raises Refused where there is none."""
        try:
            status, output = await run((self.docker, "buildx", "version"), environment, _ASK_DEADLINE)
        except (FileNotFoundError, PermissionError) as error:
            raise Refused(
                "BLD001",
                self.docker,
                "the docker client is not there",
                "the docker command",
                "install docker-ce-cli",
            ) from error
        except TimeoutError as error:
            raise ProviderError(
                "BLD025", self.docker, "did not answer", "an answer in 20 s", "look at it"
            ) from error
        if status:
            raise Refused(
                "BLD002",
                f"{self.docker} buildx",
                "the docker client has no buildx",
                "buildx 0.10 or later",
                "install the package docker-buildx-plugin (docker-buildx on Debian)",
            )
        found = _VERSION.search(output.decode("utf-8", "replace"))
        return (int(found[1]), int(found[2])) if found else None

    async def _run(
        self, line: Sequence[str], environment: Mapping[str, str], progress: Progress, request: BuildRequest
    ) -> int:
        try:
            status, _ = await run(line, environment, self.deadline, progress.feed)
        except TimeoutError as error:
            raise Refused(
                "BLD014",
                _where(request),
                f"not finished after {self.deadline:g} s",
                "a build that ends",
                "look at the last step, or allow more time",
                tuple(progress.said) or _last_step(progress),
            ) from error
        progress.end()
        return status


def _with_secrets(environment: Mapping[str, str], request: BuildRequest) -> tuple[dict[str, str], list[str]]:
    """The child's environment with the secret values, and the options that name them."""
    names = {secret: f"RECONCILER_BUILD_SECRET_{n}" for n, secret in enumerate(sorted(request.secrets))}
    values = {name: request.secrets[secret] for secret, name in names.items()}
    options = [f"--secret=id={secret},env={name}" for secret, name in names.items()]
    return {**environment, **values}, options


def open_builder(
    reach: str | Reach,
    docker_config: Path | None = None,
    docker: str = "docker",
    logins: Mapping[str, Login] | None = None,
    deadline: float = BUILD_DEADLINE,
    name: str | None = None,
) -> Builder:
    """A builder on the engine at a DOCKER_HOST, or where ``reach`` leads; ``name`` is a buildx builder of the
    person's, for one that is not the engine itself.

    ``docker_config`` is the folder of the docker client's own configuration, for its plugin and for hosts
    that ``logins`` does not name; ``logins`` are by registry host. A build gets those of its bases and its
    target only. Nothing is started before the first build.
    """
    way = on_engine(reach) if isinstance(reach, str) else reach
    return Buildx(BuildPlace(way, docker_config, name), docker_config, docker, logins or {}, deadline)


def _line(docker: str, request: BuildRequest, progress: str) -> Iterator[str]:
    yield from (
        docker,
        "buildx",
        "build",
        f"--progress={progress}",
        "--provenance=false",
        "--sbom=false",
        "--push",
    )
    yield f"--tag={request.push}"
    if request.target is not None:
        yield f"--target={request.target}"
    if request.platforms:
        yield f"--platform={','.join(request.platforms)}"
    for name, value in request.args.items():
        yield f"--build-arg={name}={value}"


def _without_contexts(request: BuildRequest) -> bytes:
    """The Dockerfile with the names of additional contexts written as images: every BuildKit can that."""
    read = read_dockerfile(request.dockerfile, request.args, request.platforms, tuple(request.contexts))
    return pin(request.dockerfile, read.bases, request.contexts)


def _hosts(request: BuildRequest) -> frozenset[str]:
    """The registries of the target and of the bases."""
    read = read_dockerfile(_without_contexts(request), request.args, request.platforms)
    hosts = {request.push.host}
    for reference in read.references:
        try:
            hosts.add(ImageRef.parse(reference).host)
        except InvalidReference:
            continue  # the builder says what is wrong with it
    return frozenset(hosts)


def _digest(metadata: Path, request: BuildRequest) -> Digest:
    try:
        return Digest.parse(json.loads(metadata.read_bytes())["containerimage.digest"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ProviderError(
            "BLD030",
            _where(request),
            "buildx did not say what it pushed",
            "containerimage.digest",
            "look at buildx",
        ) from error


def _where(request: BuildRequest) -> str:
    return f"build of {request.push}"


def _last_step(progress: Progress) -> tuple[str, ...]:
    steps = [step for step in progress.steps.values() if step.name]
    return (steps[-1].name, *steps[-1].lines) if steps else ()


@asynccontextmanager
async def _folder() -> AsyncIterator[Path]:
    """A folder of our own, removed off the event loop: a context can have many files."""
    folder = Path(tempfile.mkdtemp(prefix="reconciler-build-"))
    try:
        yield folder
    finally:
        await asyncio.shield(asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True))
