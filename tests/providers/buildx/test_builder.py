"""Builds on real engines: the manifest's files, the registry's digest, and whose fault a failure is."""

from __future__ import annotations

import asyncio
import os
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from ground import RunningEngine
from guarded_registry import guarded_registry
from providers.buildx.builder import open_builder
from reconciler.provider import Builder, BuildRequest, Login, ProviderError, Refused
from specs.context import context_tar
from specs.dockerfile import pin, read_dockerfile
from specs.manifest import Manifest, ManifestEntry
from specs.reference import Digest, ImageRef

pytestmark = pytest.mark.engine

FILES = {
    ".dockerignore": b"*\n",
    "a.txt": b"hi",
    "ln": b"/etc/passwd",
    "run": b"#!/bin/sh\n",
    "sub/b c": b"x",
}
_MODES = {"run": "100755", "ln": "120000"}
_ACCEPT = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"


def _context(files: Mapping[str, bytes]) -> Iterator[bytes]:
    records = tuple(f"{_MODES.get(name, '100644')} blob {'0' * 40}\t{name}" for name in sorted(files))

    def read(entries: Sequence[ManifestEntry]) -> Mapping[str, bytes]:
        return {entry.path: files[entry.path] for entry in entries}

    return context_tar(Manifest(".", records), read)


def _request(
    host: str, dockerfile: str, files: Mapping[str, bytes] = FILES, **changes: object
) -> BuildRequest:
    nonce = os.urandom(6).hex()  # so that no step is taken from the engine's cache, which prints nothing
    parts: dict[str, object] = {
        "key": "in-1",
        "push": ImageRef.parse(f"{host}/buildx-test/web:in-{nonce}"),
        "dockerfile": dockerfile.replace("BUSYBOX", f"{host}/busybox:1.36").replace("NONCE", nonce).encode(),
        "context": lambda: _context(files),
        "target": None,
        "args": {},
        "platforms": (),
        "contexts": {},
    }
    return BuildRequest(**{**parts, **changes})  # type: ignore[arg-type]  # the tests' own keywords


def _builder(engine: RunningEngine) -> Builder:
    config = Path(engine.docker_config) if engine.docker_config else None
    return open_builder(engine.docker_host, config, engine.docker)


def _pushed(ref: ImageRef) -> Digest:
    url = f"http://{ref.host}/v2/{ref.repository}/manifests/{ref.tag}"
    asked = urllib.request.Request(url, method="HEAD", headers={"Accept": _ACCEPT})
    with urllib.request.urlopen(asked) as answer:
        return Digest.parse(answer.headers["Docker-Content-Digest"])


def _ignore(_: str) -> None:
    """The log of a build that is not looked at."""


async def _error(engine: RunningEngine, request: BuildRequest) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await _builder(engine).build(request, _ignore)
    return caught.value


@pytest.fixture
def build_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where builds make their folders."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


async def test_the_image_holds_exactly_the_manifest(
    engine: RunningEngine, registry_host: str, build_folders: Path
) -> None:
    lines: list[str] = []
    request = _request(
        registry_host,
        "FROM BUSYBOX AS one\nARG A\nCOPY . /app\n"
        "RUN --mount=type=secret,id=token : NONCE; cd /app; find . ! -type d | sort;"
        " stat -c '%n %a %Y' a.txt run;"
        " readlink ln; echo $A; cat /run/secrets/token\nFROM scratch\n",
        target="one",
        args={"A": "a 'b' \"c\" $d"},
        secrets={"token": "canary-5f1c"},
    )
    digest = await _builder(engine).build(request, lines.append)
    assert digest == _pushed(request.push)
    assert lines[-1].startswith("pushing") or "exporting" in "".join(lines)
    begin = lines.index("./.dockerignore")
    assert lines[begin : begin + 10] == [
        "./.dockerignore",
        "./a.txt",
        "./ln",
        "./run",
        "./sub/b c",
        "a.txt 644 315619200",
        "run 755 315619200",
        "/etc/passwd",
        "a 'b' \"c\" $d",
        "***",
    ]
    assert "canary-5f1c" not in "\n".join(lines)
    assert list(build_folders.iterdir()) == []


async def test_a_change_of_the_same_size_is_seen(engine: RunningEngine, registry_host: str) -> None:
    dockerfile = "FROM BUSYBOX\nCOPY a.txt /\nRUN : NONCE; echo seen $(cat /a.txt)\n"
    seen: list[str] = []
    digests = [
        await _builder(engine).build(_request(registry_host, dockerfile, {"a.txt": content}), seen.append)
        for content in (b"one", b"two")
    ]
    assert digests[0] != digests[1]
    assert "seen two" in seen


async def test_a_pinned_dockerfile_and_contexts_build(engine: RunningEngine, registry_host: str) -> None:
    base = ImageRef.parse(f"{registry_host}/busybox:1.36")
    by_digest = base.with_digest(_pushed(base))
    text = (
        f"FROM {base} AS x\nFROM ours\nCOPY --from=ours /bin/busybox /a\n"
        f"RUN --mount=from={base},target=/m ls /m/bin\n"
    )
    read = read_dockerfile(text.encode(), {}, (), ("ours",))
    pinned = pin(text.encode(), read.bases, {str(base): by_digest})
    assert str(base) + " " not in pinned.decode()
    request = _request(registry_host, pinned.decode(), contexts={"ours": by_digest})
    assert await _builder(engine).build(request, _ignore) == _pushed(request.push)


