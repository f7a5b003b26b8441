"""What the docker client's configuration says, and credential programs."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from oci_errors import CANARY, fails_with
from providers.oci import faults
from providers.oci.credentials import (
    Credential,
    IdentityToken,
    credential_source,
    default_docker_config,
    read_docker_config,
)
from reconciler.provider import Login, Refused

CI = Login("ci", CANARY)
AUTH = {"auth": base64.b64encode(f"ci:{CANARY}".encode()).decode()}
HUB = "https://index.docker.io/v1/"
WriteProgram = Callable[[str, str], None]


def write(folder: Path, document: object) -> Path:
    path = folder / "config.json"
    path.write_text(json.dumps(document))
    return path


@pytest.fixture
def write_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WriteProgram:
    """Puts a credential program, written in shell, on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def write_script(name: str, script: str) -> None:
        path = folder / f"docker-credential-{name}"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    return write_script


@pytest.mark.parametrize(
    ("key", "host", "found"),
    [
        ("registry.example.com", "registry.example.com", True),
        ("https://registry.example.com", "registry.example.com", True),
        ("https://registry.example.com/v2/", "registry.example.com", True),
        ("http://registry.example.com/v1", "registry.example.com", True),
        ("Registry.Example.com", "registry.example.com", True),
        ("registry.example.com", "Registry.Example.com", True),
        ("registry.example.com:5000", "registry.example.com:5000", True),
        ("registry.example.com:5000", "registry.example.com", False),
        ("registry.example.com", "registry.example.com:5000", False),
        ("registry.example.com/team", "registry.example.com", False),
        ("example.com", "registry.example.com", False),
        ("registry.example.com.evil.example", "registry.example.com", False),
        (HUB, "docker.io", True),
        ("index.docker.io", "docker.io", True),
        ("docker.io", "docker.io", True),
        ("registry-1.docker.io", "docker.io", True),
        (HUB, "index.docker.io", True),
        (HUB, "auth.docker.io", False),
    ],
)
async def test_a_login_counts_for_exactly_its_host(tmp_path: Path, key: str, host: str, found: bool) -> None:
    path = write(tmp_path, {"auths": {key: AUTH}})
    assert await read_docker_config(path, host) == (CI if found else None)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (AUTH, CI),
        ({"username": "ci", "password": CANARY}, CI),
        ({"auth": AUTH["auth"], "identitytoken": "refresh"}, IdentityToken("refresh")),
        ({"auth": base64.b64encode(b"ci:a:b\0\0").decode()}, Login("ci", "a:b")),
        ({"auth": ""}, None),
        ({}, None),
    ],
)
async def test_reads_every_form_of_an_entry(
    tmp_path: Path, entry: object, expected: Credential | None
) -> None:
    path = write(tmp_path, {"auths": {"r.example": entry}})
    assert await read_docker_config(path, "r.example") == expected


async def test_an_empty_entry_does_not_hide_one_by_another_spelling(tmp_path: Path) -> None:
    path = write(tmp_path, {"auths": {"r.example": {}, "https://r.example/v1/": AUTH}})
    assert await read_docker_config(path, "r.example") == CI


async def test_the_folder_may_be_named_and_the_file_may_be_missing(tmp_path: Path) -> None:
    assert await read_docker_config(tmp_path, "r.example") is None
    assert await read_docker_config(tmp_path / "no" / "config.json", "r.example") is None
    write(tmp_path, {"auths": {"r.example": AUTH}})
    assert await read_docker_config(tmp_path, "r.example") == CI


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{", "null", '{"auths": []}', '{"auths": {"r.example": 1}}', '{"credHelpers": 1}'),
        '{"credsStore": 1}',
        '{"auths": {"r.example": {"auth": 1}}}',
        '{"auths": {"r.example": {"auth": "' + CANARY + '"}}}',
        '{"auths": {"r.example": {"auth": "' + base64.b64encode(CANARY.encode()).decode() + '"}}}',
        '{"auths": {}, "auths": {}}',
        "[" * 100_000,
        " " * (1 << 20) + "{}",
    ],
)
async def test_a_broken_configuration_is_refused_with_its_path_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(text)
    error = await fails_with(faults.DOCKER_CONFIG, read_docker_config(path, "r.example"))
    assert isinstance(error, Refused)
    assert str(path) in error.where
    assert error.remedy


async def test_the_login_of_the_spec_counts_before_the_docker_client(tmp_path: Path) -> None:
    path = write(tmp_path, {"auths": {"r.example": AUTH}})
    assert await credential_source("r.example", Login("me", "mine"), path)() == Login("me", "mine")
    assert await credential_source("r.example", None, path)() == CI
    assert await credential_source("r.example", None, None)() is None


