"""What any service sends: never more than the policy's table, with or without an environment's allow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from all_words import NEWER, NORMAL
from allowances import allow_what_it_asks
from docker_forms import blueprint_of, form_of
from providers.docker.engine import Engine
from providers.docker.payload import ImageFacts, create_payload
from providers.docker.policy import check_volume, find, permit_of
from providers.docker.policy_values import Permit
from providers.docker.tasks import task_payload
from reconciler.dialogue import CommandLine
from reconciler.provider import Refused
from specs.allow import Allowed, needs
from specs.ports import port_key
from specs.service import Service

ID = "4" * 64
TEXT = st.text(st.characters(blacklist_characters="\0", blacklist_categories=("Cs",)), max_size=12)
NAME = st.sampled_from(["a", "bb", "c-3"])
PATH = st.sampled_from(["/srv/a", "/srv/b", "/etc/localtime", "/", "/var/run/docker.sock"])
TARGET = st.sampled_from(["/a", "/b", "/c/d"])
MOUNT = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("bind"), "source": PATH},
        optional={
            "read_only": st.booleans(),
            "bind": st.fixed_dictionaries(
                {}, optional={"propagation": st.sampled_from(["private", "rshared", "shared", "rslave"])}
            ),
        },
    ),
    st.fixed_dictionaries(
        {"type": st.just("volume"), "source": NAME},
        optional={
            "read_only": st.booleans(),
            "volume": st.fixed_dictionaries(
                {}, optional={"nocopy": st.booleans(), "subpath": st.just("x/y")}
            ),
        },
    ),
    st.sampled_from([{"type": "tmpfs"}, {"type": "discard"}]),
)
DEVICES = st.sampled_from(["/dev/kvm", "/dev/zero:/dev/x:r"])
SECURITY = st.sampled_from(["no-new-privileges", "seccomp=unconfined", "apparmor=x", "label:disable"])
GPUS = st.sampled_from([{"count": -1}, {"count": 2, "driver": "nvidia"}, {"device_ids": ["0", "GPU-1"]}])
JOINED = st.sampled_from(["service:db", "host"])
BEYOND: Mapping[str, st.SearchStrategy[Any]] = {
    "privileged": st.booleans(),
    "cap_add": st.lists(st.sampled_from(["NET_ADMIN", "cap_sys_time", "ALL"]), max_size=3),
    "devices": st.lists(DEVICES, max_size=2),
    "device_cgroup_rules": st.lists(st.sampled_from(["c 1:3 rwm", "b *:* m"]), max_size=2),
    "gpus": st.lists(GPUS, max_size=2),
    "security_opt": st.lists(SECURITY, max_size=3),
    "network_mode": st.one_of(JOINED, st.just("none")),
    "ipc": st.one_of(JOINED, st.sampled_from(["none", "private", "shareable"])),
    "pid": JOINED,
    "uts": st.just("host"),
    "userns_mode": st.just("host"),
    "cgroup": st.sampled_from(["host", "private"]),
    "cgroup_parent": st.sampled_from(["/shop", "shop.slice"]),
    "volumes": st.dictionaries(TARGET, MOUNT, max_size=3),
    "environment": st.dictionaries(st.sampled_from(["A", "b.c"]), TEXT, max_size=2),
    "command": st.lists(TEXT, max_size=3),
    "labels": st.dictionaries(st.sampled_from(["x", "y.z"]), TEXT, max_size=2),
    "networks": st.dictionaries(
        NAME,
        st.fixed_dictionaries(
            {}, optional={"ipv4_address": st.just("10.0.0.9"), "mac_address": st.just("02:42:00:00:00:01")}
        ),
        max_size=2,
    ),
    "ports": st.sampled_from([{}, {port_key(80, 8080, None, "tcp"): {"target": 80, "published": 8080}}]),
    **{name: st.just(value) for name, value in {**NORMAL, **NEWER}.items() if name != "volumes"},
}
SERVICES = st.fixed_dictionaries({}, optional=dict(BEYOND))
IMAGE = ImageFacts("sha256:1", {})


def sent(spec: Mapping[str, Any], allowed: Allowed | None) -> tuple[dict[str, Any], Permit, Service]:
    form = form_of(spec)
    blueprint = blueprint_of(form, allowed=allowed, joins={"db": ID})
    return dict(create_payload(blueprint, IMAGE, {}, {})), permit_of(blueprint, {}), form.spec


@given(SERVICES)
@settings(max_examples=80, deadline=None)
def test_no_service_sends_more_than_the_table_and_its_allow(spec: dict[str, Any]) -> None:
    body, permit, service = sent(spec, None)
    assert permit.allowed == allow_what_it_asks("web", service)
    assert list(find("container", body, permit)) == []


def _localtime(**bind: str) -> dict[str, Any]:
    mount = {"type": "bind", "source": "/etc/localtime", "read_only": True, "bind": bind}
    return {"volumes": {"/etc/localtime": mount}}


@given(SERVICES)
@example(_localtime())
@example(_localtime(propagation="slave"))
@example(_localtime(propagation="shared"))
@settings(max_examples=80, deadline=None)
def test_without_allow_the_language_and_the_payload_refuse_the_same(spec: dict[str, Any]) -> None:
    body, permit, service = sent(spec, Allowed())
    asked = {need.word for need in needs("web", service)}
    refused = list(find("container", body, permit))
    assert {finding.code for finding in refused} <= {"DKR072"}
    assert bool(refused) == bool(asked)
    assert {finding.expected.rpartition(".")[2].split()[0] for finding in refused} == asked


@given(SERVICES)
@settings(max_examples=30, deadline=None)
def test_a_task_sends_no_more_than_its_service(spec: dict[str, Any]) -> None:
    form = form_of(spec)
    blueprint = blueprint_of(form, joins={"db": ID})
    body = create_payload(blueprint, IMAGE, {}, {})
    task = task_payload(body, blueprint, CommandLine(("true",)))
    assert list(find("container", task, permit_of(blueprint, {}))) == []


async def test_nothing_is_sent_before_it_was_checked(tmp_path: Any) -> None:
    engine = Engine(str(tmp_path / "no.sock"))
    with pytest.raises(Refused, match="DKR072"):
        await engine.create("/containers/create", {"name": "x"}, {"HostConfig": {"Privileged": True}})
    with pytest.raises(Refused, match="DKR073"):
        await engine.write("POST", "/networks/create", body={"Name": "x", "Driver": "macvlan"})


def test_a_volume_that_is_there_already_is_held_to_the_same_rule() -> None:
    options = {"type": "none", "o": "bind", "device": "/etc"}
    with pytest.raises(Refused, match="DKR074"):
        check_volume("legacy", options, Permit("web"))
    check_volume("legacy", options, Permit("web", Allowed(host_mounts=("/etc",))))
    check_volume("legacy", {"type": "nfs", "o": "addr=nas", "device": ":/x"}, Permit("web"))
    check_volume("legacy", {}, Permit("web"))


def test_what_a_label_asks_for_is_held_to_todays_allow() -> None:
    blueprint = blueprint_of(form_of({"privileged": True}))
    assert list(find("container", sent({"privileged": True}, None)[0], permit_of(blueprint, {}))) == []
    today = replace(blueprint, allowed=Allowed())
    assert list(find("container", sent({"privileged": True}, None)[0], permit_of(today, {}))) != []