async def test_a_failing_step_is_refused_with_its_last_lines(
    engine: RunningEngine, registry_host: str
) -> None:
    script = "for n in $(seq 30); do echo line $n; done; exit 7"
    error = await _error(engine, _request(registry_host, f"FROM BUSYBOX\nRUN {script}\n"))
    assert isinstance(error, Refused)
    assert error.code == "BLD010"
    assert "exit code 7" in error.seen
    assert error.log[0].endswith(f"RUN {script}")
    assert list(error.log[1:]) == [f"line {n}" for n in range(11, 31)]


@pytest.mark.parametrize(
    ("dockerfile", "code"),
    [
        ("FROM BUSYBOX\nCOPY absent /\n", "BLD012"),
        ("FORM BUSYBOX\n", "BLD012"),
        ("FROM REGISTRY/absent:1\n", "BLD012"),
    ],
)
async def test_what_the_builder_rejects_is_refused(
    engine: RunningEngine, registry_host: str, dockerfile: str, code: str
) -> None:
    error = await _error(engine, _request(registry_host, dockerfile.replace("REGISTRY", registry_host)))
    assert (type(error), error.code) == (Refused, code)


async def test_an_unreachable_registry_may_work_later(engine: RunningEngine, registry_host: str) -> None:
    base = await _error(engine, _request(registry_host, "FROM 127.0.0.1:1/x:1\n"))
    push = ImageRef.parse("127.0.0.1:1/x:in-1")
    target = await _error(engine, _request(registry_host, "FROM BUSYBOX\nCOPY a.txt /\n", push=push))
    assert [(type(error), error.code) for error in (base, target)] == [(ProviderError, "BLD022")] * 2


async def test_the_login_of_a_host_reaches_pull_and_push(engine: RunningEngine, registry_host: str) -> None:
    config = Path(engine.docker_config) if engine.docker_config else None
    async with guarded_registry(registry_host, "ci", "canary-77") as host:
        request = _request(host, "FROM BUSYBOX\nCOPY a.txt /\n")
        wrong: list[dict[str, Login]] = [{}, {host: Login("ci", "wrong")}]
        for logins in wrong:
            with pytest.raises(Refused) as caught:
                await open_builder(engine.docker_host, config, engine.docker, logins).build(request, _ignore)
            assert caught.value.code == "BLD011"
        lines: list[str] = []
        logins = {host: Login("ci", "canary-77"), "other.test": Login("ci", "other")}
        digest = await open_builder(engine.docker_host, config, engine.docker, logins).build(
            request, lines.append
        )
    same = ImageRef.parse(str(request.push).replace(host, registry_host))
    assert digest == _pushed(same)
    assert "canary-77" not in "\n".join(lines)


async def test_a_pointer_in_place_of_a_file_is_refused(engine: RunningEngine, registry_host: str) -> None:
    files = {"big": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"}
    error = await _error(engine, _request(registry_host, "FROM BUSYBOX\nCOPY . /\n", files))
    assert (error.code, error.where) == ("BLD013", "big")


async def test_cancelling_leaves_nothing(
    engine: RunningEngine, registry_host: str, build_folders: Path
) -> None:
    begun = asyncio.Event()

    def log(line: str) -> None:
        if line == "begun":
            begun.set()

    request = _request(registry_host, "FROM BUSYBOX\nRUN echo begun; sleep 300\n")
    task = asyncio.create_task(_builder(engine).build(request, log))
    await asyncio.wait_for(begun.wait(), 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert list(build_folders.iterdir()) == []


async def test_the_deadline_is_refused_with_the_last_step(engine: RunningEngine, registry_host: str) -> None:
    config = Path(engine.docker_config) if engine.docker_config else None
    builder = open_builder(engine.docker_host, config, engine.docker, deadline=4)
    with pytest.raises(Refused) as caught:
        await builder.build(_request(registry_host, "FROM BUSYBOX\nRUN echo slow; sleep 300\n"), _ignore)
    assert caught.value.code == "BLD014"


async def test_no_engine_no_client_and_no_plugin_are_told_apart(
    newest_engine: RunningEngine, registry_host: str, tmp_path: Path
) -> None:
    request = _request(registry_host, "FROM BUSYBOX\n")
    config = Path(newest_engine.docker_config) if newest_engine.docker_config else None
    lonely = tmp_path / "docker"
    lonely.write_text("#!/bin/sh\necho \"docker: 'buildx' is not a docker command\" >&2; exit 1\n")
    lonely.chmod(0o755)
    builders = [
        open_builder(f"unix://{tmp_path}/none.sock", config, newest_engine.docker),
        open_builder(newest_engine.docker_host, config, str(tmp_path / "absent")),
        open_builder(newest_engine.docker_host, config, str(lonely)),
    ]
    codes = []
    for builder in builders:
        with pytest.raises(ProviderError) as caught:
            await builder.build(request, _ignore)
        codes.append((type(caught.value), caught.value.code))
    assert codes == [(ProviderError, "BLD020"), (Refused, "BLD001"), (Refused, "BLD002")]


async def test_an_older_buildx_is_read_as_plain_text(
    newest_engine: RunningEngine, registry_host: str, tmp_path: Path
) -> None:
    older = tmp_path / "docker"
    older.write_text(
        '#!/bin/sh\n[ "$2" = version ] && echo github.com/docker/buildx v0.12.1 x && exit\n'
        f'exec {newest_engine.docker} "$@"\n'
    )
    older.chmod(0o755)
    config = Path(newest_engine.docker_config) if newest_engine.docker_config else None
    builder = open_builder(newest_engine.docker_host, config, str(older))
    with pytest.raises(Refused) as caught:
        await builder.build(_request(registry_host, "FROM BUSYBOX\nRUN echo words; exit 5\n"), _ignore)
    assert caught.value.code == "BLD010"
    assert caught.value.log[-1] == "words"
