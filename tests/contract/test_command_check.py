"""A check by a command in the promoted image, on every runtime: how it ended, and that nothing is left."""

from __future__ import annotations

import pytest

from docker_subject import DockerSubject
from ground import RunningEngine
from reconciler.cli.command_check import check_command
from reconciler.cli.gate_subject import CheckedService
from reconciler.ownership import Owner
from reconciler.provider import Login
from runtime_subject import ECHO, ENDLESS, FAIL, RuntimeSubject
from specs.gate_check import Check
from specs.reference import ImageRef

ALONE = """
test "$(ls /sys/class/net)" = lo || { echo "networks: $(ls /sys/class/net)"; exit 1; }
env | grep -vE '^(PATH|HOME|HOSTNAME|PWD|SHLVL|_)=' && exit 2
test ! -e /run/secrets || exit 3
"""


async def login(ref: ImageRef) -> Login | None:
    return None


async def ask(subject: RuntimeSubject, *words: str, timeout: str = "30s") -> tuple[bool | None, str]:
    check = Check.model_validate({"name": "migrate", "command": words, "timeout": timeout}, strict=True)
    service = CheckedService("web", "a" * 40, subject.image)
    found = await check_command(subject.runtime, login, subject.owner, check, service)
    assert {name for kind, name in subject.inventory() if kind == "container"} == set(), "nothing is left"
    assert (await subject.look()).instances == ()
    return found


async def test_says_how_it_ended_and_leaves_nothing(subject: RuntimeSubject) -> None:
    assert await ask(subject, *ECHO) == (True, "exit code 0")
    passed, seen = await ask(subject, *FAIL)
    assert passed is False
    assert seen in ("exit code 3: err", "exit code 3: out")
    assert await ask(subject, *ENDLESS, timeout="500ms") == (False, "it ran longer than 0.5 s")
    subject.expect_broken()
    passed, seen = await ask(subject, "/no/such/program")
    assert (passed, seen[:16]) == (None, "it cannot be run")


@pytest.mark.engine
async def test_has_the_image_and_nothing_else(newest_engine: RunningEngine, registry_host: str) -> None:
    subject = DockerSubject(Owner("contract-alone", "dev"), newest_engine, registry_host)
    try:
        assert await ask(subject, "sh", "-c", ALONE) == (True, "exit code 0")
    finally:
        await subject.runtime.close()
        subject.clean()
