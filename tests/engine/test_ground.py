"""The ground that engine tests stand on: both engine versions answer and reach the registry."""

from __future__ import annotations

import json
import os
import urllib.request

import pytest

from ground import MACHINE, Ground, RunningEngine

pytestmark = pytest.mark.engine


def test_both_versions_are_there_where_they_are_promised(ground: Ground) -> None:
    promised = (
        {MACHINE} if set(ground.engines) == {MACHINE} and not os.environ.get("CI") else {"20.10", "26.1"}
    )
    assert set(ground.engines) == promised


def test_an_engine_has_the_version_that_its_name_says(engine: RunningEngine) -> None:
    assert engine.cli("version", "--format", "{{.Server.Version}}").startswith(engine.version + ".")
    assert {"20.10": "1.41", "26.1": "1.45"}.get(engine.version, engine.api) == engine.api


def test_a_container_runs_and_its_network_knows_its_name(engine: RunningEngine) -> None:
    network = engine.cli("network", "create", "ground-names")
    try:
        arguments = ("run", "--rm", "--network", network, "--name", "ground-named", "busybox:1.36")
        assert engine.cli(*arguments, "nslookup", "ground-named").count("ground-named") >= 1
    finally:
        engine.cli("network", "rm", network)


def test_an_engine_pushes_to_the_registry_and_pulls_from_it(
    engine: RunningEngine, registry_host: str
) -> None:
    reference = f"{registry_host}/ground/{engine.version}:1"
    engine.cli("tag", "busybox:1.36", reference)
    engine.cli("push", "--quiet", reference)
    engine.cli("image", "rm", reference)
    engine.cli("pull", "--quiet", reference)
    engine.cli("image", "rm", reference)


def test_the_registry_answers(registry_url: str) -> None:
    with urllib.request.urlopen(f"{registry_url}/v2/", timeout=10) as answer:
        assert answer.status == 200
        assert json.loads(answer.read()) == {}


def test_buildx_is_there(engine: RunningEngine) -> None:
    assert engine.cli("buildx", "version")
