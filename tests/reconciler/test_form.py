"""Forms: made from specs, read back from labels, and labels that somebody else wrote."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allowances import allow_what_it_asks
from reconciler.canonical import MAX_CANONICAL
from reconciler.desired import DesiredVolume, Json, NetworkUse, ServiceForm
from reconciler.files import ConfigDigest, files_keys
from reconciler.form import decode_label, encode_label, fields_of, make_form, read_form
from reconciler.ownership import Owner
from reconciler.resolve import desired_networks, desired_volumes
from spec_texts import document, effective_of, environment, service
from specs.allow import Allowed
from specs.service import Service

OWNER = Owner("shop", "dev")
DIGEST = "ab" * 32
SPEC = (
    service(
        "web",
        "command: [serve, '--port', 8080]",
        "environment: {A: b, S: {secret: token}, T: 'x-${secret:other}'}",
        "ports: ['127.0.0.1:8080:80', '53/udp']",
        "volumes: ['data:/d', 'old:/o:ro', '/srv/x:/h', {type: tmpfs, target: /t},"
        " {type: discard, target: /z}]",
        "networks: {front: {aliases: [www]}, default: {}}",
        "configs: [app, {source: app, target: /etc/app, mode: 0o440}]",
        "secrets: [token, {source: token, target: /s, mode: '0444', uid: 5}]",
        "healthcheck: {test: [CMD, a], interval: 2s, retries: 3}",
        "deploy: {resources: {limits: {cpus: '0.5', memory: 256M, pids: 9}, reservations: {memory: 64M}}}",
        "user: app",
        "labels: {a.b: c}",
        "stop_grace_period: 1.5s",
    ),
    document("Volume", "data"),
    document("Volume", "old", "external: true", "name: legacy_data"),
    document("Network", "front", "internal: true"),
    document("Config", "app", "content: x"),
    document("Secret", "token"),
    environment("allow: {host_mounts: [/srv/x]}"),
)


def web(*documents: str) -> ServiceForm:
    found = effective_of(*(documents or SPEC))
    configs = {key: ConfigDigest(DIGEST, "content") for key in files_keys(found.services.values())}
    networks, volumes = desired_networks(OWNER, found), desired_volumes(OWNER, found)
    return make_form(OWNER, "web", found.services["web"], configs, networks, volumes)


def read(canonical: str) -> ServiceForm:
    found = effective_of(*SPEC)
    return read_form(
        OWNER,
        canonical,
        desired_networks(OWNER, found),
        desired_volumes(OWNER, found),
        allowed=found.environment.allow,
    )


def test_flattens_what_is_declared() -> None:
    volume = f"shop_dev_files_{DIGEST[:20]}"
    assert dict(web().fields) == {
        "command": ["serve", "--port", "8080"],
        "environment.A": "b",
        "environment.S": {"secret": "token"},
        "environment.T": "x-${secret:other}",
        "ports.127.0.0.1:8080->80/tcp": {
            "target": 80, "published": 8080, "host_ip": "127.0.0.1", "protocol": "tcp"},
        "ports.53/udp": {"target": 53, "published": None, "host_ip": None, "protocol": "udp"},
        "volumes./d": {"type": "volume", "source": "shop_dev_data", "read_only": False},
        "volumes./o": {"type": "volume", "source": "legacy_data", "read_only": True},
        "volumes./h": {"type": "bind", "source": "/srv/x", "read_only": False},
        "volumes./t": {"type": "tmpfs", "source": None, "read_only": False},
        "volumes./z": {"type": "discard", "source": None, "read_only": False},
        "configs./app": volume,
        "configs./etc/app": volume,
        "secrets./run/secrets/token": {"secret": "token", "mode": 0o400},
        "secrets./s": {"secret": "token", "mode": 0o444},
        "healthcheck.test": ["CMD", "a"],
        "healthcheck.interval": 2.0,
        "healthcheck.retries": 3,
        "deploy.resources.limits.cpus": 0.5,
        "deploy.resources.limits.memory": 256 << 20,
        "deploy.resources.limits.pids": 9,
        "deploy.resources.reservations.memory": 64 << 20,
        "restart": "unless-stopped",
        "user": "app",
        "labels.a.b": "c",
        "stop_grace_period": 1.5,
    }  # fmt: skip


def test_names_the_objects() -> None:
    form = web()
    assert [(use.name, use.aliases) for use in form.networks] == [
        ("default", ("web",)),
        ("front", ("web", "www")),
    ]
    assert form.networks[1].object_name.startswith("shop_dev_front_")
    assert [use.object_name for use in form.mounts] == ["shop_dev_data", "/srv/x", "legacy_data", "", ""]
    assert [use.external for use in form.mounts] == [False, False, True, False, False]
    assert [(use.target, use.mode, use.uid) for use in form.secrets] == [
        ("/run/secrets/token", 0o400, None),
        ("/s", 0o444, "5"),
    ]


def test_a_service_without_networks_joins_the_default_one() -> None:
    form = web(service("web"), environment())
    assert [(use.name, use.aliases) for use in form.networks] == [("default", ("web",))]
    assert form.fields == {"restart": "unless-stopped"}


def test_a_healthcheck_that_is_off_is_nothing_else() -> None:
    patch = "patches: [{kind: Service, name: web, spec: {healthcheck: {disable: true}}}]"
    form = web(service("web", "healthcheck: {test: [CMD, a], retries: 3}"), environment(patch))
    assert {path: value for path, value in form.fields.items() if path.startswith("health")} == {
        "healthcheck.disable": True
    }


def test_reads_back_what_it_wrote() -> None:
    form = web()
    assert read(decode_label(encode_label(form.canonical))) == form
    assert fields_of(form.canonical) == form.fields


def test_holds_no_secret_value_and_no_default() -> None:
    assert json.loads(web(service("web"), environment()).canonical) == {
        "v": 1,
        "name": "web",
        "service": {"image": "redis:7"},
        "files": {},
        "volumes": {},
    }


def test_a_network_that_is_declared_no_more_gets_a_name_that_none_bears() -> None:
    form = read_form(OWNER, web().canonical, {}, {"old": DesiredVolume("old", "legacy_data", external=True)},
                     allowed=Allowed(host_mounts=("/srv/x",)))  # fmt: skip
    assert isinstance(form.networks[0], NetworkUse)
    assert form.networks[1].object_name != web().networks[1].object_name
    assert form.fingerprint == web().fingerprint


def test_todays_policy_decides_about_host_mounts() -> None:
    found = effective_of(*SPEC)
    with pytest.raises(ValueError, match="not allowed"):
        read_form(OWNER, web().canonical, desired_networks(OWNER, found), desired_volumes(OWNER, found))


def test_an_external_volume_that_is_declared_no_more_is_another_fingerprint() -> None:
    found = effective_of(*SPEC)
    form = read_form(
        OWNER, web().canonical, desired_networks(OWNER, found), {}, allowed=Allowed(host_mounts=("/srv/x",))
    )
    assert form.fingerprint != web().fingerprint
    assert "legacy_data" not in str(form.mounts)


def test_the_form_of_another_service_is_refused() -> None:
    found = effective_of(*SPEC)
    with pytest.raises(ValueError, match="another service"):
        read_form(OWNER, web().canonical, desired_networks(OWNER, found), {}, service_name="db")


def edit(change: Callable[[dict[str, Json]], object]) -> str:
    document: dict[str, Json] = json.loads(web().canonical)
    change(document)
    return json.dumps(document)


def in_service(**fields: Json) -> str:
    document = json.loads(web().canonical)
    document["service"].update(fields)
    return json.dumps(document)


HOSTILE = [
    "",
    "null",
    "[]",
    "{}",
    "{" * 100_000,
    "[" * 100_000,
    '{"v": NaN}',
    "1" * 10_000,
    " " * (MAX_CANONICAL + 1),
    edit(lambda d: d.update(v=2)),
    edit(lambda d: d.update(extra=1)),
    edit(lambda d: d.pop("files")),
    edit(lambda d: d.update(name="../x")),
    edit(lambda d: d.update(name=1)),
    edit(lambda d: d.update(service=[])),
    edit(lambda d: d.update(files={})),
    edit(lambda d: d.update(files={"/app": {"digest": "x"}, "/etc/app": {"digest": DIGEST}})),
    edit(
        lambda d: d.update(
            files={"/app": {"digest": DIGEST, "file": "../../x"}, "/etc/app": {"digest": DIGEST}}
        )
    ),
    in_service(privileged=True),
    in_service(image=1),
    in_service(labels={"reconciler.owner": "other/prod"}),
    in_service(volumes={"/h": {"type": "bind", "source": "/"}}),
    in_service(volumes={"/h": {"type": "bind", "source": "/srv/x/../../etc"}}),
    in_service(volumes={"/h": {"type": "volume", "source": "/etc"}}),
    in_service(volumes={"/h": {"type": "volume", "source": "other_prod_data"}}),
    in_service(volumes={"/h/../x": {"type": "tmpfs"}}),
    in_service(volumes={"/h": {"type": "volume"}}),
    in_service(ports={"80/tcp": {"target": 80, "published": 22}}),
    in_service(ports={"80/tcp": {"target": "80"}}),
    in_service(restart="sometimes"),
    in_service(stop_grace_period=1e308),
    in_service(environment={"A": None}),
    in_service(networks={"UPPER": {}}),
]


@pytest.mark.parametrize("canonical", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_text_is_an_error_and_nothing_else(canonical: str) -> None:
    with pytest.raises(ValueError, match=r"^the (form|canonical)") as caught:
        read(canonical)
    assert len(str(caught.value)) < 100


@pytest.mark.parametrize(
    "label",
    [
        "",
        "not base64!",
        base64.b64encode(b"not zlib").decode(),
        base64.b64encode(zlib.compress(b"\xff\xfe")).decode(),
        base64.b64encode(zlib.compress(b"{}")[:-3]).decode(),
        base64.b64encode(zlib.compress(b"{}") + b"more").decode(),
        base64.b64encode(zlib.compress(b"x" * (MAX_CANONICAL + 1))).decode(),
        base64.b64encode(zlib.compress(b"\0" * 100_000_000, 9)).decode(),
        "A" * (2 * MAX_CANONICAL + 4),
        "é",
    ],
    ids=range(10),
)
def test_a_hostile_label_is_an_error_and_nothing_else(label: str) -> None:
    with pytest.raises(ValueError, match=r"^the label"):
        decode_label(label)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=200, deadline=None)
@given(
    st.fixed_dictionaries(
        {"v": st.just(1), "name": st.just("web"), "files": _json, "volumes": _json},
        optional={
            "service": _json
            | st.dictionaries(st.sampled_from(["image", "ports", "volumes", "deploy"]), _json)
        },
    )
)
def test_any_json_is_a_form_or_an_error(document: dict[str, Json]) -> None:
    for reader in (read, fields_of):
        try:
            reader(json.dumps(document))
        except ValueError:
            continue


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("privileged", True),
        ("cap_add", ["SYS_ADMIN"]),
        ("devices", ["/dev/sda:/dev/sda:rwm"]),
        ("device_cgroup_rules", ["b *:* rwm"]),
        ("gpus", [{"count": -1}]),
        ("gpus", [{"device_ids": ["0"], "driver": "nvidia"}]),
        ("security_opt", ["seccomp=unconfined"]),
        ("network_mode", "host"),
        ("ipc", "host"),
        ("pid", "host"),
        ("uts", "host"),
        ("userns_mode", "host"),
        ("cgroup", "host"),
        ("cgroup_parent", "/x"),
        ("volumes", {"/h": {"type": "bind", "source": "/srv/x", "bind": {"propagation": "rshared"}}}),
    ],
)
def test_todays_policy_decides_about_every_word_that_needs_leave(word: str, value: Json) -> None:
    """A label that asks for it is no form, however it came to be; under an allow of another word neither."""
    document = json.dumps(
        {"v": 1, "name": "web", "service": {"image": "redis:7", word: value}, "files": {}, "volumes": {}}
    )
    for allowed in (Allowed(), Allowed(host_mounts=("/srv/x",), cap_add={"NET_ADMIN": ("web",)})):
        with pytest.raises(ValueError, match="not allowed"):
            read_form(OWNER, document, {}, {}, service_name="web", allowed=allowed)
    asked = Service.model_validate_json(json.dumps({"image": "redis:7", word: value}), strict=True)
    everything = allow_what_it_asks("web", asked)
    assert read_form(OWNER, document, {}, {}, allowed=everything).spec == asked
