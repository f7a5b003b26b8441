"""Words that reach beyond a container, the same on every runtime: declared, allowed, and read back."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any

import pytest

from reconciler.observed import Instance
from reconciler.provider import ProviderError
from runtime_subject import WEB, RuntimeSubject

WORDS: dict[str, dict[str, Any]] = {
    "most": {
        "cap_add": ["NET_ADMIN", "SYS_TIME"],
        "devices": ["/dev/zero:/dev/nought:r"],
        "device_cgroup_rules": ["c 1:5 rwm", "c 1:3 rw"],
        "security_opt": ["no-new-privileges:true", "seccomp=unconfined"],
        "ipc": "host",
        "pid": "host",
        "uts": "host",
        "userns_mode": "host",
        "cgroup": "host",
        "cgroup_parent": "/reconciler-contract",
        "network_mode": "host",
    },
    "privileged": {"privileged": True, "network_mode": "none", "ipc": "private", "cgroup": "private"},
    "gpus": {"gpus": [{"count": -1}, {"device_ids": ["0"], "driver": "nvidia", "capabilities": ["utility"]}]},
    "few": {"ipc": "shareable", "security_opt": ["no-new-privileges"], "cap_add": ["CAP_NET_RAW"]},
}


@pytest.mark.parametrize("words", WORDS)
async def test_what_reaches_beyond_is_read_back_as_declared(subject: RuntimeSubject, words: str) -> None:
    told = WORDS[words]
    networks = () if "network_mode" in told else ("default",)
    blueprint = await subject.draw(replace(WEB, networks=networks, words=tuple(told.items())))
    if words in ("privileged", "gpus"):
        # Where root itself lacks a capability, nothing privileged starts, and without a GPU nothing that
        # asks for one; it is made, and can be read.
        with contextlib.suppress(ProviderError):
            await subject.runtime.create_instance(blueprint, {})
    else:
        await subject.runtime.create_instance(blueprint, {})
    seen = await one(subject, "web")
    live = {path: seen.live_fields.get(path) for path in seen.applied_fields}
    assert live == dict(seen.applied_fields)
    assert live.keys() >= told.keys()
    assert seen.networks == tuple(name for name in seen.networks if networks)


async def test_a_shared_namespace_is_told_by_the_service_and_ends_with_its_process(
    subject: RuntimeSubject,
) -> None:
    first = await subject.create(replace(WEB, words=(("ipc", "shareable"),)))
    modes = ("network_mode", "ipc", "pid")
    sketch = replace(WEB, name="beside", networks=(), words=tuple((word, "service:web") for word in modes))
    blueprint = replace(await subject.draw(sketch), joins={"web": first.handle.id})
    await subject.runtime.create_instance(blueprint, {})
    beside = await one(subject, "beside")
    assert [beside.live_fields[word] for word in modes] == ["service:web"] * 3
    assert beside.networks == ()
    subject.rename(first.name, f"{first.name}_kept")
    beside = await one(subject, "beside")
    assert [beside.live_fields[word] for word in modes] == [f"container:{first.handle.id}"] * 3


async def one(subject: RuntimeSubject, service_name: str) -> Instance:
    instances = (await subject.look()).instances
    return next(instance for instance in instances if instance.service_name == service_name)