def test_the_default_is_where_the_docker_client_looks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    assert default_docker_config() == tmp_path / "config.json"
    monkeypatch.delenv("DOCKER_CONFIG")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_docker_config() == tmp_path / ".docker" / "config.json"


async def test_a_program_is_asked_for_its_host_and_the_store_for_the_others(
    tmp_path: Path, write_program: WriteProgram
) -> None:
    reply = '''read -r host; printf '{"ServerURL":"x","Username":"%s","Secret":"%s"}' "$1-{name}" "$host"'''
    write_program("one", reply.replace("{name}", "one"))
    write_program("all", reply.replace("{name}", "all"))
    helpers = {"r.example": "one", "https://hub.example/v2/": "one", "docker.io": "one"}
    path = write(tmp_path, {"credHelpers": helpers, "credsStore": "all", "auths": {"r.example": AUTH}})
    assert await read_docker_config(path, "r.example") == Login("get-one", "r.example")
    assert await read_docker_config(path, "hub.example") == Login("get-one", "hub.example")
    assert await read_docker_config(path, "docker.io") == Login("get-one", HUB)
    assert await read_docker_config(path, "other.example:5000") == Login("get-all", "other.example:5000")


async def test_a_program_may_keep_an_identity_token(tmp_path: Path, write_program: WriteProgram) -> None:
    write_program("one", """printf '{"Username":"<token>","Secret":"refresh"}'""")
    path = write(tmp_path, {"credsStore": "one"})
    assert await read_docker_config(path, "r.example") == IdentityToken("refresh")


async def test_a_program_that_keeps_nothing_leaves_the_file(
    tmp_path: Path, write_program: WriteProgram
) -> None:
    write_program("one", "echo 'credentials not found in native keychain'; exit 1")
    path = write(tmp_path, {"credsStore": "one", "auths": {"r.example": AUTH}})
    assert await read_docker_config(path, "r.example") == CI
    assert await read_docker_config(path, "other.example") is None


@pytest.mark.parametrize(
    "script",
    [
        f"echo '{CANARY}'; echo '{CANARY}' >&2; exit 3",
        f"echo '{CANARY}'",
        f"""printf '{{"Username":"{CANARY}"}}'""",
        """printf '{"Username":"ci","Secret":""}'""",
        """printf '{"Username":"ci","Secret":1}'""",
        "head -c 70000 /dev/zero",
        "kill -9 $$",
    ],
)
async def test_a_program_that_fails_is_an_error_that_may_pass_and_quotes_nothing(
    tmp_path: Path, write_program: WriteProgram, script: str
) -> None:
    write_program("one", script)
    path = write(tmp_path, {"credsStore": "one"})
    error = await fails_with(faults.CREDENTIAL_PROGRAM, read_docker_config(path, "r.example"))
    assert not isinstance(error, Refused)
    assert "docker-credential-one for r.example" in error.where


async def test_a_program_that_hangs_ends_with_its_children(
    tmp_path: Path, write_program: WriteProgram
) -> None:
    write_program("one", f"sleep 60 & echo $! > {tmp_path}/child; wait")
    path = write(tmp_path, {"credsStore": "one"})
    start = time.monotonic()
    await fails_with(faults.CREDENTIAL_PROGRAM, read_docker_config(path, "r.example", deadline=0.5))
    assert time.monotonic() - start < 5
    child = int((tmp_path / "child").read_text())
    for _ in range(100):
        if not Path(f"/proc/{child}").exists() or "Z" in Path(f"/proc/{child}/stat").read_text().split()[2]:
            return
        await asyncio.sleep(0.02)
    pytest.fail("the program's child is still running")


async def test_a_program_that_reads_nothing_is_no_trouble(
    tmp_path: Path, write_program: WriteProgram
) -> None:
    write_program("one", """exec <&-; printf '{"Username":"ci","Secret":"word"}'""")
    path = write(tmp_path, {"credsStore": "one"})
    assert await read_docker_config(path, "r.example") == Login("ci", "word")


@pytest.mark.parametrize("name", ["../../bin/evil", "/bin/evil", "a b", "-x", "é"])
async def test_a_program_named_by_a_path_is_refused(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, {"credsStore": name})
    error = await fails_with(faults.CREDENTIAL_PROGRAM, read_docker_config(path, "r.example"))
    assert isinstance(error, Refused)


async def test_a_program_that_is_not_there_says_so(tmp_path: Path) -> None:
    path = write(tmp_path, {"credsStore": "nobody-has-this"})
    error = await fails_with(faults.CREDENTIAL_PROGRAM, read_docker_config(path, "r.example"))
    assert error.remedy


def test_credentials_print_without_their_secret() -> None:
    assert CANARY not in repr((CI, IdentityToken(CANARY)))
