"""The lock: what is written, when nothing is, and what a plan says of references that float or moved."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from cli_world import SPECS, CliWorld
from providers.memory import digest_of
from reconciler.cli.apply import report_apply
from reconciler.cli.envelope import Report, Stop
from reconciler.cli.lock import effective_specs, report_lock
from reconciler.cli.plan import report_plan
from reconciler.cli.source import open_source
from reconciler.cli.why import report_why
from reconciler.provider import ProviderError, Registry
from specs.load import SpecFile, load
from specs.reference import Digest, ImageRef


def lock(world: CliWorld, **fields: Any) -> Report:
    """The verb on the working tree, with the registries in memory."""
    options = world.options("lock", worktree=True, **fields)
    source = open_source(options)
    assert set(effective_specs(source)) == {"dev"}

    async def ask(environment: str, ref: ImageRef) -> Registry:
        return world.registries[ref.host]

    return asyncio.run(report_lock(options, source, ask))


def lock_file(world: CliWorld) -> Path:
    return world.repository.path / "specs" / "lock.yaml"


def move(world: CliWorld, text: str) -> Digest:
    """The tag means other bytes from now on."""
    ref = ImageRef.parse(text)
    return world.registries[ref.host].push(ref, digest_of("other bytes"))


def images(report: Report) -> dict[str, Any]:
    found = report.members["images"]
    assert isinstance(found, dict)
    return found


def test_the_first_lock_is_sorted_checked_like_any_spec_and_restarts_nobody(settled: CliWorld) -> None:
    before = set(settled.engine.ground.containers)
    floating = settled.run(report_plan)
    assert "floating: busybox:1.36 (reconciler lock" in floating.text
    assert images(floating)["busybox:1.36"]["bases"][0]["floating"] is True
    assert images(floating)["web"]["bases"][0]["moved"] is False
    report = lock(settled)
    assert (report.exit, report.members["result"]) == (0, "written")
    text = lock_file(settled).read_text()
    documents, problems = load([SpecFile("specs/lock.yaml", text.encode())])
    assert not problems
    assert set(documents.locks) == {"busybox:1.36"}
    assert lock(settled).members["result"] == "nothing"
    assert lock_file(settled).read_text() == text
    settled.repository.commit({})
    assert settled.run(report_apply).members["result"] == "settled"
    assert "cache" in {c.labels["reconciler.service"] for c in settled.engine.ground.containers.values()}
    kept = before & set(settled.engine.ground.containers)
    assert [c for c in kept if "_cache_" in settled.engine.ground.containers[c].name]
    planned = settled.run(report_plan)
    assert "floating" not in planned.text
    assert "moved" not in planned.text


def test_a_moved_tag_is_a_notice_until_the_lock_takes_it(settled: CliWorld) -> None:
    lock(settled)
    settled.repository.commit({})
    settled.run(report_apply)
    moved = move(settled, "busybox:1.36")
    told = settled.run(report_plan, exit_code=True)
    assert told.exit == 0
    assert f"moved: busybox:1.36 means sha256:{moved.hex[:12]} now" in told.text
    assert images(told)["busybox:1.36"]["bases"][0]["moved"] is True
    assert images(told)["web"]["bases"][0]["moved"] is True
    report = lock(settled, update=("busybox",))
    (entry,) = report.members["entries"]  # type: ignore[misc] # a list
    assert (entry["result"], entry["digest"]) == ("updated", str(moved))  # type: ignore[index, call-overload]
    settled.repository.commit({})
    assert "busybox:1.36@sha256:" in settled.run(report_why, service="cache").text
    assert settled.run(report_apply).members["result"] == "settled"
    live = [c for c in settled.engine.ground.containers.values() if c.alive and "_cache_" in c.name]
    assert [c.image.rpartition("@")[2] for c in live] == [str(moved)]


def test_nothing_is_written_when_a_reference_does_not_resolve(shop: CliWorld) -> None:
    other = SPECS.replace('image: "busybox:1.36"', 'image: "nowhere:1"')
    shop.repository.commit({"specs/shop.yaml": other})
    report = lock(shop)
    assert (report.exit, report.members["result"]) == (1, "refused")
    assert "Service cache" in str(report.problems[0])
    assert "SRC004" in str(report.problems[0])
    assert not lock_file(shop).exists()
    partial = lock(shop, partial=True)
    assert (partial.exit, partial.members["result"]) == (3, "written")
    assert '"busybox:1.36"' in lock_file(shop).read_text()
    assert "nowhere" not in lock_file(shop).read_text()


def test_a_lock_that_is_complete_needs_no_registry(shop: CliWorld) -> None:
    lock(shop)
    unplugged = ProviderError("X", "docker.io", "unplugged")
    shop.registries["docker.io"].fail("digest", error=unplugged, times=None)
    assert lock(shop).members["result"] == "nothing"
    assert lock(shop, update=("busybox:1.36",)).exit == 1
    assert lock(shop, update=("busybox:1.36",), partial=True).members["result"] == "nothing"


def test_what_nothing_names_goes_and_what_nothing_names_cannot_be_renewed(shop: CliWorld) -> None:
    lock(shop)
    text = lock_file(shop).read_text()
    lock_file(shop).write_text(text + f'    "redis:7": "sha256:{"0" * 64}"\n')
    assert lock(shop).members["result"] == "written"
    assert lock_file(shop).read_text() == text
    with pytest.raises(Stop) as stop:
        lock(shop, update=("redis",))
    assert [problem.code for problem in stop.value.problems] == ["CLI030"]


def test_a_link_is_not_followed(shop: CliWorld, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.txt"
    elsewhere.write_text("mine")
    lock_file(shop).symlink_to(elsewhere)
    with pytest.raises(Stop):
        lock(shop)
    assert elsewhere.read_text() == "mine"


def test_a_plan_does_not_need_to_know_what_moved(settled: CliWorld) -> None:
    lock(settled)
    settled.repository.commit({})
    settled.run(report_apply)
    unplugged = ProviderError("X", "docker.io", "unplugged")
    settled.registries["docker.io"].fail("digest", error=unplugged, times=None)
    report = settled.run(report_plan, exit_code=True)
    assert (report.exit, report.members["settled"]) == (0, True)
    assert images(report)["busybox:1.36"]["bases"][0]["moved"] is None
    assert images(report)["web"]["bases"][0]["moved"] is None


def test_a_damaged_lock_is_a_problem_like_any_other(shop: CliWorld) -> None:
    head = "apiVersion: reconciler/v1\nkind: Lock\nmetadata: {name: lock}\n"
    lock_file(shop).write_text(f"{head}spec: {{images: []}}\n")
    shop.repository.commit({})
    with pytest.raises(Stop) as stop:
        shop.run(report_plan)
    assert [(p.code, p.file, p.line) for p in stop.value.problems] == [("SPEC014", "specs/lock.yaml", 4)]
    with pytest.raises(Stop):
        lock(shop)
