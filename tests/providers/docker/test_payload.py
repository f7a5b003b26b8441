"""From a blueprint to a create call: what the fields alone do not show."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from docker_forms import OWNER, blueprint_of, form_of, network_of
from providers.docker.archive import pack, unpack_one
from providers.docker.faults import CODES, EngineError, mask, start_error
from providers.docker.labels import instance_labels
from providers.docker.payload import ImageFacts, create_payload, limits_payload
from providers.docker.secret_files import User, check, find_group, find_user
from reconciler.canonical import decode_label
from reconciler.files import ConfigDigest
from reconciler.provider import FileEntry, ProviderError, Refused
from reconciler.secret_volume import volume_of

FACTS = ImageFacts("sha256:1", {}, entrypoint=("/entry",))
FILES = {"one": ConfigDigest("1" * 64, "app.conf"), "tree": ConfigDigest("2" * 64, None)}


def payload(written: dict[str, Any], **secrets: str) -> Any:
    blueprint = blueprint_of(form_of(written, configs=FILES))
    return create_payload(blueprint, FACTS, secrets, {use.volume: "/v" for use in blueprint.form.files})


def test_every_label_of_the_contract_is_there() -> None:
    blueprint = blueprint_of(form_of({"environment": {"P": {"secret": "db"}}, "labels": {"team": "x"}}))
    labels = instance_labels(blueprint)
    assert {name.removeprefix("reconciler.") for name in labels if name != "team"} == {
        "owner", "service", "fingerprint", "spec", "secrets", "image", "input", "commit", "pin", "source",
        "by",
    }  # fmt: skip
    assert (labels["reconciler.owner"], labels["team"]) == ("shop/prod", "x")
    assert labels["reconciler.image"] == "registry.example.com/web@sha256:" + "d" * 64
    assert decode_label(labels["reconciler.spec"]) == blueprint.form.canonical


def test_secrets_reach_the_environment_and_nothing_else() -> None:
    body = payload({"environment": {"P": {"secret": "db"}, "U": "pg://${secret:db}@h/$x"}}, db="s3cret$1\\1")
    assert body["Env"] == ["P=s3cret$1\\1", "U=pg://s3cret$1\\1@h/$x"]
    body.pop("Env")
    assert "s3cret" not in repr(body)


def test_a_missing_secret_is_refused_by_name() -> None:
    with pytest.raises(Refused) as raised:
        payload({"environment": {"P": {"secret": "db"}}})
    assert (raised.value.code, "db" in raised.value.seen) == ("DKR033", True)


def test_an_empty_command_really_is_empty() -> None:
    assert payload({"command": []}) | {"Cmd": [], "Entrypoint": ["/entry"]} == payload({"command": []})
    assert "Entrypoint" not in payload({"command": ["x"]})
    assert "Cmd" not in payload({})


def test_mounts_carry_the_labels_of_their_volumes() -> None:
    written = {
        "volumes": {"/data": {"source": "data"}},
        "configs": {"/a": {"source": "one"}, "/b": {"source": "tree"}, "/c": {"source": "one"}},
    }
    mounts = payload(written)["HostConfig"]["Mounts"]
    by_target = {mount["Target"]: mount for mount in mounts}
    assert len(by_target) == len(mounts) == 5
    assert by_target["/data"]["VolumeOptions"]["Labels"] == {
        "reconciler.owner": "shop/prod", "reconciler.name": "data", "reconciler.role": "data",
    }  # fmt: skip
    tree, one = by_target["/b"], by_target["/a"]
    assert (tree["Type"], tree["ReadOnly"], tree["VolumeOptions"]["NoCopy"]) == ("volume", True, True)
    assert (one["Type"], one["Source"], one["ReadOnly"]) == ("bind", "/v/app.conf", True)
    assert all(mount["VolumeOptions"]["Labels"] for mount in mounts if mount["Type"] == "volume")


def test_the_first_network_is_named_and_aliased() -> None:
    body = payload({"networks": {"back": {"aliases": ["db"]}, "default": {}}})
    name = network_of(OWNER, "back").object_name
    assert body["HostConfig"]["NetworkMode"] == "default"  # never the network itself
    assert body["NetworkingConfig"]["EndpointsConfig"] == {name: {"Aliases": ["web", "db"]}}


def test_a_fixed_hardware_address_goes_with_the_create_call() -> None:
    mac = "02:42:99:99:99:28"
    body = payload({"networks": {"back": {}, "front": {"mac_address": mac}, "other": {}}})
    endpoints = body["NetworkingConfig"]["EndpointsConfig"]
    assert {name.split("_")[2]: endpoint.get("MacAddress") for name, endpoint in endpoints.items()} == {
        "back": None,
        "front": mac,
    }


def test_a_memory_limit_takes_the_swap_limit_along() -> None:
    assert limits_payload(None, 100, None, None) == {"Memory": 100, "MemorySwap": 200}
    assert limits_payload(0.5, None, 9, 7) == {
        "NanoCpus": 500_000_000,
        "PidsLimit": 9,
        "MemoryReservation": 7,
    }
    assert limits_payload(None, None, None, None) == {}


@pytest.mark.parametrize(
    ("status", "message", "code"),
    [
        (500, "Bind for 0.0.0.0:8080 failed: port is already allocated", "DKR031"),
        (
            500,
            "Error starting userland proxy: listen tcp4 0.0.0.0:8080: bind: address already in use",
            "DKR031",
        ),
        (400, 'OCI runtime create failed: exec: "/x": stat /x: no such file or directory', "DKR032"),
        (400, 'exec: "x": executable file not found in $PATH: unknown', "DKR032"),
        (400, "exec /x: exec format error", "DKR032"),
        (500, "no space left on device", "DKR030"),
        (404, "network shop_prod_default_1 not found", "DKR030"),
    ],
)
def test_a_refused_start_is_told_apart(status: int, message: str, code: str) -> None:
    error = start_error("web", EngineError("DKR010", "x", message, status=status))
    assert error.code == code
    assert isinstance(error, Refused) == (code == "DKR032")
    assert code != "DKR031" or error.seen.startswith("port 8080 of the host is taken")


def test_engine_words_never_show_a_secret() -> None:
    assert "s3cret" not in str(mask(ProviderError("DKR010", "x", "bad value P=s3cret"), ["s3cret", ""]))


def test_codes_are_in_the_table() -> None:
    assert all(code.startswith("DKR") and words for code, words in CODES.items())


@pytest.mark.parametrize("path", ["/abs", "../up", "a/../b", "", ".", "a//b", "a/", "x\0y"])
def test_a_path_that_leaves_the_root_is_refused(path: str) -> None:
    with pytest.raises(Refused):
        pack("v", [FileEntry(path, 0o444, 0, 0, b"")])


def test_archives_are_the_same_bytes_for_the_same_files() -> None:
    entries = [FileEntry("b/x", 0o444, 1, 2, b"x"), FileEntry("a", 0o400, 0, 0, b"a")]
    assert pack("v", entries) == pack("v", entries[::-1])
    assert unpack_one(pack("v", entries[1:])) == b"a"
    assert unpack_one(b"no tar") == b""


PASSWD = "root:x:0:0::/:/bin/sh\napp:x:101:102::/:\n7:x:x:\n"


def test_users_are_found_by_name_and_number() -> None:
    assert find_user(PASSWD, "app", "w") == User(101, 102)
    assert find_user(PASSWD, "101", "w") == User(101, 102)
    assert find_user("", "1234", "w") == User(1234, 0)
    assert find_group("app:x:5:\n", "app", "w") == 5
    for find in (lambda: find_user(PASSWD, "nobody", "w"), lambda: find_group("", "app", "w")):
        with pytest.raises(Refused) as raised:
            find()
        assert raised.value.code == "DKR034"


@pytest.mark.parametrize("target", ["/data/a/b", "/etc/tree/key"])
def test_a_secret_in_a_mount_is_refused(target: str) -> None:
    written = {
        "volumes": {"/data": {"source": "data"}},
        "configs": {"/etc/tree": {"source": "tree"}},
        "secrets": {target: {"source": "db"}},
    }
    with pytest.raises(Refused) as raised:
        check("w", form_of(written, configs=FILES), {"db": "x"})
    assert (raised.value.code, target in raised.value.seen) == ("DKR036", True)


@pytest.mark.parametrize(
    "written", [{"read_only": True}, {"volumes": {"/run": {"type": "tmpfs"}}}], ids=["read-only", "tmpfs"]
)
def test_a_secret_that_cannot_be_copied_is_mounted(written: dict[str, Any]) -> None:
    form = form_of({**written, "secrets": {"/run/secrets/b": {"source": "b"}, "/run/a": {"source": "a"}}})
    check("w", form, {"a": "x", "b": "y"})
    blueprint = blueprint_of(form)
    volume = volume_of(blueprint)
    assert volume is not None
    body: Any = create_payload(blueprint, FACTS, {"a": "x", "b": "y"}, {volume: "/v"})
    mounts = {m["Target"]: m for m in body["HostConfig"]["Mounts"]}
    assert (mounts["/run/a"]["Source"], mounts["/run/secrets/b"]["Source"]) == ("/v/0", "/v/1")
    assert all(mounts[path]["ReadOnly"] for path in ("/run/a", f"/.reconciler/{volume}"))
    assert mounts[f"/.reconciler/{volume}"]["VolumeOptions"]["Labels"]["reconciler.role"] == "secret"
    other = replace(blueprint, generation=replace(blueprint.generation, secrets="s1:2"))
    assert volume_of(other) != volume
