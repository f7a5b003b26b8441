"""A process knows its own container by what a real engine shows inside of it."""

from __future__ import annotations

import uuid

import pytest

from ground import RunningEngine
from reconciler.cli.own_container import container_ids

pytestmark = pytest.mark.engine

LOOK = "cat /proc/self/mountinfo; echo =; cat /proc/self/cgroup"


@pytest.mark.parametrize("namespace", ["host", "private"])
def test_its_mounts_tell_and_its_groups_where_they_can_be_seen(engine: RunningEngine, namespace: str) -> None:
    name = f"own-{uuid.uuid4().hex[:12]}"
    words = ("run", "--name", name, "--cgroupns", namespace, "--hostname", "named", "busybox:1.36")
    try:
        mounts, _, groups = engine.cli(*words, "sh", "-c", LOOK).partition("=\n")
        own = {engine.cli("inspect", "--format", "{{.Id}}", name)}
    finally:
        engine.cli("rm", "--force", name)
    assert container_ids(mounts, "", "named") == own
    assert container_ids("", groups, "named") == (own if namespace == "host" else set())
