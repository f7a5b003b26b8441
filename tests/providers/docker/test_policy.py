"""The policy on payloads: every field of the engine's schema has one class, and no payload goes beyond."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from docker_forms import blueprint_of, form_of
from providers.docker.payload import ImageFacts, create_payload
from providers.docker.policy import TABLES, call_of, check, find, permit_of
from providers.docker.policy_values import Call, Permit
from reconciler.provider import Refused
from specs.allow import Allowed

SCHEMA = {
    version: json.loads((Path(__file__).parent / "schema" / f"fields-{version}.json").read_text())
    for version in ("1.41", "1.45")
}
"""Every field of each call's body, by the API's schema of Docker Engine 20.10 and 26.1."""
IMAGE = ImageFacts("sha256:1", {})
GPU = {"count": -1, "capabilities": ["gpu"]}
ID = "4" * 64
ASKS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "HostConfig.Privileged": ({"privileged": True}, {"privileged": ["web"]}),
    "HostConfig.CapAdd[]": ({"cap_add": ["NET_ADMIN"]}, {"cap_add": ["NET_ADMIN"]}),
    "HostConfig.Devices[].PathOnHost": ({"devices": ["/dev/kvm"]}, {"devices": {"/dev/kvm": ["web"]}}),
    "HostConfig.DeviceCgroupRules[]": (
        {"device_cgroup_rules": ["c 1:3 rwm"]},
        {"device_cgroup_rules": ["c 1:3 rwm"]},
    ),
    "HostConfig.DeviceRequests[].Count": ({"gpus": [GPU]}, {"gpus": ["all"]}),
    "HostConfig.DeviceRequests[].DeviceIDs[]": ({"gpus": [{"device_ids": ["0", "1"]}]}, {"gpus": ["0", "1"]}),
    "HostConfig.SecurityOpt[]": (
        {"security_opt": ["seccomp:unconfined"]},
        {"security_opt": ["seccomp=unconfined"]},
    ),
    "HostConfig.NetworkMode": ({"network_mode": "host"}, {"network_mode": ["host"]}),
    "HostConfig.IpcMode": ({"ipc": "host"}, {"ipc": ["host"]}),
    "HostConfig.PidMode": ({"pid": "host"}, {"pid": {"host": ["web", "other"]}}),
    "HostConfig.UTSMode": ({"uts": "host"}, {"uts": ["host"]}),
    "HostConfig.UsernsMode": ({"userns_mode": "host"}, {"userns_mode": ["host"]}),
    "HostConfig.CgroupnsMode": ({"cgroup": "host"}, {"cgroup": ["host"]}),
    "HostConfig.CgroupParent": ({"cgroup_parent": "/shop.slice"}, {"cgroup_parent": ["/shop.slice"]}),
    "HostConfig.Mounts[].Source": (
        {"volumes": {"/h": {"type": "bind", "source": "/srv/x"}}},
        {"host_mounts": ["/srv/x"]},
    ),
}
"""Field of the payload -> what a service writes, and the line of ``allow`` that grants it."""


def payload(spec: Mapping[str, Any], allow: Mapping[str, Any] | None = None) -> tuple[dict[str, Any], Permit]:
    allowed = Allowed.model_validate(allow or {})
    blueprint = blueprint_of(form_of(spec), allowed=allowed)
    body: dict[str, Any] = dict(create_payload(blueprint, IMAGE, {}, {}))
    return body, permit_of(blueprint, {})


@pytest.mark.parametrize("version", SCHEMA)
@pytest.mark.parametrize("call", TABLES)
def test_every_field_of_the_schema_is_in_exactly_one_class(version: str, call: Call) -> None:
    table = TABLES[call]
    for path in SCHEMA[version][call]:
        classes = [path in part for part in (table.safe, table.granted, table.refused)]
        assert sum(classes) == 1 or (sum(classes) == 0 and table.leads_to(path)), path


@pytest.mark.parametrize("call", TABLES)
def test_the_table_holds_no_field_that_no_engine_has(call: Call) -> None:
    table = TABLES[call]
    known = set(SCHEMA["1.41"][call]) | set(SCHEMA["1.45"][call])
    assert {*table.safe, *table.granted, *table.refused} <= known


@pytest.mark.parametrize("path", ASKS)
def test_what_reaches_beyond_the_container_needs_exactly_its_allow(path: str) -> None:
    asked, allow = ASKS[path]
    body, permit = payload(asked)
    assert {finding.path for finding in find("container", body, permit)} == {path}
    body, permit = payload(asked, allow)
    assert list(find("container", body, permit)) == []
    granted = {word: {"another": ["web"]} for word in allow if word not in ("privileged", "host_mounts")}
    other = granted or {word: ["/other"] if word == "host_mounts" else ["other"] for word in allow}
    body, permit = payload(asked, other)
    assert {finding.code for finding in find("container", body, permit)} == {"DKR072"}


def test_every_granted_field_is_asked_for_above() -> None:
    assert set(TABLES["container"].granted) == set(ASKS)


@pytest.mark.parametrize("version", SCHEMA)
def test_a_refused_field_is_refused_whatever_is_allowed(version: str) -> None:
    every = {word: ["host", "all", "*"] for word in Allowed.model_fields}
    for path in TABLES["container"].refused:
        if path in SCHEMA[version]["container"]:
            body = built(path)
            codes = {f.code for f in find("container", body, Permit("web", Allowed.model_validate(every)))}
            assert "DKR071" in codes, path


def built(path: str) -> dict[str, Any]:
    """The smallest payload that has a value at a path."""
    value: Any = "x"
    for part in reversed(path.replace("[]", ".[]").split(".")):
        value = [value] if part == "[]" else {"front" if part == "*" else part: value}
    assert isinstance(value, dict)
    return value


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"HostConfig": {"Sysctls": {"kernel.core_pattern": "|/x"}}}, "DKR073"),
        ({"HostConfig": {"LogConfig": {"Type": "splunk"}}}, "DKR073"),
        ({"HostConfig": {"LogConfig": {"Config": {"syslog-address": "unix:///x"}}}}, "DKR073"),
        ({"HostConfig": {"LogConfig": {"Config": {"syslog-tls-key": "/etc/x"}}}}, "DKR073"),
        ({"HostConfig": {"Annotations": {"run.oci.handler": "x"}}}, "DKR073"),
        ({"HostConfig": {"OomScoreAdj": -999}}, "DKR073"),
        ({"HostConfig": {"Ulimits": [{"Name": "rtprio", "Soft": 1, "Hard": 1}]}}, "DKR073"),
        ({"HostConfig": {"Mounts": [{"Type": "npipe", "Target": "/x"}]}}, "DKR073"),
        ({"HostConfig": {"Mounts": [{"Type": "bind", "Source": "/etc/localtime"}]}}, "DKR072"),
        ({"HostConfig": {"Mounts": [{"Type": "volume", "Source": "/etc"}]}}, "DKR072"),
        ({"HostConfig": {"Mounts": [{"VolumeOptions": {"Subpath": "../x"}}]}}, "DKR073"),
        ({"HostConfig": {"NetworkMode": f"container:{ID}"}}, "DKR072"),
        ({"HostConfig": {"MaskedPaths": []}}, ""),
        ({"HostConfig": {"Privileged": "yes"}}, "DKR072"),
        ({"HostConfig": {"PidMode": "container:x"}}, "DKR072"),
        ({"HostConfig": {"NewField": 1}}, "DKR070"),
        ({"HostConfig": "x"}, "DKR073"),
        ({"NewField": {"deep": 1}}, "DKR070"),
        ({"NetworkingConfig": {"EndpointsConfig": {"host": {}}}}, "DKR073"),
        ({"ExposedPorts": {"80/tcp;x": {}}}, "DKR073"),
        ({"Labels": {"a": 1}}, "DKR073"),
        ({"Cmd": ["a\0b"]}, "DKR073"),
    ],
)  # fmt: skip
def test_values_outside_the_safe_set(body: dict[str, Any], code: str) -> None:
    codes = {finding.code for finding in find("container", body)}
    assert codes == ({code} if code else {"DKR071"})


@pytest.mark.parametrize(
    ("call", "body", "code"),
    [
        ("network", {"Name": "x", "Driver": "macvlan"}, "DKR073"),
        ("network", {"Name": "host"}, "DKR073"),
        ("network", {"Options": {"com.docker.network.bridge.trusted_host_interfaces": "x"}}, "DKR073"),
        ("network", {"ConfigFrom": {"Network": "x"}}, "DKR071"),
        ("network", {"IPAM": {"Driver": "remote"}}, "DKR073"),
        ("volume", {"Name": "x", "Driver": "plugin"}, "DKR073"),
        ("volume", {"DriverOpts": {"type": "none", "o": "bind", "device": "/"}}, "DKR072"),
        ("volume", {"DriverOpts": {"o": "bind", "device": "/", "type": "nfs"}}, "DKR072"),
        ("volume", {"DriverOpts": {"mountpoint": "/"}}, "DKR072"),
        ("volume", {"ClusterVolumeSpec": {"Group": "x"}}, "DKR071"),
        ("update", {"Devices": [{"PathOnHost": "/dev/sda"}]}, "DKR071"),
        ("update", {"CgroupParent": "/"}, "DKR071"),
        ("connect", {"Container": "x", "EndpointConfig": {"DriverOpts": {"a": "b"}}}, "DKR071"),
        ("exec", {"Cmd": ["id"], "Privileged": True}, "DKR071"),
    ],
)
def test_the_other_calls(call: Call, body: dict[str, Any], code: str) -> None:
    assert {finding.code for finding in find(call, body)} == {code}


def test_a_volume_of_a_host_path_needs_the_same_allow_as_a_mount() -> None:
    body = {"Name": "x", "DriverOpts": {"type": "none", "o": "bind", "device": "/srv/x"}}
    assert list(find("volume", body, Permit("", Allowed(host_mounts=("/srv/x",))))) == []


def test_mounts_that_travel_to_the_host_are_named_with_the_path() -> None:
    mount = {"type": "bind", "source": "/srv/x", "bind": {"propagation": "rshared"}}
    spec = {"volumes": {"/h": mount}}
    body, permit = payload(spec, {"host_mounts": ["/srv/x"]})
    assert {f.path for f in find("container", body, permit)} == {"HostConfig.Mounts[].Source"}
    body, permit = payload(spec, {"host_mounts": ["/srv/x:rshared"]})
    assert list(find("container", body, permit)) == []


def test_an_error_names_the_field_and_what_to_allow_and_no_value() -> None:
    body, permit = payload({"environment": {"PASSWORD": "correct-horse"}, "cap_add": ["SYS_ADMIN"]})
    with pytest.raises(Refused) as caught:
        check("/containers/create", "web", body, permit)
    message = str(caught.value)
    assert "HostConfig.CapAdd[] SYS_ADMIN" in message
    assert "allow.cap_add" in message
    assert "correct-horse" not in message


def test_a_call_that_no_table_knows_is_refused() -> None:
    assert call_of("/plugins/create") is None
    with pytest.raises(Refused, match="DKR070"):
        check("/plugins/create", "x", {"a": 1})
