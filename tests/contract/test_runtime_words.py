"""The words about one container, the same on every runtime: declared, they are read back as declared."""

from __future__ import annotations

from dataclasses import replace

from all_words import NORMAL
from reconciler.changes import SetLimits
from runtime_subject import WEB, RuntimeSubject

EVERY = replace(WEB, words=tuple(NORMAL.items()))


async def test_a_service_with_every_word_is_read_back_as_declared(subject: RuntimeSubject) -> None:
    seen = await subject.create(EVERY)
    live = {path: seen.live_fields[path] for path in seen.applied_fields}
    assert live == dict(seen.applied_fields)
    assert {path.partition(".")[0] for path in live} >= NORMAL.keys()


async def test_limits_are_set_without_a_new_process(subject: RuntimeSubject) -> None:
    made = await subject.create(EVERY)
    limits = SetLimits(None, 80 << 20, None, None, 90 << 20, 700, "0")
    for _ in range(2):
        await subject.runtime.mend_instance(subject.owner, made.handle, [limits])
    seen = await subject.only()
    wanted = {
        "deploy.resources.limits.memory": 80 << 20,
        "memswap_limit": 90 << 20,
        "cpu_shares": 700,
        "cpuset": "0",
    }
    assert {path: seen.live_fields[path] for path in wanted} == wanted
    assert (seen.handle, seen.started_at) == (made.handle, made.started_at)


async def test_every_limit_can_be_mended_in_place(subject: RuntimeSubject) -> None:
    traits = (await subject.look()).traits
    paths = ("deploy.resources.limits.memory", "memswap_limit", "cpu_shares", "cpuset", "restart")
    assert all(path.startswith(traits.mendable) for path in paths)
    assert not "shm_size".startswith(traits.mendable)
